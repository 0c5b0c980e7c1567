"""Folders of checkpoints: whole or not there, and reused when they were made from the very same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from dataforge.store.disk import machine_errors, write_whole
from dataforge.store.home import Store
from dataforge.store.published import file_digest

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
    for name, file in run["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != file["bytes"]:
            return None
    return run


def fresh_folder(folder: Path) -> Path:
    """Make the empty folder that a checkpoint is written to; what a killed run left behind is cleared away."""
    with machine_errors(folder, "write"):
        fresh = folder.with_name(f".{folder.name}.new")  # one fixed name, so that nothing piles up
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
    return fresh


def keep_checkpoint(fresh: Path, folder: Path, run: dict[str, Any]) -> None:
    """Note the files in the record, write it, and put the folder in the old one's place.

    A kill before the last moment leaves the old checkpoint, or none; the next run trains again.
    """
    with machine_errors(fresh, "read"):
        paths = sorted(path for path in fresh.rglob("*") if path.is_file())
        run["files"] = {
            path.relative_to(fresh).as_posix(): {"sha256": file_digest(path), "bytes": path.stat().st_size}
            for path in paths
        }
    write_whole(fresh / RECORD, json.dumps(run, indent=1, sort_keys=True, ensure_ascii=False).encode())
    with machine_errors(folder, "write"):
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
