"""A source for the tests of recipes: it reads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source


@dataclass(frozen=True, kw_only=True)
class ASource:
    """Reads nothing, and gives sft rows."""

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = ()
    gives: ClassVar[frozenset[str]] = frozenset({"sft"})

    on_fault: Annotated[Literal["reject", "repair", "fail"], Field(description="What to do with a bad record.")] = (
        "reject"
    )
    max_depth: Annotated[int, Field(ge=1, description="Deepest nesting that is read.")] = 64
    encoding: Annotated[str | None, Field(description="Overrides the file's own.")] = None

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Give nothing."""
        del file
        return iter(())


SOURCE: type[Source] = ASource
