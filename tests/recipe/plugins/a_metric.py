"""A metric for the tests of recipes: it scores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import polars as pl
from pydantic import Field

from dataforge.core.plugin import Metric


@dataclass(frozen=True, kw_only=True)
class AMetric:
    """Scores nothing."""

    version: ClassVar[int] = 1

    variant: Annotated[str, Field(description="Which of them.")] = "l"

    def score(self, samples: pl.DataFrame) -> pl.DataFrame:
        """Give nothing."""
        return samples

    def summarize(self, scores: pl.DataFrame) -> Mapping[str, float]:
        """Give nothing."""
        del scores
        return {}


METRIC: type[Metric] = AMetric
