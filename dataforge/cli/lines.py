"""A build in the terminal: one line a stage, and three to end with."""

from __future__ import annotations

from typing import Any

from dataforge.core.schema import SPLITS


def stage_line(stage: dict[str, Any]) -> str:
    """Write what a stage did in one line: what came in, what it gave, what went."""
    if stage["kind"] == "source":
        files, records = len(stage["files"]), stage["records"]
        rejected, repairs = sum(stage["rejected"].values()), sum(stage["repaired"].values())
        came = f"{records:,} records in {files:,} {'file' if files == 1 else 'files'}"
        went = f"{rejected:,} rejected" + (f", {repairs:,} repairs" if repairs else "")
    else:
        came = f"{stage['rows_in']:,} rows"
        added = f"{stage['added']:,} added, " if stage["added"] else ""
        dropped = sum(stage["dropped"].values())
        went = f"{stage['changed']:,} changed" if stage["kind"] == "map" else f"{added}{dropped:,} dropped"
        went += f", {sum(stage['found'].values()):,} noted" if stage.get("found") else ""
    took = "reused" if stage["reused"] else f"{stage['seconds']:.1f} s"
    line = f"  {stage['name']:<18} {came:>26} → {stage['rows_out']:>9,} rows   {went:<28} {took:>7}"
    promise = stage.get("facts", {}).get("promise")
    return f"{line}\n    {promise}" if promise else line


def closing_lines(run: dict[str, Any]) -> str:
    """Say what there is now, and where to look next."""
    dataset = run["datasets"][0]
    rows = dataset["rows"]
    splits = ", ".join(f"{rows[split]:,} {split}" for split in SPLITS if split in rows)
    return (
        f"{sum(rows.values()):,} rows ({splits or 'none'}) · {dataset['folder']} · digest {run['digest'][:12]}\n"
        f"report {run['report']}\n"
        f"why: forge why ROW, FILE:LINE or --text WORDS"
    )
