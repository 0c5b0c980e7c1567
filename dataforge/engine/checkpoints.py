"""Folders of checkpoints: whole or not there, and reused when they were made from the very same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataforge.store.disk import write_whole
from dataforge.store.folders import file_notes, is_as_noted, swap_in
from dataforge.store.home import Store

RECORD = "train.json"


def checkpoint_folder(store: Store, recipe: str, name: str) -> Path:
    """Say where a trainer's checkpoint lies, or would lie."""
    return store.project / "runs" / recipe / name


def find_checkpoint(folder: Path, made_from: str) -> dict[str, Any] | None:
    """Read the record of a checkpoint, if it was made from this and none of its files was lost or cut."""
    try:
        run = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return None
    if run["fingerprint"] != made_from:
        return None
    return run if is_as_noted(folder, run["files"]) else None


def keep_checkpoint(fresh: Path, folder: Path, run: dict[str, Any]) -> None:
    """Note the files in the record, write it, and put the folder in the old one's place.

    A kill before the last moment leaves the old checkpoint, or none; the next run trains again.
    """
    run["files"] = file_notes(fresh)
    write_whole(fresh / RECORD, json.dumps(run, indent=1, sort_keys=True, ensure_ascii=False).encode())
    swap_in(fresh, folder)
