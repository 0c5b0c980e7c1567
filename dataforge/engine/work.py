"""What a worker does: each function takes ids and parameters, writes objects, and gives their names."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from typing import Any

import polars as pl

from dataforge.core.errors import InvariantError
from dataforge.core.schema import kind_of_row
from dataforge.engine.apply import LEDGER, apply_drops, check_drops
from dataforge.engine.birth import born_again, read_parts
from dataforge.engine.clauses import takes_part
from dataforge.engine.fitted import FITTED_WORK
from dataforge.engine.flow import Result, load_part
from dataforge.engine.pair_work import PAIR_WORK
from dataforge.engine.references import REFERENCE_WORK
from dataforge.engine.task import Task, blame, plugin_ref
from dataforge.store.home import Store
from dataforge.store.shards import get_frame, put_frame

Outcome = tuple[Result, list[str]]
Note = Callable[[int], None]


def perform(store: Store, task: Task, note: Note) -> Result:
    """Do a task and store its result, objects first.

    Args:
        store: The project's store.
        task: What is to be done.
        note: Is told how many bytes of the task are behind it, now and then.

    Returns:
        What was stored: counts, and digests of the objects that were written.
    """
    with blame(plugin_ref(task.at["plugin"])) if "plugin" in task.at else contextlib.nullcontext():
        if task.work == "read_file":
            result, objects = _read_file(store, task, note)
        else:
            result, objects = _WORK[task.work](store, task)
    store.put_result(task.fingerprint, result, objects)
    return result


def _read_file(store: Store, task: Task, note: Note) -> Outcome:
    # A batch is millions of new objects and no cycles: collecting them again and again costs a fifth of the reading.
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 50, 50)
    try:
        parts = read_parts(store, task, note)
    finally:
        gc.set_threshold(*thresholds)
    return {"parts": parts}, [part[name] for part in parts for name in ("rows", "records")]


def _renumber(store: Store, task: Task) -> Outcome:
    part = born_again(store, task)
    return part, [part["rows"], part["records"]]


def _map(store: Store, task: Task) -> Outcome:
    frame, shown = _shown_rows(store, task)
    plugin = plugin_ref(task.at["plugin"]).load()
    before = frame.filter(shown)
    after = plugin.rewrite(before)
    fixed = ["row_id", "group_id", "split", "origin"]
    if after.columns != before.columns or not after.select(fixed).equals(before.select(fixed)):
        msg = f"{task.key['plugin']['use']} changed ids, order, split or columns"
        raise InvariantError(msg)
    if shown.all():
        whole = after
    else:
        places = shown.arg_true()
        order = pl.concat([places, shown.not_().arg_true()]).arg_sort()
        whole = pl.concat([after, frame.filter(~shown)])[order]
    changed = _changed_rows(before, after)
    rows = put_frame(store, whole)
    result: Result = {"rows": rows, "stored": whole.height, "changed": changed.len(), "ledger": None}
    objects = [rows]
    if changed.len():
        result["ledger"] = put_frame(store, changed.to_frame("row_id"))
        objects.append(result["ledger"])
    return result, objects


def _changed_rows(before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    differs = before["prompt"].ne_missing(after["prompt"]) | before["responses"].ne_missing(after["responses"])
    return before["row_id"].filter(differs)


def _filter(store: Store, task: Task) -> Outcome:
    frame, shown = _shown_rows(store, task)
    plugin = plugin_ref(task.at["plugin"]).load()
    # A fitted filter measures against what was fitted; any other needs the rows alone.
    against = [get_frame(store, task.key["fitted"])] if "fitted" in task.key else []
    evidence, evidence_object = _evidence(store, task, lambda: plugin.measure(frame.filter(shown), *against))
    drops = check_drops(plugin.decide(evidence), evidence.height, plugin.reasons, task.key["plugin"]["use"])
    result, objects = _drop(store, task.key["part"], frame, shown, drops)
    return {**result, "evidence": evidence_object, "shown": evidence.height}, [*objects, evidence_object]


def _measure(store: Store, task: Task) -> Outcome:
    """Measure for a corpus filter: identity and context of each row, then the plugin's own columns."""
    frame, shown = _shown_rows(store, task)
    plugin = plugin_ref(task.at["plugin"]).load()
    rows = frame.filter(shown)
    evidence = plugin.measure(rows)
    if evidence.height != rows.height:
        msg = f"{task.key['plugin']['use']} measured {evidence.height} of {rows.height} rows"
        raise InvariantError(msg)
    context = rows.select(
        "row_id", "group_id", "split", pl.col("origin").struct.field("corpus").alias("corpus"), kind_of_row()
    )
    if hasattr(plugin, "decides_on"):
        # Where each row lies in the stored frame, so that a few of them can be read again.
        places = _stored_places(store, task).filter(shown)
        context = context.with_columns(place=places)
    digest = put_frame(store, context.hstack(evidence))
    return {"evidence": digest, "shown": rows.height}, [digest]


