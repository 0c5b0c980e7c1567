"""Folders that are replaced as a whole: written aside, noted file by file, and swapped in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataforge.store.disk import machine_errors
from dataforge.store.published import file_digest


def fresh_folder(folder: Path) -> Path:
    """Make the empty folder that is written to; what a killed run left behind is cleared away."""
    with machine_errors(folder, "write"):
        fresh = folder.with_name(f".{folder.name}.new")  # one fixed name, so that nothing piles up
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
    return fresh


def file_notes(folder: Path) -> dict[str, dict[str, Any]]:
    """Give digest and size of each file, by its path within the folder."""
    with machine_errors(folder, "read"):
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {
            path.relative_to(folder).as_posix(): {"sha256": file_digest(path), "bytes": path.stat().st_size}
            for path in paths
        }


def is_as_noted(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> bool:
    """Say whether all files are there, none of them cut; their bytes are not read again."""
    paths = {folder / name: file["bytes"] for name, file in files.items()}
    return all(path.is_file() and path.stat().st_size == size for path, size in paths.items())


def swap_in(fresh: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; a kill in between leaves one that the next run replaces."""
    with machine_errors(folder, "write"):
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
