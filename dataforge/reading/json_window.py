"""The part of a stream of JSON text that is being looked at: it grows at its end and is let go at its start."""

from __future__ import annotations

from typing import BinaryIO

from dataforge.reading.drafts import RawRecord
from dataforge.reading.files import DamagedFileError
from dataforge.reading.json_values import HEAD_BYTES, MAX_RECORD_BYTES, Broken

CHUNK_BYTES = 2 << 20
_MOST_BYTES = 16 << 20


class Window:
    """A window on a stream that begins at the next record, and knows its line and byte.

    Args:
        stream: The bytes; read in chunks.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._base = 0
        self.data = b""
        self.start = 0
        self.line = 1
        self.is_at_end = False
        self.damage: DamagedFileError | None = None

    @property
    def byte(self) -> int:
        """Give the byte of the stream at which the window begins."""
        return self._base + self.start

    @property
    def size(self) -> int:
        """Count the bytes of the window."""
        return len(self.data) - self.start

    def grow(self) -> bool:
        """Read on, as much as is there already: the cost of copying stays in proportion.

        Returns:
            False where the stream has ended.
        """
        if self.is_at_end:
            return False
        try:
            new = self._stream.read(min(max(CHUNK_BYTES, self.size), _MOST_BYTES))
        except DamagedFileError as damage:
            self.damage = damage
            new = b""
        self.is_at_end = not new
        self._base += self.start
        self.data = self.data[self.start :] + new
        self.start = 0
        return bool(new)

    def advance(self, end: int) -> None:
        """Let go of what stands before a place in `data`."""
        self.line += self.data.count(b"\n", self.start, end)
        self.start = end

    def record(self, end: int) -> RawRecord:
        """Give what stands between the window's start and a place in `data` as a record."""
        return RawRecord(self.data[self.start : end], self.byte, self.line)


def cut_off(window: Window, raw: RawRecord) -> Broken:
    """Say that the stream ends within a record, or where another should follow."""
    if window.damage is not None:
        return Broken(raw, window.damage.code, window.damage.detail)
    within = "inside this record" if raw.data else "and its array is not closed"
    return Broken(raw, "cut-off", f"the file ends at byte {window.byte + window.size:,}, {within}")


def too_large(raw: RawRecord, size: int) -> Broken:
    """Say that a record is too large; only its beginning is kept."""
    detail = f"{size:,} bytes; the limit is {MAX_RECORD_BYTES:,}"
    return Broken(raw._replace(data=raw.data[:HEAD_BYTES]), "too-large", detail)
