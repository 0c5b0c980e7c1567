"""The physical lines of a stream of bytes, each with its place; lines can be put back."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO

from dataforge.reading.drafts import RawRecord
from dataforge.reading.files import DamagedFileError

MAX_LINE_BYTES = 8 << 20


class Lines:
    """Reads a stream line by line; a line of more than `MAX_LINE_BYTES` comes in pieces.

    Args:
        stream: The bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: deque[RawRecord] = deque()
        self._byte = 0
        self._line = 1
        self._is_told = False
        self.damage: DamagedFileError | None = None

    def next(self) -> RawRecord | None:
        """Give the next line with its end, or None after the last."""
        if self._waiting:
            return self._waiting.popleft()
        data = self._read()
        if not data:
            return None
        if not data.endswith(b"\n") and len(data) < MAX_LINE_BYTES:
            self._read()  # the last line: is this the file's end, or a place where it breaks off?
        line = RawRecord(data, self._byte, self._line)
        self._byte += len(data)
        self._line += data.endswith(b"\n")
        return line

    def _read(self) -> bytes:
        try:
            return self._stream.readline(MAX_LINE_BYTES)
        except DamagedFileError as damage:
            self.damage = damage
            return b""

    def put_back(self, lines: Sequence[RawRecord]) -> None:
        """Give lines out once more."""
        self._waiting.extendleft(reversed(lines))

    def skip_mark(self) -> None:
        """Step over a UTF-8 byte-order mark at the start."""
        first = self.next()
        if first is not None:
            mark = len(codecs.BOM_UTF8) if first.data.startswith(codecs.BOM_UTF8) else 0
            self.put_back([RawRecord(first.data[mark:], mark, 1)])

    def damage_in(self, line: RawRecord) -> tuple[str, str] | None:
        """Say once, of the line it breaks off in, that the file is damaged."""
        if self.damage is None or self._is_told or line.data.endswith(b"\n"):
            return None
        self._is_told = True
        return self.damage.code, self.damage.detail

    @property
    def end(self) -> RawRecord:
        """An empty record after the last line: a place to hang what is wrong with the file's end."""
        return RawRecord(b"", self._byte, self._line)
