"""A build in the terminal: one line a stage, and three to end with."""

from __future__ import annotations

from typing import Any


def stage_line(stage: dict[str, Any]) -> str:
    """Write what a stage did in one line."""
    if stage["kind"] == "source":
        counts = [f"{len(stage['files']):,} files", f"{stage['records']:,} records", f"{stage['rows_out']:,} rows"]
        rejected = sum(stage["rejected"].values())
        repaired = sum(stage["repaired"].values())
        counts.append(f"{rejected:,} rejected")
        if repaired:
            counts.append(f"{repaired:,} repairs")
    else:
        counts = [f"{stage['rows_out']:,} rows", f"{sum(stage['dropped'].values()):,} dropped"]
        if stage["kind"] == "map":
            counts[1] = f"{stage['changed']:,} changed"
    took = "reused" if stage["reused"] else f"{stage['seconds']:.1f} s"
    return f"  {stage['name']:<20} {'   '.join(f'{count:>16}' for count in counts)}   {took:>7}"


def closing_lines(run: dict[str, Any]) -> str:
    """Say what there is now, and where to look next."""
    rows = run["datasets"][0]["rows"]
    splits = ", ".join(f"{count:,} {split}" for split, count in rows.items())
    recipe = run["recipe_file"]
    return (
        f"{sum(rows.values()):,} rows ({splits or 'none'}) · {run['datasets'][0]['folder']} "
        f"· digest {run['digest'][:12]}\n"
        f"report {run['report']}\n"
        f"why: forge why ROW {recipe}"
    )
