"""Brings the messages of a tree together, wherever in a file they stand, in memory for one tree."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from dataforge.core.errors import MachineError
from dataforge.reading.drafts import RawRecord

_CACHE_KIB = 64 << 10

_TABLE = (
    "CREATE TABLE message (place INTEGER PRIMARY KEY, id TEXT UNIQUE, parent TEXT, byte INTEGER, line INTEGER, data)"
)
_PUT = "INSERT OR IGNORE INTO message (id, parent, byte, line, data) VALUES (?, ?, ?, ?, ?)"
_ORDER = "CREATE INDEX replies ON message (parent, place)"
_REPLIES = "SELECT place, id, parent, byte, line, data FROM message WHERE parent IS ? ORDER BY place"
_ALL = "SELECT place, id, parent, byte, line, data FROM message ORDER BY place"


class Stored(NamedTuple):
    """One message as it was put."""

    place: int
    message_id: str
    parent_id: str | None
    raw: RawRecord


class TreeJoin:
    """A temporary store of messages that name their parents: put them in file order, then take the trees out."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}; {_TABLE}; BEGIN;"
        )
        self._given = bytearray(1)

    def close(self) -> None:
        """Forget everything."""
        self._base.close()

    def put(self, message_id: str, parent_id: str | None, raw: RawRecord) -> bool:
        """Keep a message; one without a parent begins a tree.

        Args:
            message_id: The message's own id.
            parent_id: The id of the message it replies to; None for a root.
            raw: The record as it stands in the file.

        Returns:
            False where a message of that id came before; the first one stays.

        Raises:
            MachineError: The temporary folder is full.
        """
        try:
            cursor = self._base.execute(_PUT, (message_id, parent_id, raw.byte, raw.line, raw.data))
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error
        if cursor.rowcount != 1:
            return False
        self._given.append(0)
        return True

    def trees(self) -> Iterator[list[Stored]]:
        """Give all trees in the order of their roots: each message after its parent, replies in file order.

        Yields:
            One tree for each root, the root first; a message whose parent never came is in none.

        Raises:
            MachineError: The temporary folder is full.
        """
        try:
            self._base.execute(_ORDER)
            for root in self._base.execute(_REPLIES, (None,)):
                tree: list[Stored] = []
                ahead = [_stored(root)]
                while ahead:
                    message = ahead.pop()
                    self._given[message.place] = 1
                    tree.append(message)
                    replies = self._base.execute(_REPLIES, (message.message_id,)).fetchall()
                    ahead.extend(_stored(reply) for reply in reversed(replies))
                yield tree
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error

    def strays(self) -> Iterator[Stored]:
        """Give what no tree held, after `trees` has come to its end: ancestors are missing, or go in a circle."""
        for message in self._base.execute(_ALL):
            if not self._given[message[0]]:
                yield _stored(message)


def _stored(found: tuple[int, str, str | None, int, int | None, bytes]) -> Stored:
    place, message_id, parent_id, byte, line, data = found
    return Stored(place, message_id, parent_id, RawRecord(data, byte, line))


def _no_room(error: sqlite3.Error) -> MachineError:
    return MachineError(
        f"the messages cannot be kept while they are joined: {error}",
        fix="set TMPDIR to a folder with as much room as the unpacked file",
    )
