"""Opens raw files as streams of bytes, compressed or not, and guards against decompression bombs."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import zstandard

from dataforge.core.errors import DataError, MachineError, Where

# Text of real corpora shrinks 3 to 30 times, deflate cannot pass 1,032; below the floor no ratio is judged,
# because a few kilobytes of blanks harm nobody.
MAX_RATIO = 1_000
RATIO_FLOOR_BYTES = 64 << 20
MAX_BYTES = 1 << 40

_PIECE_BYTES = 256 << 10
# zstd gives out a whole piece at once, and may write up to 128 KiB for every three bytes: small pieces keep
# that below 128 MiB.
_ZSTD_PIECE_BYTES = 3 << 10


class DamagedFileError(Exception):
    """A compressed file that breaks off or does not unpack; raised only after all that could be read was handed out.

    Args:
        code: `cut-off-compression` or `damaged-compression`.
        detail: What exactly is wrong, in a few words.
        byte: How many uncompressed bytes could be read.
    """

    def __init__(self, code: str, detail: str, byte: int) -> None:
        super().__init__(code, detail, byte)
        self.code = code
        self.detail = detail
        self.byte = byte


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decode(self, data: bytes, limit: int) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._last_was_full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._last_was_full

    def decode(self, data: bytes, limit: int) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, limit)
        self._last_was_full = len(out) == limit
        return out


class _LzmaOrBz2:
    def __init__(self, inner: lzma.LZMADecompressor | bz2.BZ2Decompressor) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return self._inner.needs_input

    def decode(self, data: bytes, limit: int) -> bytes:
        return self._inner.decompress(data, limit)


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return True

    def decode(self, data: bytes, limit: int) -> bytes:  # noqa: ARG002 - zstd has no limit; its pieces are small
        return self._inner.decompress(data)


# By the first bytes, not by the name: renamed downloads are common.
_MAGIC: tuple[tuple[bytes, str, Callable[[], _Decoder]], ...] = (
    (b"\x1f\x8b", "gzip", _Gzip),
    (b"\x28\xb5\x2f\xfd", "zstd", _Zstd),
    (b"\xfd7zXZ\x00", "xz", lambda: _LzmaOrBz2(lzma.LZMADecompressor(lzma.FORMAT_XZ))),
    (b"BZh", "bz2", lambda: _LzmaOrBz2(bz2.BZ2Decompressor())),
)


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a compressed file; at damage it ends, and keeps the error for its reader."""

    def __init__(
        self, source: BinaryIO, kind: str, decoder: Callable[[], _Decoder], judge: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._source = source
        self._kind = kind
        self._new_decoder = decoder
        self._decoder = decoder()
        self._judge = judge
        self._out = b""
        self._count = 0
        self._is_done = False
        self.damage: DamagedFileError | None = None

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._source.close()
        super().close()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._out and not self._is_done:
            self._out = self._unpack(max(len(buffer), _PIECE_BYTES))
            self._count += len(self._out)
            self._judge(self._count)
        size = min(len(buffer), len(self._out))
        buffer[:size] = self._out[:size]
        self._out = self._out[size:]
        return size

    def _unpack(self, limit: int) -> bytes:
        try:
            if self._decoder.eof:
                return self._next_member()
            data = self._piece() if self._decoder.needs_input else b""
            if not data and self._decoder.needs_input:
                self._stop("cut-off-compression", f"the {self._kind} data break off")
                return b""
            return self._decoder.decode(data, limit)
        except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError) as error:
            self._stop("damaged-compression", f"the {self._kind} data do not unpack: {error}")
            return b""

    def _piece(self) -> bytes:
        return self._source.read(_ZSTD_PIECE_BYTES if self._kind == "zstd" else _PIECE_BYTES)

    def _next_member(self) -> bytes:
        # Files may be glued together (`cat a.gz b.gz`), and tapes pad with zeros.
        rest = (self._decoder.unused_data or self._piece()).lstrip(b"\0")
        while not rest:
            rest = self._piece()
            if not rest:
                self._is_done = True
                return b""
            rest = rest.lstrip(b"\0")
        self._decoder = self._new_decoder()
        return self._decoder.decode(rest, _PIECE_BYTES)

    def _stop(self, code: str, detail: str) -> None:
        self._is_done = True
        self.damage = DamagedFileError(code, f"{detail} after {self._count:,} unpacked bytes", self._count)


class _Reader(io.BufferedReader):
    """Buffers the unpacked bytes, and raises at their end what was wrong: nobody can mistake it for a whole file."""

    def __init__(self, unpacked: _Unpacked) -> None:
        super().__init__(unpacked, _PIECE_BYTES)
        self._unpacked = unpacked

    def read(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().read(-1 if size is None else size), size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._checked(super().read1(size), size)

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().readline(-1 if size is None else size), size)

    def _checked(self, data: bytes, size: int | None) -> bytes:
        if not data and size != 0 and self._unpacked.damage is not None:
            raise self._unpacked.damage
        return data


def open_bytes(path: Path, *, max_ratio: int = MAX_RATIO, max_bytes: int = MAX_BYTES) -> BinaryIO:
    """Open a file for reading bytes: plain, gzip, zstd, xz or bz2, told apart by their first bytes.

    Read it in pieces (or line by line) until a read gives nothing. A damaged file gives all that could be unpacked,
    and then the next read raises `DamagedFileError`: make it a reject with its byte offset.

    Args:
        path: The file.
        max_ratio: How many times larger than the file on disk its content may be, once it is over 64 MiB.
        max_bytes: How many bytes its content may have.

    Returns:
        A buffered stream of bytes.

    Raises:
        MachineError: The file cannot be opened.
    """
    try:
        source = path.open("rb")
        size = path.stat().st_size
    except OSError as error:
        raise MachineError(
            f"cannot open the file: {error.strerror}", where=Where(path), fix="check the path and the permissions"
        ) from error
    head = source.read(8)
    source.seek(0)
    for magic, kind, decoder in _MAGIC:
        if head.startswith(magic):
            judge = _bomb_judge(path, size, max_ratio, max_bytes)
            return cast("BinaryIO", _Reader(_Unpacked(source, kind, decoder, judge)))
    return source


def _bomb_judge(path: Path, size: int, max_ratio: int, max_bytes: int) -> Callable[[int], None]:
    allowed = min(max_bytes, max(RATIO_FLOOR_BYTES, size * max_ratio))

    def judge(unpacked: int) -> None:
        if unpacked > allowed:
            raise DataError(
                f"{size:,} compressed bytes unpack to more than {allowed:,}: this looks like a decompression bomb",
                where=Where(path),
                fix="unpack the file by hand if you trust it, and name the unpacked file in the recipe",
            )

    return judge
