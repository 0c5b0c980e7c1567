"""`forge check`: what a build would do and reuse, and why; it runs no task and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataforge.core.fingerprint import fingerprint
from dataforge.engine.compare import stage_changes
from dataforge.engine.flow import Bench, Part, Result
from dataforge.engine.stages import inputs_of, read_source, run_step, step_kind
from dataforge.engine.task import PluginRef, Task
from dataforge.recipe.model import Recipe, SourceEntry, StepEntry, clause_values
from dataforge.store.disk import machine_errors
from dataforge.store.home import Store
from dataforge.store.runs import last_run


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """What a build would do at one stage.

    Args:
        name: The stage.
        kind: source, map, filter or corpus_filter.
        use: Its plugin.
        fingerprint: Names what the plugin does: use, version, parameters, files it reads.
        is_reused: True when all of its results are stored.
        why: Why it runs; empty when it is reused.
        rows_out: Rows after it, where they are known already.
        promise: What the step says of its own work, such as the recall of a search.
    """

    name: str
    kind: str
    use: str
    fingerprint: str
    is_reused: bool
    why: str
    rows_out: int | None
    promise: str = ""


class _NotStoredError(Exception):
    """Some results of a stage are not there yet."""

    def __init__(self, missing: int, total: int) -> None:
        super().__init__(missing, total)
        self.missing = missing
        self.total = total


def plan(store: Store, recipe: Recipe) -> list[PlannedStage]:
    """Walk through the stages with stored results alone.

    Args:
        store: The project's store; nothing in it is changed but the notes of file digests.
        recipe: A checked recipe.

    Returns:
        One entry a stage, sources first; after a stage that must run, the steps must run too.
    """
    last = last_run(store, recipe.name)
    before = {stage["name"]: stage for stage in last["stages"]} if last else {}
    bench = Bench(store, lambda tasks: _stored(store, tasks), recipe)
    planned: list[PlannedStage] = []
    parts: list[Part] | None = []
    for entry in recipe.sources:
        ref = PluginRef.of("source", entry.use, entry.plugin, entry.base)
        described: dict[str, Any] = {**_described(entry, ref), "files": _files(store, entry)}
        try:
            read, record = read_source(bench, entry)
        except _NotStoredError as error:
            why = _why(before.get(entry.name), described, f"{error.missing} of {error.total} files are to be read")
            planned.append(_runs(entry, "source", ref, why))
            parts = None
            continue
        planned.append(_reused(entry, "source", ref, record.rows_out))
        if parts is not None:
            parts.extend(read)
    for entry in recipe.steps:
        ref = PluginRef.of("step", entry.use, entry.plugin, entry.base)
        where = clause_values(entry.where)
        described: dict[str, Any] = {**_described(entry, ref), "where": where, "files": []}
        kind = step_kind(entry.plugin)
        if parts is None:
            planned.append(_runs(entry, kind, ref, _why(before.get(entry.name), described, "its input changes")))
            continue
        try:
            parts, record = run_step(bench, entry, parts)
        except _NotStoredError as error:
            why = _why(before.get(entry.name), described, f"{error.missing} of {error.total} parts are to be done")
            planned.append(_runs(entry, kind, ref, why))
            parts = None
            continue
        planned.append(_reused(entry, kind, ref, record.rows_out))
    return planned


def _stored(store: Store, tasks: Sequence[Task]) -> list[Result]:
    found = [store.result(task.fingerprint) for task in tasks]
    missing = sum(result is None for result in found)
    if missing:
        raise _NotStoredError(missing, len(tasks))
    return [{**result, "reused": True} for result in found if result is not None]


def _described(entry: SourceEntry | StepEntry, ref: PluginRef) -> dict[str, Any]:
    return {"use": entry.use, "version": ref.version, "params": ref.params, "where": None}


def _files(store: Store, entry: SourceEntry) -> list[dict[str, Any]]:
    return [{"label": file.label, "digest": digest} for file, digest, _ in inputs_of(store, entry)]


def _why(before: dict[str, Any] | None, described: dict[str, Any], otherwise: str) -> str:
    if before is None:
        return "not built before"
    changes = stage_changes(before, described)
    return "; ".join(changes) or otherwise


def _runs(entry: SourceEntry | StepEntry, kind: str, ref: PluginRef, why: str) -> PlannedStage:
    return PlannedStage(
        entry.name,
        kind,
        entry.use,
        fingerprint(ref.key()),
        is_reused=False,
        why=why,
        rows_out=None,
        promise=_promise(entry),
    )


def _reused(entry: SourceEntry | StepEntry, kind: str, ref: PluginRef, rows_out: int) -> PlannedStage:
    return PlannedStage(
        entry.name,
        kind,
        entry.use,
        fingerprint(ref.key()),
        is_reused=True,
        why="",
        rows_out=rows_out,
        promise=_promise(entry),
    )


def _promise(entry: SourceEntry | StepEntry) -> str:
    return entry.plugin.promise() if hasattr(entry.plugin, "promise") else ""


def input_bytes(recipe: Recipe) -> int:
    """Give the size of all input files.

    Args:
        recipe: A checked recipe.

    Returns:
        Bytes on disk: a packed file counts as it is packed.

    Raises:
        MachineError: One of them is gone or may not be read.
    """
    total = 0
    for entry in recipe.sources:
        for file in entry.inputs:
            with machine_errors(file.path, "read"):
                total += file.path.stat().st_size
    return total
