"""Two builds side by side: which rows came, went and changed, and which stage is the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from dataforge.engine.past import Past

_NOT_READ = "not in its sources"


@dataclass(frozen=True, slots=True)
class Difference:
    """What tells build B from build A.

    Args:
        same: Rows that are equal in both.
        gone: For each row only in A: its id, and why B has it not.
        come: For each row only in B: its id, and why A had it not.
        changed: Rows of both whose text differs, with the steps of B that rewrote them.
        moved: Rows of both that are in another split.
        stages: What differs in the stages: added, removed, or with other parameters, files or version.
    """

    same: int
    gone: list[dict[str, Any]]
    come: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    moved: list[dict[str, Any]]
    stages: list[str]

    def reasons(self, rows: list[dict[str, Any]]) -> dict[str, int]:
        """Count rows by why."""
        return dict(Counter(row["why"] for row in rows).most_common())


def compare(a: Past, b: Past) -> Difference:
    """Compare the rows of two builds by id, and their content."""
    left, right = _rows(a), _rows(b)
    both = left.join(right, on="row_id", how="inner", suffix="_b")
    changed = both.filter(pl.col("content") != pl.col("content_b"))
    moved = both.filter(pl.col("split") != pl.col("split_b"))
    steps = dict(b.changed().group_by("row_id").agg(pl.col("stage").str.join(", ")).iter_rows())
    return Difference(
        same=both.height - changed.height,
        gone=_why(left.join(right, on="row_id", how="anti"), b),
        come=_why(right.join(left, on="row_id", how="anti"), a),
        changed=[{"row_id": row_id, "why": steps.get(row_id, "source")} for row_id in changed["row_id"]],
        moved=[
            {"row_id": row_id, "why": f"{split} → {split_b}"}
            for row_id, split, split_b in moved.select("row_id", "split", "split_b").iter_rows()
        ],
        stages=stage_differences(a.stages, b.stages),
    )


def _rows(past: Past) -> pl.DataFrame:
    return past.final(["row_id", "split", "prompt", "responses"]).select(
        "row_id", "split", content=pl.struct("prompt", "responses").hash()
    )


def _why(rows: pl.DataFrame, other: Past) -> list[dict[str, Any]]:
    """Say why the other build does not have these rows."""
    drops = other.dropped().select("row_id", why=pl.format("{}: {}", "stage", "reason")).unique("row_id")
    told = rows.select("row_id").join(drops, on="row_id", how="left")
    return told.with_columns(pl.col("why").fill_null(_NOT_READ)).to_dicts()


def stage_differences(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> list[str]:
    """Say in words how the stages of two runs differ."""
    left = {stage["name"]: stage for stage in a}
    right = {stage["name"]: stage for stage in b}
    lines = [f"{name}: only in the first" for name in left if name not in right]
    lines += [f"{name}: only in the second" for name in right if name not in left]
    for name, stage in right.items():
        if name in left:
            lines += [f"{name}: {what}" for what in stage_changes(left[name], stage)]
    return lines


def stage_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Say what differs between two records of one stage: parameters, version, `where`, files."""
    lines = [
        f"{key} was {before['params'].get(key)!r}, is {after['params'].get(key)!r}"
        for key in sorted(before["params"] | after["params"])
        if before["params"].get(key) != after["params"].get(key)
    ]
    lines += [
        f"{key} was {before[key]!r}, is {after[key]!r}"
        for key in ("use", "version", "where")
        if before[key] != after[key]
    ]
    files_before = {file["label"]: file["digest"] for file in before["files"]}
    files_after = {file["label"]: file["digest"] for file in after["files"]}
    lines += [f"file {label} is new" for label in files_after if label not in files_before]
    lines += [f"file {label} is gone" for label in files_before if label not in files_after]
    lines += [
        f"file {label} has changed"
        for label, digest in files_after.items()
        if files_before.get(label, digest) != digest
    ]
    return lines
