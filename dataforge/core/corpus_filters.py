"""Filters that look at the whole corpus in bounded memory: by pairs of rows, or against something fitted to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import polars as pl


@runtime_checkable
class PairFilter(Protocol):
    """A corpus filter that lets a row go only because of another one which it was compared with.

    The engine numbers the rows of the whole flow, reference rows (`against`) first, and works in bounded memory: it
    shows `propose` a few columns of everybody's evidence, and `verify` the texts of proposed pairs alone. A pair is a
    line with `left` < `right`, numbers of rows as UInt32. Evidence needs a column `characters` (UInt32): how much
    text `verify` will have to read of that row.

    `reference_fields` names the fields that list earlier datasets or files; their rows have the split `reference`,
    take part in everything, and are never dropped. `decides_on` names the columns that `decide` reads, of the
    plugin's own evidence and of row_id, group_id, split, corpus, kind and best (see `text.survivors`).
    """

    version: ClassVar[int]
    reasons: ClassVar[Mapping[str, str]]
    decides_on: ClassVar[tuple[str, ...]]

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give one line of evidence for each row, in order; no threshold is read here."""
        ...

    def shares(self) -> Sequence[tuple[str, ...]]:
        """Divide the proposing: for each share, the columns of evidence that it reads."""
        ...

    def propose(self, evidence: pl.DataFrame, share: int) -> Proposed:
        """Propose pairs of rows that may be alike, from the columns of one share of all rows' evidence."""
        ...

    def verify(self, pairs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """Compare the rows of proposed pairs.

        Args:
            pairs: Columns `left` and `right`: places in `rows`.
            rows: The rows that stand in a pair, schema `core.schema.ROW`.

        Returns:
            A line for each pair, in order: `score` (Float64), and more columns that `decide` may read.
        """
        ...

    def decide(self, evidence: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
        """Give the drops from everybody's `decides_on` columns and the verified pairs.

        `because_of` may be the number of the surviving row instead of its id. A line whose column `stays` is true
        drops nothing: it is a finding, which the ledger notes.
        """
        ...


@dataclass(frozen=True, slots=True)
class Proposed:
    """Pairs that may be alike.

    Args:
        pairs: Columns `left` and `right`; a pair may come twice.
        unexamined: Pairs that share a key with so many others that they were left out.
    """

    pairs: pl.DataFrame
    unexamined: int = 0


@runtime_checkable
class FittedFilter(Protocol):
    """A filter that measures rows against something made from the whole corpus: an index, topics, a model.

    `reference_fields` names the fields that list further files; their rows are collected from too, with the split
    `reference`.
    """

    version: ClassVar[int]
    reasons: ClassVar[Mapping[str, str]]

    def collect(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Take from some rows what `fit` needs of them; no threshold is read here."""
        ...

    def fit(self, collected: Iterator[pl.DataFrame]) -> pl.DataFrame:
        """Make the index from what was collected, in flow order, references first; no threshold is read here."""
        ...

    def measure(self, frame: pl.DataFrame, fitted: pl.DataFrame) -> pl.DataFrame:
        """Give one line of evidence for each row, in order; no threshold is read here."""
        ...

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Give the drops; a line whose column `stays` is true is a finding, which the ledger notes."""
        ...
