"""The stages of a build: how each turns parts into tasks, and results into parts and a record."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from dataforge.core.errors import DataError, InvariantError, seen_from_here
from dataforge.core.fingerprint import fingerprint
from dataforge.engine.books import check_books
from dataforge.engine.fitted import run_fitted_filter
from dataforge.engine.flow import Bench, Part, Ran, Result, StageRecord, step_task, with_result
from dataforge.engine.pairs import run_pair_filter
from dataforge.engine.task import PluginRef, Task
from dataforge.recipe.model import InputFile, Recipe, SourceEntry, StepEntry, clause_values
from dataforge.store.files import digest_of
from dataforge.store.home import Store
from dataforge.store.shards import get_frame


def read_source(bench: Bench, entry: SourceEntry) -> tuple[list[Part], StageRecord]:
    """Read a source's files, each by itself, and give its rows their identity."""
    ref = PluginRef.of("source", entry.use, entry.plugin, entry.base)
    common: dict[str, Any] = {
        "plugin": ref.key(),
        "corpus": entry.name,
        "license": entry.license,
        "split": split_key(bench.recipe),
    }
    inputs = inputs_of(bench.store, entry)
    files = [{"label": file.label, "digest": digest, "bytes": size} for file, digest, size in inputs]
    tasks = [
        Task(
            "read_file",
            {**common, "label": file.label, "file": digest},
            {"plugin": ref.to_json(), "path": str(file.path)},
            size,
        )
        for file, digest, size in inputs
    ]
    with _places_on_disk(entry):
        results = bench.do(tasks)
    parts_of_files = [result["parts"] for result in results]
    told_apart, renumbering = _tell_copies_apart(bench, tasks, parts_of_files)
    record = StageRecord(entry.name, "source", entry.use, entry.plugin.version, ref.params)
    parts: list[Part] = []
    for file, result in zip(files, told_apart, strict=True):
        file["records"] = 0
        for part in result:
            _count_records(record, part)
            file["records"] += sum(part["counts"].values())
            parts.append(Part(part["rows"], part["stored"], None, part["stored"], entry.name, part["size"]))
    record.files = files
    met = record.rejected.keys() | record.repaired.keys()
    record.meanings = {code.name: code.what for code in entry.plugin.codes if code.name in met}
    record.not_faults = sorted(code.name for code in entry.plugin.codes if code.name in met and not code.is_fault)
    record.uses = sorted({use for part_list in told_apart for part in part_list for use in part["uses"]})
    record.added = record.rows_out = sum(part.kept for part in parts)
    _close(record, [*tasks, *renumbering], results, parts)
    return parts, record


def inputs_of(store: Store, entry: SourceEntry) -> list[tuple[InputFile, str, int]]:
    """List what a source reads, with digest and size; one without files names its own digest."""
    if getattr(entry.plugin, "needs_files", True):
        return [(file, *digest_of(store, file.path)) for file in entry.inputs]
    name = entry.plugin.dataset
    return [(InputFile(entry.base / name, name), entry.plugin.digest(entry.base), 0)]


@contextlib.contextmanager
def _places_on_disk(entry: SourceEntry) -> Generator[None]:
    """Say where a file lies seen from here, not how the data calls it: a place that can be opened."""
    try:
        yield
    except DataError as error:
        paths = {file.label: file.path for file in entry.inputs}
        if error.where is not None and str(error.where.path) in paths:
            error.where = replace(error.where, path=seen_from_here(paths[str(error.where.path)]))
        raise


def split_key(recipe: Recipe) -> dict[str, Any]:
    """Give what decides the split of a group."""
    return {"seed": recipe.split.seed, "validation": recipe.split.validation, "test": recipe.split.test}


def _count_records(record: StageRecord, part: dict[str, Any]) -> None:
    counts = part["counts"]
    record.records += sum(counts.values())
    record.used += counts["used"]
    record.merged += counts["merged"]
    record.rejected.update(part["rejected"])
    record.repaired.update(part["repaired"])
    record.ledger.append(part["records"])


def _tell_copies_apart(
    bench: Bench, tasks: Sequence[Task], parts_of_files: list[list[dict[str, Any]]]
) -> tuple[list[list[dict[str, Any]]], list[Task]]:
    """Count on where the same bytes came in an earlier file, so that no two rows share an id."""
    if len(parts_of_files) < 2:
        return parts_of_files, []
    seen: Counter[str] = Counter()
    told: list[list[dict[str, Any]]] = []
    renumbering: list[Task] = []
    for task, parts in zip(tasks, parts_of_files, strict=True):
        counts = [Counter(map(bytes.hex, _digests(bench.store, part))) for part in parts]
        again: dict[int, Task] = {}
        for place, (part, count) in enumerate(zip(parts, counts, strict=True)):
            before = {digest: seen[digest] for digest in count if digest in seen}
            if before:
                again[place] = _renumber_task(task, part, before)
        for count in counts:
            seen.update(count)
        results = dict(zip(again, bench.do(list(again.values())), strict=True))
        renumbering.extend(again.values())
        told.append([results.get(place, part) for place, part in enumerate(parts)])
    return told, renumbering


def _digests(store: Store, part: dict[str, Any]) -> list[bytes]:
    return get_frame(store, part["records"], ["digest"])["digest"].to_list()


