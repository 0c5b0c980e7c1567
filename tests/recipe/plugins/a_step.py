"""A step for the tests of recipes, with a parameter of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dataforge.core.plugin import Mapper


def _whole_word(text: str) -> str:
    """Take no blanks."""
    if " " in text:
        msg = f"{text!r} is two words; did you mean {text.replace(' ', '_')!r}?"
        raise ValueError(msg)
    return text


class Band(BaseModel):
    """A nested table."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    low: float = 0.0
    high: float = 1.0


ALL = Band()


@dataclass(frozen=True, kw_only=True)
class AStep:
    """Changes nothing."""

    version: ClassVar[int] = 1
    path_fields: ClassVar[tuple[str, ...]] = ("words",)

    on: Annotated[str, AfterValidator(_whole_word), Field(description="The messages that are meant.")] = "conversation"
    min_chars: Annotated[int, Field(ge=0, description="Shortest text that is kept, in characters.")] = 0
    max_chars: Annotated[int, Field(ge=0, description="Longest text that is kept, in characters.")] = 4000
    keep: Annotated[Literal["longest", "shortest", "first"], Field(description="Which copy stays.")] = "longest"
    share: Annotated[float | int, Field(gt=0, description="A share, or a number of rows.")] = 1.0
    is_strict: Annotated[bool, Field(description="Whether to look twice.")] = False
    words: Annotated[str | tuple[str, ...] | None, Field(description="Files of words.")] = None
    band: Annotated[Band, Field(description="Scores that are kept.")] = ALL
    rules: Annotated[tuple[Band, ...], Field(description="More of them.")] = ()

    def __post_init__(self) -> None:
        """Check the bounds against each other."""
        if self.min_chars > self.max_chars:
            msg = f"min_chars ({self.min_chars}) is above max_chars ({self.max_chars})"
            raise ValueError(msg)

    def rewrite(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the rows back."""
        return frame


STEP: type[Mapper] = AStep
