"""The build report: is this dataset good to train on, what was lost on the way, and why."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataforge.core.schema import KINDS, SPLITS
from dataforge.report import build_charts
from dataforge.report.attention import UNKNOWN_LICENSE, Notice, notices
from dataforge.report.build_record import BuildRun, losses, open_books
from dataforge.report.fields import lines, table, values
from dataforge.report.figures import moment, plural
from dataforge.report.language_names import language_name
from dataforge.report.page import render_page
from dataforge.report.visible import clipped
from dataforge.store.disk import write_whole
from dataforge.store.home import Store


def write_build_report(store: Store, run: dict[str, Any]) -> Path:
    """Write the report of a build.

    Args:
        store: The project's store.
        run: A run record, schema `dataforge.build/1`.

    Returns:
        Where the report lies, relative to the project.

    Raises:
        MachineError: The disk is full, or the folder may not be written to.
    """
    path = Path(run["report"])
    write_whole(store.project / path, build_page(run))
    return path


def build_page(record: Mapping[str, Any]) -> bytes:
    """Render a build's record as a page."""
    run = BuildRun.of(record)
    found = notices(run)
    lost = losses(run)
    profile = run.profile
    sample = table(profile, "sample")
    tokens = table(sample, "tokens")
    counted = lines(profile, "sources")
    return render_page(
        f"{clipped(run.name, 80)}: build report",
        "build",
        run=run,
        record=record,
        headline=_headline(run),
        fate=_fate(run),
        answer=_answer(run, found),
        started=moment(str(record.get("started") or "–")),
        splits=_order(run.rows, SPLITS),
        notices=found,
        losses=lost,
        most_lost=max((loss.amount for loss in lost), default=0),
        flow=build_charts.flow(run),
        matrix=_matrix(run, counted),
        matrix_splits=_order({str(line.get("split")): 0 for line in counted} | run.rows, SPLITS),
        prompts=_lengths(profile, "prompt"),
        responses=_lengths(profile, "response"),
        messages=build_charts.messages(table(profile, "prompt_messages")),
        sample=sample,
        tokens=tokens,
        tokens_missing=sample.get("tokens_missing"),
        token_lengths=build_charts.doublings(
            "tokens-chart",
            "Tokens in a sampled row",
            values(tokens, "lengths"),
            "row",
            "tokens",
        ),
        languages=[(language_name(code), rows) for code, rows in _largest(table(sample, "languages"))],
        licenses=_largest(table(profile, "licenses")),
        unknown_license=UNKNOWN_LICENSE,
        command_line=_command(record),
        why=_why(run),
        value=_value,
    )


def _headline(run: BuildRun) -> str:
    rows = plural(run.published, "row") if run.published else "Nothing"
    return f"{rows} published from {plural(run.total('records'), 'record')}"


def _fate(run: BuildRun) -> str:
    purposes = {"train": "to train on", "validation": "for validation", "test": "for test"}
    parts = [f"{run.rows[split]:,} {purposes.get(split, f'in {split}')}" for split in _order(run.rows, SPLITS)]
    lost = f"{plural(run.total('n_rejected'), 'record')} rejected, {plural(run.total('n_dropped'), 'row')} dropped."
    return f"{', '.join(parts)}. {lost}" if parts else lost


def _answer(run: BuildRun, found: list[Notice]) -> str:
    if open_books(run):
        return "The books do not close: do not use this dataset before the difference is explained."
    if not run.published:
        return "There is nothing to train on."
    grave = sum(notice.is_grave for notice in found)
    closed = "The books close: every record that was read is accounted for."
    if grave:
        return f"{closed} {plural(grave, 'thing')} should be checked before training on it."
    return f"{closed} Nothing asks for a check before training on it."


def _order(counts: Mapping[str, int], known: tuple[str, ...]) -> list[str]:
    """List the names that are known in their order, then the others."""
    return [name for name in known if name in counts] + sorted(set(counts) - set(known))


def _matrix(run: BuildRun, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turn counts by source, split and kind into a line for each source and kind, with a column for each split."""
    table: dict[tuple[str, str], dict[str, int]] = {}
    for line in lines:
        by_split = table.setdefault((str(line.get("source")), str(line.get("kind"))), {})
        split = str(line.get("split"))
        by_split[split] = by_split.get(split, 0) + int(line.get("rows") or 0)
    names = [source.name for source in run.sources]
    keys = sorted(table, key=lambda key: (_place(key[0], names), key[0], _place(key[1], KINDS), key[1]))
    return [{"source": source, "kind": kind, "rows": table[source, kind]} for source, kind in keys]


def _place(name: str, known: Sequence[str]) -> int:
    return known.index(name) if name in known else len(known)


def _lengths(profile: Mapping[str, Any], part: str) -> build_charts.Distribution | None:
    counts = values(profile, f"{part}_characters")
    return build_charts.doublings(f"{part}-chart", f"Characters in a {part}", counts, part, "characters")


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _command(record: Mapping[str, Any]) -> str:
    overrides = [part for override in values(record, "overrides") for part in ("--set", str(override))]
    return shlex.join(["forge", "build", str(record.get("recipe_file", "")), *overrides])


def _why(run: BuildRun) -> Any:
    def why(example: Mapping[str, Any]) -> str:
        identity = str(example.get("row_id") or example.get("record_id") or "")
        return shlex.join(["forge", "why", identity[:12], "--in", clipped(run.name, 80)])

    return why


def _value(value: Any) -> str:
    """Write a parameter as the recipe would."""
    if value is None:
        return "not set"
    return clipped(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
