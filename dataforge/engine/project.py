"""What a build will take, projected from a sample: rows, bytes, memory, minutes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dataforge.core.plugin import RawFile
from dataforge.core.schema import kind_of_row
from dataforge.engine.birth import rows_of_drafts
from dataforge.engine.clauses import takes_part
from dataforge.engine.stages import split_key, step_kind
from dataforge.engine.task import resolved
from dataforge.recipe.model import Recipe, SourceEntry, clause_values

# Memory of the process with its libraries, and of one worker with the part of 16 MB it works on:
# measured by benchmarks/build.py.
_BASE_MB = 180
_WORKER_MB = 220
# Start-up and closing of a build that does nothing, in CPU seconds.
_BASE_CPU_S = 0.8
# Storing and publishing go through about this many bytes a CPU second; what is published is so many times the text.
_PUBLISH_BYTES_PER_S = 60e6
_PUBLISHED_PER_BYTE = 1.65
_SAMPLE_ROWS = 1_500
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"BZh", b"7z\xbc\xaf")
_EXPANSION = 3.0


@dataclass(slots=True)
class Projection:
    """What is to be expected of a build from nothing.

    Args:
        sampled: Rows that the projection rests on.
        is_whole: True when the sample is all there is, so that rows are exact.
        rows: Rows that will be published.
        bytes: Size of the published folder.
        memory_mb: Resident memory of the whole process tree.
        cpu_s: CPU seconds of the whole process tree.
        workers: The workers this holds for.
    """

    sampled: int
    is_whole: bool
    rows: int
    bytes: int
    memory_mb: int
    cpu_s: float
    workers: int


def project(recipe: Recipe, workers: int) -> Projection:
    """Read the beginning of each source and put it through the steps, in memory; nothing is stored.

    Args:
        recipe: A checked recipe.
        workers: Worker processes that the build would have.

    Returns:
        Rows, disk, memory and CPU time; estimates, but for the rows where the sample is all there is.
    """
    frames: list[pl.DataFrame] = []
    cpu_s = _BASE_CPU_S
    for entry in recipe.sources:
        frame, reading_s = _sample(recipe, entry)
        cpu_s += reading_s
        if frame.height:
            frames.append(frame)
    is_whole = all(float(frame["weight"][0]) == 1.0 for frame in frames)
    flow = pl.concat(frames) if frames else None
    sampled = flow.height if flow is not None else 0
    if flow is not None:
        for entry in recipe.steps:
            weight = float(flow["weight"].mean() or 1.0)  # pyright: ignore[reportArgumentType]
            plugin = resolved(entry.plugin, entry.base)
            where = clause_values(entry.where)
            flow, took = _timed(lambda flow=flow, plugin=plugin, where=where: _step(flow, plugin, where))
            cpu_s += took * weight
    rows = float(flow["weight"].sum()) if flow is not None else 0.0
    text = _weighted_bytes(flow) if flow is not None else 0.0
    cpu_s += text / _PUBLISH_BYTES_PER_S
    return Projection(
        sampled=sampled,
        is_whole=is_whole,
        rows=round(rows),
        bytes=round(text * _PUBLISHED_PER_BYTE),
        memory_mb=_BASE_MB + _WORKER_MB * workers,
        cpu_s=cpu_s,
        workers=workers,
    )


def _timed(run: Callable[[], pl.DataFrame]) -> tuple[pl.DataFrame, float]:
    began = time.process_time()
    return run(), time.process_time() - began


def _sample(recipe: Recipe, entry: SourceEntry) -> tuple[pl.DataFrame, float]:
    """Read the first rows of a source's first file.

    Args:
        recipe: The recipe.
        entry: The source.

    Returns:
        Rows, whose `weight` says how many rows each of them stands for, and the CPU seconds that reading all files
        would take.
    """
    if not entry.inputs:
        return pl.DataFrame(), 0.0
    first = entry.inputs[0]
    batches = resolved(entry.plugin, entry.base).read(RawFile(first.path, first.label, entry.name))
    began = time.process_time()
    batch = next(iter(batches), None)
    took = time.process_time() - began
    if batch is None:
        return pl.DataFrame(), took
    is_all = next(iter(batches), None) is None
    total = sum(_plain_bytes(file.path) for file in entry.inputs)
    read = _plain_bytes(first.path) if is_all else float(batch.records["n_bytes"].sum())
    share = max(1.0, total / max(read, 1.0))
    key: dict[str, Any] = {
        "corpus": entry.name,
        "label": first.label,
        "license": entry.license,
        "split": split_key(recipe),
    }
    taken = min(1.0, _SAMPLE_ROWS / max(batch.drafts.height, 1))
    records = batch.records.with_columns(occurrence=pl.lit(0, dtype=pl.UInt32))
    rows = rows_of_drafts(batch.drafts.head(_SAMPLE_ROWS), records, key)
    return rows.with_columns(weight=pl.lit(share / taken)), took * share


def _plain_bytes(path: Path) -> float:
    """Guess a file's size without its compression."""
    with path.open("rb") as file:
        start = file.read(8)
    return path.stat().st_size * (_EXPANSION if start.startswith(_COMPRESSED) else 1.0)


def _step(flow: pl.DataFrame, plugin: Any, where: dict[str, Any] | None) -> pl.DataFrame:
    shown = takes_part(flow, where)
    rows, others = flow.filter(shown), flow.filter(~shown)
    if step_kind(plugin) == "map":
        rewritten = plugin.rewrite(rows.drop("weight"))
        return pl.concat([rewritten.with_columns(rows["weight"]), others])
    fitted = [plugin.fit(iter([plugin.collect(flow.drop("weight"))]))] if hasattr(plugin, "fit") else []
    evidence = plugin.measure(rows.drop("weight"), *fitted)
    if step_kind(plugin) == "corpus_filter":
        corpus = pl.col("origin").struct.field("corpus").alias("corpus")
        evidence = rows.select("row_id", "group_id", "split", corpus, kind_of_row()).hstack(evidence)
    drops = _pair_drops(plugin, rows, evidence) if hasattr(plugin, "decides_on") else plugin.decide(evidence)
    if "stays" in drops.columns:
        drops = drops.filter(~pl.col("stays"))
    kept = rows.with_row_index("index").filter(~pl.col("index").is_in(drops["index"].implode())).drop("index")
    return pl.concat([kept, others])


def _pair_drops(plugin: Any, rows: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Run a pair filter over the sample alone."""
    known = evidence.with_columns(best=pl.lit(None, dtype=pl.Float64)).select(plugin.decides_on)
    if hasattr(plugin, "compare"):
        found = plugin.compare(evidence, evidence)
        return plugin.decide(known, getattr(found, "pairs", found))
    proposed = [plugin.propose(evidence.select(columns), share).pairs for share, columns in enumerate(plugin.shares())]
    pairs = pl.concat(proposed).unique().sort("left", "right")
    return plugin.decide(known, pairs.hstack(plugin.verify(pairs, rows.drop("weight"))))


def _weighted_bytes(flow: pl.DataFrame) -> float:
    size = flow.drop("weight").estimated_size()
    return size * float(flow["weight"].mean() or 0.0) if flow.height else 0.0  # pyright: ignore[reportArgumentType]
