"""Brings questions and their answers together, wherever in a dump they stand, in bounded memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from typing import NamedTuple

from dataforge.core.errors import MachineError
from dataforge.reading.drafts import RawRecord

# SQLite keeps this much in memory, and the rest in a file of its own that vanishes with it.
_CACHE_KIB = 64 << 10

_TABLE = "CREATE TABLE post (id INTEGER PRIMARY KEY, question INTEGER, byte INTEGER, line INTEGER, data BLOB)"
_PUT = "INSERT OR IGNORE INTO post VALUES (?, ?, ?, ?, ?)"
_ORDER = "CREATE INDEX thread ON post (question, id)"
_ALL = "SELECT question, id, byte, line, data FROM post INDEXED BY thread ORDER BY question, id"


class Thread(NamedTuple):
    """A question, where the dump holds it, and the answers to it by their ids."""

    question_id: int
    question: RawRecord | None
    answers: list[tuple[int, RawRecord]]


class PostJoin:
    """A temporary store of posts: put them in file order, then take the threads out by question id.

    A dump is nearly in order of ids, so both ways run through the store from end to end; a dump that is not costs
    time, and no memory.
    """

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}; {_TABLE}; BEGIN;"
        )

    def close(self) -> None:
        """Forget everything."""
        self._base.close()

    def put(self, post_id: int, question_id: int, raw: RawRecord) -> bool:
        """Keep a post.

        Args:
            post_id: The post's own id.
            question_id: The id of the question it belongs to; a question's own.
            raw: The record as it stands in the dump.

        Returns:
            False where a post of that id came before; the first one stays.

        Raises:
            MachineError: The temporary folder is full.
        """
        try:
            cursor = self._base.execute(_PUT, (post_id, question_id, raw.byte, raw.line, raw.data))
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error
        return cursor.rowcount == 1

    def threads(self) -> Iterator[Thread]:
        """Give all posts as threads, by question id.

        Yields:
            One thread for each question id; its question is None where the dump holds answers alone.

        Raises:
            MachineError: The temporary folder is full.
        """
        try:
            self._base.execute(_ORDER)
            with closing(self._base.execute(_ALL)) as posts:
                for question_id, group in groupby(posts, key=lambda post: int(post[0])):
                    records = {int(post[1]): RawRecord(post[4], post[2], post[3]) for post in group}
                    question = records.pop(question_id, None)
                    yield Thread(question_id, question, list(records.items()))
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error


def _no_room(error: sqlite3.Error) -> MachineError:
    return MachineError(
        f"the posts cannot be kept while they are joined: {error}",
        fix="set TMPDIR to a folder with as much room as the unpacked dump",
    )
