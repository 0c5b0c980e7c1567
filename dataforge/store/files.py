"""Digests of input files, remembered as long as a file's size, times and inode stay as they were."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from dataforge.core.fingerprint import canonical_json, short_id
from dataforge.store.disk import machine_errors, write_whole
from dataforge.store.home import Store


def digest_of(store: Store, path: Path) -> tuple[str, int]:
    """Hash an input file.

    Args:
        store: The project's store; it notes digests, so that an unchanged file is hashed once.
        path: The file, hashed as it lies there, packed or not.

    Returns:
        SHA-256 as 64 hex digits, and the size in bytes.

    Raises:
        MachineError: The file cannot be read.
    """
    with machine_errors(path, "read"):
        state = path.stat()
        # The change time cannot be set back by a program, so an edit that keeps size and mtime is seen too.
        seen = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
        note = store.root / "files" / f"{short_id(str(path))}.json"
        known = _read_note(note)
        if known is not None and known["seen"] == seen:
            return known["digest"], state.st_size
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    write_whole(note, canonical_json({"seen": seen, "digest": digest}), is_precious=False)
    return digest, state.st_size


def _read_note(note: Path) -> dict[str, Any] | None:
    try:
        return json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None
