"""Step `length_filter`: drops what is too short or too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import polars as pl
from pydantic import Field

from dataforge.core.plugin import THRESHOLD, Filter
from dataforge.core.schema import no_drops
from dataforge.text.lengths import Unit, lengths
from dataforge.text.select import Selector, texts

_DEFAULT_TOKENIZER = "cl100k_base"


@dataclass(frozen=True, kw_only=True)
class LengthFilter:
    """Drops rows whose selected messages are, together, too short or too long.

    A row that has no such message is not judged: `where` chooses between rows with and without responses.
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Mapping[str, str]] = {
        "too-short": "the selected messages are shorter than min",
        "too-long": "the selected messages are longer than max",
    }
    path_fields: ClassVar[tuple[str, ...]] = ("tokenizer_file",)

    on: Annotated[Selector, Field(description="which messages are measured")] = "conversation"
    unit: Annotated[Unit, Field(description="characters, words (each Chinese or Japanese character is one) or tokens")]
    min: Annotated[int | None, THRESHOLD, Field(description="the shortest length that stays", ge=0)] = None
    max: Annotated[int | None, THRESHOLD, Field(description="the longest length that stays", ge=0)] = None
    tokenizer: Annotated[
        str | None, Field(description="a tiktoken encoding, or a model of the hub; cl100k_base if none is named")
    ] = None
    tokenizer_file: Annotated[str | None, Field(description="or the path of a tokenizer.json")] = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            msg = "length_filter sets no limit: give min, max or both"
            raise ValueError(msg)
        if self.min is not None and self.max is not None and self.min > self.max:
            msg = f"min ({self.min}) is above max ({self.max}): swap them, or leave one out"
            raise ValueError(msg)
        if self.tokenizer is not None and self.tokenizer_file is not None:
            msg = f"tokenizer ({self.tokenizer}) and tokenizer_file ({self.tokenizer_file}) name two: leave one out"
            raise ValueError(msg)
        if self.unit != "tokens" and (self.tokenizer or self.tokenizer_file):
            msg = f'a tokenizer is named, but {self.unit} are counted: write unit = "tokens", or leave it out'
            raise ValueError(msg)

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the length of each row's messages; null where it has none."""
        tokenizer = self.tokenizer_file or self.tokenizer or _DEFAULT_TOKENIZER
        return lengths(texts(frame, self.on), self.unit, tokenizer).to_frame("length")

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Drop the rows below min and above max."""
        drops = [no_drops()]
        length = pl.col("length")
        if self.min is not None:
            drops.append(_drops(evidence, length < self.min, "too-short", self.min))
        if self.max is not None:
            drops.append(_drops(evidence, length > self.max, "too-long", self.max))
        return pl.concat(drops, how="diagonal").sort("index")


def _drops(evidence: pl.DataFrame, is_outside: pl.Expr, reason: str, limit: int) -> pl.DataFrame:
    found = evidence.with_row_index("index").filter(is_outside)
    value, threshold = pl.col("length").cast(pl.Float64), pl.lit(limit, pl.Float64)
    return found.select("index", reason=pl.lit(reason), value=value, threshold=threshold)


STEP: type[Filter] = LengthFilter
