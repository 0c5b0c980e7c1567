# pyright: basic
"""Reads one member of a 7z archive as a stream: py7zr only pushes, so a thread pushes through a pipe."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from threading import Thread
from typing import Any, BinaryIO, cast

from dataforge.core.errors import DataError, MachineError, Where
from dataforge.reading.files import MAX_RATIO, RATIO_FLOOR_BYTES, DamagedFileError

MAGIC = b"7z\xbc\xaf\x27\x1c"


def is_seven_zip(path: Path) -> bool:
    """Tell a 7z archive by its first bytes.

    Args:
        path: Any file; its name is not looked at.

    Returns:
        True for the 7z signature; the rest may still be damaged.

    Raises:
        MachineError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise MachineError(
            f"cannot open the file: {error.strerror}", where=Where(path), fix="check the path and the permissions"
        ) from error


def open_member(path: Path, name: str) -> BinaryIO:
    """Open the one member of an archive that has this file name, in whatever folder of the archive it lies.

    A damaged archive gives all that could be unpacked, and then the next read raises `DamagedFileError`.

    Args:
        path: The archive.
        name: The member's file name, without folders.

    Returns:
        A stream with `read` and `close`; close it, for a thread waits on it.

    Raises:
        DamagedFileError: The table of contents cannot be read, so nothing can.
        DataError: The archive wants a password, holds no such member or several, or is a bomb.
    """
    import py7zr

    try:
        archive = py7zr.SevenZipFile(path)
    except Exception as error:  # a damaged header makes py7zr raise whatever it stumbles over
        raise DamagedFileError("damaged-compression", f"the 7z archive cannot be read: {error}", 0) from error
    members = [member for member in archive.files if PurePosixPath(member.filename).name == name]
    fault = ""
    if len(members) != 1:
        fault = f"the 7z archive holds {len(members)} files named {name}, and must hold one"
    elif archive.needs_password():
        fault = "the 7z archive wants a password"
    elif members[0].uncompressed > max(RATIO_FLOOR_BYTES, path.stat().st_size * MAX_RATIO):
        fault = f"{path.stat().st_size:,} bytes unpack to {members[0].uncompressed:,}: this looks like a bomb"
    if fault:
        archive.close()
        raise _refusal(path, fault)
    return cast("BinaryIO", _Member(archive, members[0].filename))


def _refusal(path: Path, what: str) -> DataError:
    return DataError(what, where=Where(path), fix="unpack the archive by hand, and name the unpacked file")


class _Member:
    """The reading end of the pipe, and the thread that fills it."""

    def __init__(self, archive: Any, name: str) -> None:
        self._archive = archive
        self._name = name
        self._error: Exception | None = None
        self._count = 0
        self._end, self._inlet = os.pipe()
        self._thread = Thread(target=self._push, name=f"unpack {name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> _Member:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """Read as many bytes as asked for, fewer only at the end."""
        pieces: list[bytes] = []
        missing = size
        while missing:
            piece = os.read(self._end, 1 << 20 if missing < 0 else min(missing, 1 << 20))
            if not piece:
                break
            pieces.append(piece)
            missing -= len(piece) if missing > 0 else 0
        data = b"".join(pieces)
        self._count += len(data)
        if not data and size:
            self._thread.join()
            if self._error is not None:
                reason = f"{type(self._error).__name__} {self._error}".strip()
                detail = f"the 7z data do not unpack: {reason} after {self._count:,} unpacked bytes"
                raise DamagedFileError("damaged-compression", detail, self._count)
        return data

    def close(self) -> None:
        """Stop the thread."""
        if self._end >= 0:
            os.close(self._end)  # the thread's next write fails, and ends it
            self._end = -1
            self._thread.join()

    def _push(self) -> None:
        try:
            with self._archive as archive:
                archive.extract(targets=[self._name], factory=_Factory(self._inlet))
        except Exception as error:  # noqa: BLE001 - py7zr raises whatever it stumbles over; the reader hears of it
            self._error = error
        finally:
            os.close(self._inlet)


class _Factory:
    """What py7zr asks for a place to write to."""

    def __init__(self, inlet: int) -> None:
        self._inlet = inlet

    def create(self, _name: str) -> _Inlet:
        return _Inlet(self._inlet)


class _Inlet:
    """What py7zr writes to."""

    def __init__(self, inlet: int) -> None:
        self._inlet = inlet
        self._size = 0

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        while view:
            view = view[os.write(self._inlet, view) :]
        self._size += len(data)
        return len(data)

    def size(self) -> int:
        return self._size

    def read(self, _size: int | None = None) -> bytes:
        return b""

    def seek(self, _offset: int, _whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """The thread closes the pipe."""
