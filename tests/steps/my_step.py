"""A step of one's own: `use = "./my_step.py"` in a recipe. It drops rows that shout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import polars as pl
from pydantic import Field

from dataforge.core.plugin import THRESHOLD, Filter
from dataforge.text.select import Selector, joined


@dataclass(frozen=True, kw_only=True)
class NoShouting:
    """Drops rows in which too many of the letters are capitals."""

    version: ClassVar[int] = 1
    reasons: ClassVar[Mapping[str, str]] = {"shouting": "more capitals than max_share of the letters"}

    on: Annotated[Selector, Field(description="which messages are looked at")] = "user"
    max_share: Annotated[float, THRESHOLD, Field(description="capitals among letters", ge=0, le=1)] = 0.5

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        text = joined(frame, self.on)
        capitals, letters = text.str.count_matches(r"\p{Lu}"), text.str.count_matches(r"\p{L}")
        return pl.DataFrame({"share": (capitals / letters).fill_nan(0.0)})

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        loud = evidence.with_row_index("index").filter(pl.col("share") > self.max_share)
        return loud.select("index", reason=pl.lit("shouting"), value="share", threshold=pl.lit(self.max_share))


STEP: type[Filter] = NoShouting
