"""Counts what is found in one file, and keeps the first places of each kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import polars as pl

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch
from dataforge.lint.codes import DATA_CODE, Finding, Place
from dataforge.lint.rows import check_rows
from dataforge.text.select import texts

_Kind = Literal["rejected", "repaired", "row"]


class Tally:
    """Counts findings of one file, and keeps the first places of each."""

    def __init__(self, path: str, examples: int) -> None:
        self._path = path
        self._examples = examples
        # Under the policy `repair` one code may reject one record and be mended in another.
        self._records: Counter[tuple[_Kind, str]] = Counter()
        self._places: defaultdict[tuple[_Kind, str], list[Place]] = defaultdict(list)

    def add_records(self, batch: Batch) -> None:
        """Count rejects and repairs."""
        rejected = batch.records.filter(pl.col("fate") == "rejected")
        for (code,), found in rejected.group_by("code", maintain_order=True):
            excerpts: list[str] = [str(row["excerpt"] or "") for row in self._shown("rejected", str(code), found)]
            self._note("rejected", str(code), found, excerpts)
        repaired = batch.records.explode("repairs", empty_as_null=False)
        for (code,), found in repaired.group_by("repairs", maintain_order=True):
            shown = self._shown("repaired", str(code), found)
            words = [_first_words(batch.drafts, row["rows"]) for row in shown]
            self._note("repaired", str(code), found.with_columns(detail=pl.lit("")), words)

    def add_rows(self, batch: Batch) -> None:
        """Count what is wrong with rows, once for each record."""
        for flag in check_rows(batch.drafts, self._examples):
            found = (
                batch.drafts.select("record")[flag.rows].with_row_index("place").unique("record", maintain_order=True)
            )
            places: list[int] = found["place"].to_list()
            excerpts = [flag.excerpts[place] for place in places if place < len(flag.excerpts)]
            self._note("row", flag.code, batch.records[found["record"]], excerpts)

    def add_places(self, code: str, found: pl.DataFrame, earlier: Sequence[str]) -> None:
        """Count records that repeat others.

        Args:
            code: What they do.
            found: One line for each record: `line`, `byte`.
            earlier: What the first of them repeat.
        """
        detail = [f"as {place}" for place in earlier] + [""] * (found.height - len(earlier))
        self._note("row", code, found.with_columns(detail=pl.Series(detail, dtype=pl.String)), [])

    def findings(self, codes: Sequence[Code]) -> Iterator[Finding]:
        """Give what was found, with what it means."""
        known = {code.name: code for code in codes}
        for (kind, name), records in self._records.items():
            places = self._places[kind, name]
            if kind == "row":
                data = DATA_CODE[name]
                yield Finding(name, data.severity, records, data.what, data.build, places)
            elif kind == "repaired":
                yield Finding(name, "warning", records, known[name].what, f"repaired: {known[name].repair}", places)
            elif known[name].is_fault:
                yield Finding(name, "error", records, known[name].what, "rejected", places)
            else:
                yield Finding(name, "note", records, known[name].what, "left out", places)

    def _shown(self, kind: _Kind, code: str, found: pl.DataFrame) -> list[dict[str, Any]]:
        return found.head(self._examples - len(self._places[kind, code])).to_dicts()

    def _note(self, kind: _Kind, code: str, found: pl.DataFrame, excerpts: Sequence[str]) -> None:
        if not found.height:
            return
        self._records[kind, code] += found.height
        for row, excerpt in zip(self._shown(kind, code, found), [*excerpts, *[""] * self._examples], strict=False):
            place = Place(self._path, row["line"], row["byte"], row["detail"] or "", excerpt)
            self._places[kind, code].append(place)


def _first_words(drafts: pl.DataFrame, rows: Sequence[int]) -> str:
    """Give the first text of a record that was used; a merged one has no row of its own."""
    if not rows:
        return ""
    said = texts(drafts[rows[0]], "row")[0]
    return next((str(text) for text in said.to_list() if text), "")
