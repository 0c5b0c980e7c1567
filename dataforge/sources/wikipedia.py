"""Wikipedia articles, as the dataset `wikimedia/wikipedia` has them."""

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


@dataclass(frozen=True, kw_only=True)
class Wikipedia:
    """Wikipedia articles (id, url, title, text): a request to write about the title, and the article.

    An article answers nobody, so the request is ours: `request` words it. Rows carry the license cc-by-sa-3.0, the
    article's URL, and its writers as the author.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (*RECORD_CODES, *MAPPING_CODES)
    gives: ClassVar[frozenset[str]] = frozenset({"sft"})

    request: Annotated[str, Field(description="The prompt, with columns in braces.")] = (
        "Write an encyclopedia article about {title}."
    )
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def __post_init__(self) -> None:
        """Check that the request is a template."""
        if "{title}" not in self.request:
            msg = f"request is '{self.request}', and has no {{title}} in it"
            raise ValueError(msg)
        self._rows()

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read JSON lines, a JSON array or Parquet."""
        return read_json_or_parquet(file, self.codes, self.on_error, self._rows())

    def _rows(self) -> RowMaker:
        columns = Columns(prompt=self.request, response="text", url="url", group="title")
        return RowMaker(columns, license="cc-by-sa-3.0", author="Wikipedia contributors")


SOURCE: type[Source] = Wikipedia
