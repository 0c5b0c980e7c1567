"""WebGPT comparisons: two answers to a question, and which one people preferred."""

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

_COLUMNS = Columns(
    prompt="question.full_text",
    responses=("answer_0", "answer_1"),
    scores=("score_0", "score_1"),
)


@dataclass(frozen=True, kw_only=True)
class WebGpt:
    """OpenAI's WebGPT comparisons, as on the Hugging Face hub: preference pairs of long answers.

    The scores, from -1 to 1, sum to 0; two answers of the same score share a rank. Comparisons of one question
    belong together. The dataset's card states no license: say it in the recipe.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (*RECORD_CODES, *MAPPING_CODES)
    gives: ClassVar[frozenset[str]] = frozenset({"preference", "sft"})

    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read JSON lines, a JSON array or Parquet."""
        return read_json_or_parquet(file, self.codes, self.on_error, RowMaker(_COLUMNS))


SOURCE: type[Source] = WebGpt
