"""Earlier datasets and evaluation sets that a step compares with: rows like any others, which never go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dataforge.engine.flow import Bench, Part, Ran, Result
from dataforge.engine.task import PluginRef, Task
from dataforge.reading.references import read_reference, reference_files
from dataforge.store.files import digest_of
from dataforge.store.home import Store
from dataforge.store.shards import put_frame

# Raised by hand when the rows that are made of a file change.
VERSION = 1


def read_references(bench: Bench, plugin: Any, ref: PluginRef) -> Ran:
    """Read what the fields in a plugin's `reference_fields` name.

    Args:
        bench: What a stage works with.
        plugin: The plugin.
        ref: The same, with the folder that its paths start from.

    Returns:
        The rows as parts, in the order in which the files are named, the tasks, and their results.

    Raises:
        DataError: A path is not there, or holds nothing that can be read.
    """
    tasks = [
        Task(
            "read_reference",
            {"version": VERSION, "label": label, "file": digest_of(bench.store, file)[0]},
            {"path": str(file)},
            file.stat().st_size,
        )
        for file, label in _named(plugin, Path(ref.base))
    ]
    results = bench.do(tasks)
    parts = [
        Part(part["rows"], part["stored"], None, part["stored"], "reference", 0)
        for result in results
        for part in result["parts"]
    ]
    return parts, tasks, results


def _named(plugin: Any, base: Path) -> list[tuple[Path, str]]:
    """List the files, each with the name by which drops will call it."""
    named: list[tuple[Path, str]] = []
    for field in getattr(plugin, "reference_fields", ()):
        for written in getattr(plugin, field):
            path = base / written
            files = reference_files(path)
            named.extend((file, written if file == path else file.relative_to(path).as_posix()) for file in files)
    return named


def read_file(store: Store, task: Task) -> tuple[Result, list[str]]:
    """Read one file; give its rows, and how many records could not be used, by code."""
    left_out = Counter[str]()
    frames = read_reference(Path(task.at["path"]), task.key["label"], left_out)
    parts: list[dict[str, Any]] = [
        {"rows": put_frame(store, frame), "stored": frame.height} for frame in frames if frame.height
    ]
    rows = sum(int(part["stored"]) for part in parts)
    counts: dict[str, Any] = {"rows": rows, "left_out": dict(sorted(left_out.items()))}
    result: Result = {"parts": parts, "facts": {"references": {task.key["label"]: counts}}}
    return result, [str(part["rows"]) for part in parts]


REFERENCE_WORK: dict[str, Callable[[Store, Task], tuple[Result, list[str]]]] = {"read_reference": read_file}
