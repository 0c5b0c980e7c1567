"""Step `exact_dedup`: of rows that say the same, one stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import polars as pl
from pydantic import Field

from dataforge.core.plugin import THRESHOLD, CorpusFilter
from dataforge.core.schema import SPLITS, no_drops
from dataforge.text.keys import digests
from dataforge.text.select import Selector, texts

Keep = Literal["first", "longest", "source_order"]


@dataclass(frozen=True, kw_only=True)
class ExactDedup:
    """Drops rows whose selected messages are the same as those of a row that stays.

    Test rows stay before validation rows, and these before training rows, so that a training row that repeats a test
    row goes; `keep` chooses within a split. Rows without any such text are no copies of one another.
    """

    version: ClassVar[int] = 1
    is_corpus_wide: ClassVar[bool] = True
    reasons: ClassVar[Mapping[str, str]] = {"exact-duplicate": "the selected messages are the same as another row's"}

    on: Annotated[Selector, Field(description="which messages must be the same; `row` compares ranks too")] = "row"
    ignore_case: Annotated[bool, Field(description="capitals and small letters are the same")] = False
    ignore_whitespace: Annotated[bool, Field(description="all runs of spaces and line breaks are the same")] = False
    keep: Annotated[
        Keep,
        THRESHOLD,
        Field(description="which copy stays: the first, the one with most characters in all, or by source_order"),
    ] = "first"
    source_order: Annotated[
        tuple[str, ...], THRESHOLD, Field(description="sources, best first; those not named come after them")
    ] = ()

    def __post_init__(self) -> None:
        if (self.keep == "source_order") != bool(self.source_order):
            msg = f"keep is '{self.keep}' and source_order names {len(self.source_order)} sources: give both or neither"
            raise ValueError(msg)
        if len(set(self.source_order)) < len(self.source_order):
            msg = f"source_order names a source twice: {', '.join(self.source_order)}"
            raise ValueError(msg)

    def check_sources(self, sources: tuple[str, ...]) -> None:
        """Refuse a recipe whose sources are not the ones named here.

        Args:
            sources: The sources of the recipe whose rows reach this step.

        Raises:
            ValueError: `source_order` names a source that there is not.
        """
        unknown = [name for name in self.source_order if name not in sources]
        if unknown:
            msg = f"source_order names '{unknown[0]}', but the sources are {', '.join(sources)}"
            raise ValueError(msg)

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give each row's key, and its length in characters, all responses included."""
        key = digests(frame, self.on, ignore_case=self.ignore_case, ignore_whitespace=self.ignore_whitespace)
        whole = texts(frame, "row").to_frame("said")
        characters = pl.col("said").list.eval(pl.element().str.len_chars()).list.sum().cast(pl.UInt32)
        return whole.select(key=key, characters=characters)

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Drop every copy but one, because of that one."""
        copies = evidence.with_row_index("index").filter(pl.col("key").is_not_null() & pl.col("key").is_duplicated())
        best_first = copies.sort("key", _split_order(), *self._order())
        named = best_first.with_columns(because_of=pl.col("row_id").first().over("key"))
        gone = named.filter(pl.col("row_id") != pl.col("because_of"))
        found = gone.select("index", "because_of", reason=pl.lit("exact-duplicate"))
        return pl.concat([no_drops(), found], how="diagonal").sort("index")

    def _order(self) -> tuple[pl.Expr, ...]:
        """Say how the copies of one split stand, the one to keep first; no two may stand alike."""
        if self.keep == "longest":
            return (-pl.col("characters").cast(pl.Int64), pl.col("row_id"))
        if self.keep == "source_order":
            places = {name: place for place, name in enumerate(self.source_order)}
            place = pl.col("corpus").replace_strict(places, default=len(places), return_dtype=pl.UInt32)
            return (place, pl.col("row_id"))
        return (pl.col("index"),)


def _split_order() -> pl.Expr:
    places = {split: place for place, split in enumerate(reversed(SPLITS))}
    return pl.col("split").replace_strict(places, return_dtype=pl.UInt8)


STEP: type[CorpusFilter] = ExactDedup
