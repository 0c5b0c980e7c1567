"""Your own Parquet, by a mapping of its columns."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import OnError
from dataforge.reading.mapping import (
    MAPPING_CODES,
    AuthorColumn,
    ChosenColumn,
    GroupColumn,
    LicenseColumn,
    MessagesColumn,
    PromptColumn,
    RanksColumns,
    RejectedColumn,
    ResponseColumn,
    ResponsesColumns,
    RowMaker,
    ScoreColumn,
    ScoresColumns,
    SystemColumn,
    ToolsColumn,
    UrlColumn,
    columns_of,
)
from dataforge.reading.parquet_records import PARQUET_CODES, read_parquet
from dataforge.reading.plain_shape import plain_shape


@dataclass(frozen=True, kw_only=True)
class Parquet:
    """Your own Parquet files: say which column holds the prompt, which the response.

    Columns are named as for the source `json`: paths lead into structs and lists, a value with braces is a template.
    The place of a record is the number of its row; its bytes, which name it, are its canonical JSON.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (*PARQUET_CODES, *MAPPING_CODES)
    gives: ClassVar[frozenset[str]] = frozenset({"sft", "preference", "prompt"})

    prompt: PromptColumn = None
    response: ResponseColumn = None
    chosen: ChosenColumn = None
    rejected: RejectedColumn = None
    responses: ResponsesColumns = None
    scores: ScoresColumns = None
    ranks: RanksColumns = None
    messages: MessagesColumn = None
    system: SystemColumn = None
    tools: ToolsColumn = None
    group: GroupColumn = None
    url: UrlColumn = None
    author: AuthorColumn = None
    license_column: LicenseColumn = None
    score: ScoreColumn = None
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def __post_init__(self) -> None:
        """Check that the columns go together."""
        RowMaker(columns_of(self))

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read the rows, a row group at a time."""
        columns = columns_of(self)
        find_shape = functools.partial(plain_shape, columns)
        return read_parquet(file, self.codes, self.on_error, RowMaker(columns), find_shape)


SOURCE: type[Source] = Parquet
