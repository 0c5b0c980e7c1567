"""Run records: what each build, training and evaluation did, kept for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataforge.store.disk import machine_errors, write_whole
from dataforge.store.home import Store


def put_run(store: Store, recipe: str, run: dict[str, Any]) -> Path:
    """Keep a run record; records are numbered in the order they come."""
    folder = store.root / "runs" / recipe
    number = len(list(folder.glob("*.json"))) + 1 if folder.is_dir() else 1
    path = folder / f"{number:06d}.json"
    write_whole(path, json.dumps(run, indent=1, sort_keys=True, ensure_ascii=False).encode())
    return path


def get_runs(store: Store, recipe: str) -> list[dict[str, Any]]:
    """Read all run records of a recipe, the oldest first."""
    folder = store.root / "runs" / recipe
    if not folder.is_dir():
        return []
    with machine_errors(folder, "read"):
        return [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


def last_run(store: Store, recipe: str) -> dict[str, Any] | None:
    """Read the newest run record of a recipe, if there is one."""
    folder = store.root / "runs" / recipe
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not paths:
        return None
    with machine_errors(paths[-1], "read"):
        return json.loads(paths[-1].read_bytes())
