"""Step `mix`: how many rows of each source, of each group, and in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, ClassVar

import polars as pl
from pydantic import Field

from dataforge.core.errors import RecipeError
from dataforge.core.plugin import THRESHOLD, CorpusFilter
from dataforge.core.schema import no_drops


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Keeps a seeded sample: by shares of sources, by a cap a group, by a cap in all; never a row twice.

    Rows stand in the order of SHA-256(seed, row id), whatever their files' order. A smaller max_rows keeps a part of
    what a larger one keeps. Shares are reached by leaving out, so the source that is scarcest for its weight stays
    whole unless max_rows is lower still.
    """

    version: ClassVar[int] = 1
    is_corpus_wide: ClassVar[bool] = True
    reasons: ClassVar[Mapping[str, str]] = {"not-sampled": "beyond a cap of the mix, or a source's share of it"}

    max_rows: Annotated[int | None, THRESHOLD, Field(description="rows to keep in all", ge=1)] = None
    weights: Annotated[
        dict[str, Annotated[float, Field(gt=0)]], THRESHOLD, Field(description="each source's share; names all sources")
    ] = field(default_factory=dict[str, float])
    max_per_group: Annotated[int | None, THRESHOLD, Field(description="rows to keep of one group", ge=1)] = None
    seed: Annotated[int, Field(description="another seed keeps other rows")] = 0

    def __post_init__(self) -> None:
        if self.max_rows is None and self.max_per_group is None and not self.weights:
            msg = "mix sets no limit: give max_rows, weights, max_per_group or some of them"
            raise ValueError(msg)

    def check_sources(self, sources: tuple[str, ...]) -> None:
        """Refuse a recipe whose sources are not the ones that have weights.

        Args:
            sources: The sources of the recipe whose rows reach this step.

        Raises:
            ValueError: A weight for a source that there is not, or a source without one.
        """
        for name in self.weights:
            if name not in sources:
                msg = f"weights name '{name}', but the sources are {', '.join(sources)}"
                raise ValueError(msg)
        for name in sources if self.weights else ():
            if name not in self.weights:
                msg = f"weights name no share of '{name}': give it one, or narrow the step by where"
                raise ValueError(msg)

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Draw a number for each row from the seed and its id."""
        digests = (sha256(f"{self.seed}:{name}".encode()).digest() for name in frame["row_id"])
        draws = [int.from_bytes(digest[:8], "big") for digest in digests]
        return pl.DataFrame({"draw": pl.Series(draws, dtype=pl.UInt64)})

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Drop what is beyond its group's cap, then beyond its source's share, then beyond the cap in all.

        Args:
            evidence: The draws of all rows, with their groups and sources.

        Returns:
            The drops; `value` is the row's place, `threshold` the last place that stays.

        Raises:
            RecipeError: A source has rows and no weight, while others have one.
        """
        rows = evidence.with_row_index("index").sort("draw", "row_id")
        drops = [no_drops()]
        if self.max_per_group is not None:
            place = pl.int_range(1, pl.len() + 1).over("group_id")
            rows, gone = _cut(rows, place, pl.lit(self.max_per_group), "place in its group")
            drops.append(gone)
        if self.weights:
            rows = self._by_turns(rows)
            rows, gone = _cut(rows, pl.col("place"), pl.col("quota"), "place in its source")
            drops.append(gone)
        if self.max_rows is not None:
            rows, gone = _cut(rows, pl.int_range(1, pl.len() + 1), pl.lit(self.max_rows), "place in the mix")
            drops.append(gone)
        return pl.concat(drops, how="diagonal").sort("index")

    def _by_turns(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Let the sources take turns by their weights, until the first of them has no more rows.

        Cut anywhere, the order that comes of it has the shares asked for.
        """
        nameless = sorted(set(rows["corpus"].unique()) - set(self.weights))
        if nameless:
            msg = f"weights name no share of '{nameless[0]}', which has rows"
            raise RecipeError(msg, fix="give it a weight, or narrow the step by where")
        weight = pl.col("corpus").replace_strict(self.weights, return_dtype=pl.Float64)
        placed = rows.with_columns(place=pl.int_range(1, pl.len() + 1).over("corpus"))
        turned = placed.with_columns(turn=pl.col("place") / weight)
        ended = turned.with_columns(last_turn=pl.col("turn").max().over("corpus")).with_columns(
            pl.col("last_turn").min()
        )
        quota = (pl.col("turn") <= pl.col("last_turn")).sum().over("corpus")
        return ended.with_columns(quota=quota).sort("turn", "draw", "row_id")


def _cut(rows: pl.DataFrame, place: pl.Expr, limit: pl.Expr, what: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows whose place is within the limit from the drops."""
    placed = rows.with_columns(value=place.cast(pl.Float64), threshold=limit.cast(pl.Float64))
    is_beyond = pl.col("value") > pl.col("threshold")
    reason, detail = pl.lit("not-sampled"), pl.lit(what)
    gone = placed.filter(is_beyond).select("index", "value", "threshold", reason=reason, detail=detail)
    return placed.filter(~is_beyond).drop("value", "threshold"), gone


STEP: type[CorpusFilter] = Mix
