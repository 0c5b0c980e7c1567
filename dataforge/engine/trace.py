"""One record's whole life, both ways: from the raw file to the shard, from a row to its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import polars as pl

from dataforge.engine.past import Past

# More lives than this at once are a search, not an answer.
MAX_LIVES = 20


@dataclass(slots=True)
class RowLife:
    """What became of one row.

    Args:
        row_id: The row.
        changed_by: The steps that rewrote it, in order.
        split: Where it was published; None if it was dropped.
        dropped: The ledger line that says why it went; None if it was published.
        text: The end of its prompt and the beginning of its response.
    """

    row_id: str
    changed_by: list[str] = field(default_factory=list[str])
    split: str | None = None
    dropped: dict[str, Any] | None = None
    text: str = ""


@dataclass(slots=True)
class Life:
    """What became of one raw record.

    Args:
        record: Its line of the record table.
        rows: The rows it went into; none if it was rejected.
    """

    record: dict[str, Any]
    rows: list[RowLife] = field(default_factory=list[RowLife])


def trace_id(past: Past, identity: str) -> list[Life]:
    """Follow a row or a record by its id, or the beginning of it (6 digits or more)."""
    owns = (
        pl.col("record_id").str.starts_with(identity)
        | pl.col("rows").list.eval(pl.element().str.starts_with(identity)).list.any()
    )
    return _lives(past, owns)


def trace_place(past: Past, path: str, line: int) -> list[Life]:
    """Follow the record that begins at a line of a source file, or that the line lies in.

    Args:
        past: The build.
        path: The file, as the data calls it, or as it lies on this machine; its last part alone will do.
        line: The line, from 1.

    Returns:
        A life for each file of that name.
    """
    nearest: dict[str, pl.DataFrame] = {}
    for records in past.records():
        for label in records["path"].unique(maintain_order=True):
            if not _is_same_file(label, path):
                continue
            before = records.filter((pl.col("path") == label) & (pl.col("line") <= line))
            if before.height:
                nearest[label] = before.filter(pl.col("line") == pl.col("line").max())
    return [life for found in nearest.values() for life in _lives_of(past, found)]


def _is_same_file(label: str, path: str) -> bool:
    """Compare two paths as far as the shorter one goes, from the end."""
    one, other = (PurePath(name).parts for name in (label, path))
    shorter = min(len(one), len(other))
    return one[-shorter:] == other[-shorter:]


def trace_text(past: Past, text: str) -> list[Life]:
    """Follow the rows and rejected records that hold a text, in any letter case."""
    wanted = text.lower()
    ids: list[str] = []
    for frame in past.rows(past.sources()):
        whole = frame.select("row_id", text=_all_text().str.to_lowercase())
        ids.extend(whole.filter(pl.col("text").str.contains(wanted, literal=True))["row_id"].to_list())
        if len(ids) >= MAX_LIVES:
            break
    in_rows = pl.col("rows").list.eval(pl.element().is_in(ids[:MAX_LIVES])).list.any()
    in_reject = pl.col("excerpt").str.to_lowercase().str.contains(wanted, literal=True).fill_null(value=False)
    return _lives(past, in_rows | in_reject)


def _lives(past: Past, condition: pl.Expr) -> list[Life]:
    found: list[Life] = []
    for records in past.records():
        chosen = records.filter(condition.fill_null(value=False)).head(MAX_LIVES - len(found))
        found.extend(_lives_of(past, chosen))
        if len(found) >= MAX_LIVES:
            break
    return found


def _lives_of(past: Past, records: pl.DataFrame) -> list[Life]:
    if not records.height:
        return []
    lives = [Life(line) for line in records.drop("digest").to_dicts()]
    ids = {row_id for life in lives for row_id in life.record["rows"]}
    rows = _row_lives(past, sorted(ids))
    for life in lives:
        life.rows = [rows[row_id] for row_id in life.record["rows"]]
    return lives


def _row_lives(past: Past, ids: list[str]) -> dict[str, RowLife]:
    mine = pl.col("row_id").is_in(ids)
    lives = {row_id: RowLife(row_id) for row_id in ids}
    for stage, row_id in past.changed().filter(mine).select("stage", "row_id").iter_rows():
        lives[row_id].changed_by.append(stage)
    for line in past.dropped().filter(mine).to_dicts():
        lives[line["row_id"]].dropped = line
    for row_id, split in past.final(["row_id", "split"]).filter(mine).iter_rows():
        lives[row_id].split = split
    for frame in past.rows(past.sources()):
        for row_id, text in frame.filter(mine).select("row_id", text=_all_text()).iter_rows():
            lives[row_id].text = text
    return lives


def _all_text() -> pl.Expr:
    """All that is said in a row, in order."""
    prompt = pl.col("prompt").list.eval(pl.element().struct.field("content")).list.join("\n\n", ignore_nulls=True)
    answers = (
        pl.col("responses")
        .list.eval(
            pl.element()
            .struct.field("messages")
            .list.eval(pl.element().struct.field("content"))
            .list.join("\n\n", ignore_nulls=True)
        )
        .list.join("\n\n", ignore_nulls=True)
    )
    return prompt + "\n\n" + answers
