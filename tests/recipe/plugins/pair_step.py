"""A step for the tests of recipes that is of use for preference rows only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from dataforge.core.plugin import Mapper


@dataclass(frozen=True, kw_only=True)
class PairStep:
    """Changes nothing."""

    version: ClassVar[int] = 1
    needs_kind: ClassVar[str] = "preference"

    def rewrite(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the rows back."""
        return frame


STEP: type[Mapper] = PairStep
