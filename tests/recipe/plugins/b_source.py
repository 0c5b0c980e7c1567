"""A source for the tests of recipes: it needs no files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source


@dataclass(frozen=True, kw_only=True)
class BSource:
    """Gives prompts out of nothing."""

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = ()
    needs_files: ClassVar[bool] = False
    gives: ClassVar[frozenset[str]] = frozenset({"prompt"})

    dataset: Annotated[str, Field(description="What to give.")]

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Give nothing."""
        del file
        return iter(())


SOURCE: type[Source] = BSource