def _stored_places(store: Store, task: Task) -> pl.Series:
    part = task.key["part"]
    if part["keep"] is None:
        return pl.int_range(get_frame(store, part["rows"], ["split"]).height, dtype=pl.UInt32, eager=True)
    return get_frame(store, part["keep"])["keep"].arg_true().cast(pl.UInt32)


def _decide(store: Store, task: Task) -> Outcome:
    """Decide over the whole corpus; one list of drops for each part's evidence."""
    plugin = plugin_ref(task.at["plugin"]).load()
    frames = [get_frame(store, digest) for digest in task.key["evidence"]]
    whole = pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame()
    drops = plugin.decide(whole) if frames else None
    digests: list[str] = []
    start = 0
    if drops is not None:
        drops = check_drops(drops, whole.height, plugin.reasons, task.key["plugin"]["use"])
        for frame in frames:
            mine = drops.filter(pl.col("index").is_between(start, start + frame.height, closed="left"))
            digests.append(put_frame(store, mine.with_columns(pl.col("index") - start)))
            start += frame.height
    return {"drops": digests}, digests


def _take_out(store: Store, task: Task) -> Outcome:
    frame, shown = _shown_rows(store, task)
    return _drop(store, task.key["part"], frame, shown, get_frame(store, task.key["drops"]))


def _drop(
    store: Store, part: dict[str, Any], frame: pl.DataFrame, shown: pl.Series, drops: pl.DataFrame
) -> tuple[Result, list[str]]:
    noted, objects = _note_findings(store, frame, shown, drops.filter("stays"))
    drops = drops.filter(~pl.col("stays"))
    if not drops.height:
        return {"keep": part["keep"], "kept": frame.height, "dropped": {}, "ledger": None, **noted}, objects
    stays, ledger = apply_drops(frame, shown, drops)
    if part["keep"] is not None:
        whole = get_frame(store, part["keep"])["keep"]
        places = whole.arg_true().filter(~stays)
        stays = whole.scatter(places, [False] * places.len())
    keep = put_frame(store, stays.to_frame("keep"))
    ledger_object = put_frame(store, ledger.cast(LEDGER))  # pyright: ignore[reportArgumentType]
    counts = ledger["reason"].value_counts().sort("reason")
    result: Result = {
        "keep": keep,
        "kept": frame.height - drops.height,
        "dropped": dict(counts.iter_rows()),
        "ledger": ledger_object,
        **noted,
    }
    return result, [keep, ledger_object, *objects]


def _note_findings(
    store: Store, frame: pl.DataFrame, shown: pl.Series, findings: pl.DataFrame
) -> tuple[Result, list[str]]:
    """Keep what was found out about rows that stay."""
    if not findings.height:
        return {}, []
    _, lines = apply_drops(frame, shown, findings)
    digest = put_frame(store, lines.cast(LEDGER))  # pyright: ignore[reportArgumentType]
    counts = lines["reason"].value_counts().sort("reason")
    return {"found": dict(counts.iter_rows()), "findings": digest}, [digest]


def _evidence(store: Store, task: Task, measure: Callable[[], pl.DataFrame]) -> tuple[pl.DataFrame, str]:
    """Measure, or take the measurement that another threshold left behind."""
    described = task.at["plugin"]
    measured = Task(
        "evidence",
        {
            "plugin": plugin_ref(described).key(with_thresholds=False),
            "part": task.key["part"],
            "where": task.key["where"],
            **({"fitted": task.key["fitted"]} if "fitted" in task.key else {}),
        },
    )
    stored = store.result(measured.fingerprint)
    if stored is not None:
        return get_frame(store, stored["evidence"]), stored["evidence"]
    evidence = measure()
    digest = put_frame(store, evidence)
    store.put_result(measured.fingerprint, {"evidence": digest}, [digest])
    return evidence, digest


def _shown_rows(store: Store, task: Task) -> tuple[pl.DataFrame, pl.Series]:
    frame = load_part(store, task.key["part"]["rows"], task.key["part"]["keep"])
    return frame, takes_part(frame, task.key["where"])


_WORK: dict[str, Callable[[Store, Task], Outcome]] = {
    "renumber": _renumber,
    "map": _map,
    "filter": _filter,
    "measure": _measure,
    "decide": _decide,
    "take_out": _take_out,
    **PAIR_WORK,
    **FITTED_WORK,
    **REFERENCE_WORK,
}
