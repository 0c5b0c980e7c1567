"""Your own CSV and TSV, by a mapping of their columns."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

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
from dataforge.reading.plain_shape import plain_shape
from dataforge.reading.tables import TABLE_CODES, Dialect, read_table


@dataclass(frozen=True, kw_only=True)
class Csv:
    """Your own CSV or TSV: say which column holds the prompt, which the response.

    Columns are named as for the source `json`. Cells are text as written: `nan` and `NULL` are words. A cell may
    hold line ends between double quotes, and `messages` may hold JSON. Blank lines are no records.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (*TABLE_CODES, *MAPPING_CODES)
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
    delimiter: Annotated[
        str | None,
        Field(description="What stands between cells; else `.tsv` means a tab, and the first line tells otherwise."),
    ] = None
    quoting: Annotated[
        Literal["double", "none"], Field(description="`none` takes a double quote for a character like any other.")
    ] = "double"
    header: Annotated[
        tuple[str, ...] | None, Field(description="Names of the columns, for a file whose first line is no header.")
    ] = None
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def __post_init__(self) -> None:
        """Check that the columns go together."""
        RowMaker(columns_of(self))
        if self.delimiter is not None and (not self.delimiter or set(self.delimiter) & {'"', "\n", "\r"}):
            msg = f"delimiter is {self.delimiter!r}, and must be text without quotes and line ends"
            raise ValueError(msg)

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read a table, a record at a time."""
        columns = columns_of(self)
        find_shape = functools.partial(plain_shape, columns)
        dialect = Dialect(self.delimiter, has_quotes=self.quoting == "double", columns=self.header)
        return read_table(file, self.codes, self.on_error, RowMaker(columns), dialect, find_shape)


SOURCE: type[Source] = Csv
