"""Writes that are whole or not there, and disk errors that say what to do."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

from dataforge.core.errors import MachineError, Where

_FIXES = {
    errno.ENOSPC: "free some space, or work in a folder on a larger disk; the same command goes on from here",
    errno.EDQUOT: "free some of your quota; the same command goes on from here",
    errno.EACCES: "give yourself the right to read and write there, or work in another folder",
    errno.EPERM: "give yourself the right to read and write there, or work in another folder",
    errno.EROFS: "work in a folder that can be written to",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


@contextlib.contextmanager
def machine_errors(path: Path, doing: str) -> Generator[None]:
    """Turn what the operating system says into a MachineError with a fix.

    Args:
        path: The file or folder that is worked on.
        doing: What is tried, as in "write".

    Raises:
        MachineError: For every OSError.
    """
    try:
        yield
    except OSError as error:
        fix = _FIXES.get(error.errno or 0, "check the disk and the path")
        reason = error.strerror or str(error)
        raise MachineError(f"cannot {doing}: {reason}", where=Where(error.filename or path), fix=fix) from error


@contextlib.contextmanager
def held(path: Path, what: str) -> Generator[None]:
    """Hold a lock while something is done that must not be done twice at once; a killed process lets go of it.

    Args:
        path: The lock file; it is made where it is missing, and stays.
        what: What is being done, for the message to the second one: "a build of chat".

    Raises:
        MachineError: Another process holds it.
    """
    with machine_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MachineError(
                f"{what} is under way in another process", where=Where(path), fix="wait for it, or stop it"
            ) from error
        yield


def write_whole(path: Path, data: bytes | memoryview, *, is_precious: bool = True) -> None:
    """Write a file that appears complete or not at all.

    Args:
        path: Where.
        data: What.
        is_precious: Wait until it is on the disk, so that it is whole after a power cut too. What is found out when it
            is torn, and made again, need not wait.

    Raises:
        MachineError: The disk is full, or the folder may not be written to.
    """
    with machine_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                if is_precious:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
