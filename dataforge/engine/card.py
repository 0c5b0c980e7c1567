"""The dataset card that goes with a build."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dataforge.core.schema import SPLITS
from dataforge.engine.birth import UNKNOWN_LICENSE
from dataforge.engine.flow import StageRecord
from dataforge.recipe.model import Recipe

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_TASKS = {"sft": "text-generation", "preference": "reinforcement-learning", "prompt": "text-generation"}


def card(
    recipe: Recipe,
    records: Sequence[StageRecord],
    rows: dict[str, int],
    views: dict[str, dict[str, int]],
    profile: dict[str, Any],
) -> str:
    """Write the card: YAML front matter for the hub, then counts, licences, and how it was made.

    Args:
        recipe: What was built.
        records: The stages' records.
        rows: Rows by split.
        views: Rows by view and split.
        profile: What `engine.profile` counted.

    Returns:
        The Markdown of the build's `README.md`.
    """
    return "\n".join(
        [
            "---",
            *_front_matter(recipe, rows, views, profile),
            "---",
            "",
            f"# {recipe.name}",
            "",
            f"{sum(rows.values()):,} rows, made by dataforge from {sum(r.records for r in records):,} records."
            " Every record that is not here stands in `ledger/`, with the reason.",
            "",
            *_table("split", "rows", rows.items()),
            "## Where the rows come from",
            "",
            *_sources(records),
            "## Licences",
            "",
            "Each row carries the licence of its parts; `ATTRIBUTION.md` names authors and addresses where the source"
            " gives them.",
            "",
            *_table("licence", "rows", profile["licenses"].items()),
            "## How it was made",
            "",
            *_stages(records),
            "## Shapes",
            "",
            "- `data/`: one row a prompt with its ranked responses, as Parquet; `arrow/`: the same for"
            " `datasets.load_from_disk`.",
            *[
                f"- `views/{name}/`: {sum(counts.values()):,} rows for trainers."
                for name, counts in sorted(views.items())
            ],
            "",
            "## The recipe",
            "",
            "```toml",
            recipe.text.rstrip().replace("```", "'''"),
            "```",
            "",
        ]
    )


def _front_matter(
    recipe: Recipe, rows: dict[str, int], views: dict[str, dict[str, int]], profile: dict[str, Any]
) -> list[str]:
    licenses = [name for name in profile["licenses"] if name != UNKNOWN_LICENSE]
    single = len(profile["licenses"]) == 1 and len(licenses) == 1
    languages = sorted(code for code in profile["sample"]["languages"] if code != "unknown")
    kinds = {entry["kind"] for entry in profile["sources"]}
    total = sum(rows.values())
    size = next((name for limit, name in _SIZES if total < limit), "1M<n<10M" if total < 10_000_000 else "n>10M")
    fields: dict[str, Any] = {
        "pretty_name": recipe.name,
        "license": licenses[0] if single else "other",
        **({} if single else {"license_name": "see-attribution", "license_link": "ATTRIBUTION.md"}),
        **({"language": languages} if languages else {}),
        "size_categories": [size],
        "task_categories": sorted({_TASKS[kind] for kind in kinds}),
        "tags": ["dataforge", *sorted(kinds)],
        "configs": [_config("default", "data", rows), *(_config(n, f"views/{n}", c) for n, c in _trl_views(views))],
    }
    # JSON is YAML: one quoting rule for every name.
    return [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]


def _trl_views(views: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    return [(name, counts) for name, counts in sorted(views.items()) if name != "openai"]


def _config(name: str, folder: str, rows: dict[str, int]) -> dict[str, Any]:
    files = [{"split": split, "path": f"{folder}/{split}-*.parquet"} for split in SPLITS if rows.get(split)]
    return {"config_name": name, "data_files": files} | ({"default": True} if name == "default" else {})


def _sources(records: Sequence[StageRecord]) -> list[str]:
    lines = ["| source | format | records | rows | rejected | files |", "|---|---|---:|---:|---:|---|"]
    for record in records:
        if record.kind == "source":
            files = ", ".join(f"`{file['label']}` ({file['digest'][:12]})" for file in record.files[:20])
            more = f" and {len(record.files) - 20} more" if len(record.files) > 20 else ""
            rejected = sum(record.rejected.values())
            counts = f"{record.records:,} | {record.rows_out:,} | {rejected:,}"
            lines.append(f"| {record.name} | {record.use} | {counts} | {files}{more} |")
    return [*lines, ""]


def _stages(records: Sequence[StageRecord]) -> list[str]:
    lines = ["| stage | rows in | dropped | changed | rows out | why dropped |", "|---|---:|---:|---:|---:|---|"]
    for record in records:
        if record.kind != "source":
            why = ", ".join(f"{reason} {count:,}" for reason, count in sorted(record.dropped.items()))
            dropped = sum(record.dropped.values())
            counts = f"{record.rows_in:,} | {dropped:,} | {record.changed:,} | {record.rows_out:,}"
            lines.append(f"| {record.name} | {counts} | {why} |")
    return [*lines, ""] if len(lines) > 2 else ["No step changed or dropped anything.", ""]


def _table(left: str, right: str, items: Any) -> list[str]:
    return [f"| {left} | {right} |", "|---|---:|", *(f"| {name} | {count:,} |" for name, count in items), ""]
