"""Databricks Dolly 15k: instructions and answers written by people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import OnError
from dataforge.reading.mapping import MAPPING_CODES, Columns, RowMaker
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet

# A context that is empty leaves nothing behind: the ends of a template are trimmed.
_COLUMNS = Columns(prompt="{instruction}\n\n{context?}", response="response")


@dataclass(frozen=True, kw_only=True)
class Dolly:
    """Databricks Dolly 15k: the instruction, with its context below it, and the response.

    Rows carry the license cc-by-sa-3.0, as the dataset states it. Contexts are taken from Wikipedia.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (*RECORD_CODES, *MAPPING_CODES)
    gives: ClassVar[frozenset[str]] = frozenset({"sft"})

    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read JSON lines, a JSON array or Parquet."""
        return read_json_or_parquet(file, self.codes, self.on_error, RowMaker(_COLUMNS, license="cc-by-sa-3.0"))


SOURCE: type[Source] = Dolly