def _renumber_task(task: Task, part: dict[str, Any], before: dict[str, int]) -> Task:
    return Task("renumber", {**task.key, "part": part, "before": before}, task.at)


def run_step(bench: Bench, entry: StepEntry, parts: list[Part]) -> tuple[list[Part], StageRecord]:
    """Run one step over all parts."""
    ref = PluginRef.of("step", entry.use, entry.plugin, entry.base)
    where = clause_values(entry.where)
    record = StageRecord(entry.name, step_kind(entry.plugin), entry.use, entry.plugin.version, ref.params)
    record.where = where
    record.rows_in = sum(part.kept for part in parts)
    shown = [part for part in parts if _may_take_part(part, where)]
    if hasattr(entry.plugin, "decides_on"):
        after, tasks, results = run_pair_filter(bench, shown, ref, where, entry.plugin)
    elif hasattr(entry.plugin, "fit"):
        # It is fitted to the rows of sources that it does not filter, too.
        shown = parts
        after, tasks, results = run_fitted_filter(bench, parts, ref, where, entry.plugin)
    else:
        run = {"map": _run_map, "filter": _run_filter, "corpus_filter": _run_corpus_filter}[record.kind]
        after, tasks, results = run(bench, shown, ref, where)
    bench.evidence[entry.name] = [
        {"part": part.to_json(), "where": where, "evidence": result["evidence"]}
        for part, result in zip(shown, results, strict=False)
        if "evidence" in result
    ]
    changed = dict(zip(map(id, shown), after, strict=True))
    parts = [changed.get(id(part), part) for part in parts]
    record.rows_out = sum(part.kept for part in parts)
    for result in results:
        record.dropped.update(result.get("dropped", {}))
        record.changed += result.get("changed", 0)
        record.found.update(result.get("found", {}))
        for name, fact in result.get("facts", {}).items():
            known = record.facts.get(name)
            record.facts[name] = {**known, **fact} if isinstance(known, dict) else fact
        for name in ("ledger", "findings", "across"):
            if result.get(name):
                getattr(record, name).append(result[name])
    reasons = getattr(entry.plugin, "reasons", {})
    record.meanings = {name: reasons[name] for name in (*record.dropped, *record.found)}
    _close(record, tasks, results, parts)
    return parts, record


def step_kind(plugin: Any) -> str:
    """Tell the kinds of steps apart by what they can do: map, filter or corpus_filter."""
    if hasattr(plugin, "rewrite"):
        return "map"
    if hasattr(plugin, "measure") and hasattr(plugin, "decide"):
        is_corpus_wide = getattr(plugin, "is_corpus_wide", False) or hasattr(plugin, "decides_on")
        return "corpus_filter" if is_corpus_wide else "filter"
    msg = f"{type(plugin).__name__} can neither rewrite rows nor measure and decide"
    raise InvariantError(msg, fix="give the step the methods of core.plugin's Mapper, Filter or CorpusFilter")


def _run_map(bench: Bench, parts: list[Part], ref: PluginRef, where: dict[str, Any] | None) -> Ran:
    tasks = [step_task("map", part, ref, where) for part in parts]
    results = bench.do(tasks)
    after = [
        replace(part, rows=result["rows"], stored=result["stored"], keep=None, kept=result["stored"])
        for part, result in zip(parts, results, strict=True)
    ]
    return after, tasks, results


def _run_filter(bench: Bench, parts: list[Part], ref: PluginRef, where: dict[str, Any] | None) -> Ran:
    tasks = [step_task("filter", part, ref, where) for part in parts]
    results = bench.do(tasks)
    return [with_result(part, result) for part, result in zip(parts, results, strict=True)], tasks, results


def _run_corpus_filter(bench: Bench, parts: list[Part], ref: PluginRef, where: dict[str, Any] | None) -> Ran:
    measuring = [step_task("measure", part, ref, where) for part in parts]
    for task in measuring:
        task.key["plugin"] = ref.key(with_thresholds=False)
    measured = bench.do(measuring)
    evidence = [result["evidence"] for result in measured]
    deciding = Task("decide", {"plugin": ref.key(), "evidence": evidence}, {"plugin": ref.to_json()})
    decided = bench.do([deciding])
    drops = decided[0]["drops"]
    taking = [
        Task("take_out", {"part": part.to_json(), "where": where, "drops": digest, "plugin": {"use": ref.use}})
        for part, digest in zip(parts, drops, strict=True)
    ]
    taken = bench.do(taking)
    after = [with_result(part, result) for part, result in zip(parts, taken, strict=True)]
    return after, [*measuring, deciding, *taking], [*measured, *decided, *taken]


def _may_take_part(part: Part, where: dict[str, Any] | None) -> bool:
    if not where or "source" not in where:
        return True
    wanted = where["source"]
    return part.corpus == wanted if isinstance(wanted, str) else part.corpus in wanted


def _close(record: StageRecord, tasks: list[Task], results: list[Result], parts: list[Part]) -> None:
    record.flow = [part.to_json() for part in parts]
    record.fingerprint = fingerprint({"tasks": [task.fingerprint for task in tasks], "flow": record.flow})
    record.reused = all(result.get("reused", False) for result in results)
    check_books(record)
