"""The dataset types of the TRL library, standard and conversational."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import OnError, Parsed, RecordFaultError
from dataforge.reading.fields import kind_of
from dataforge.reading.mapping import MAPPING_CODES, Columns, RowMaker
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet
from dataforge.reading.plain_shape import PlainShape, plain_shape

# The first type whose columns are all there is the record's.
_TYPES = (
    Columns(prompt="prompt", chosen="chosen", rejected="rejected", tools="tools?"),
    Columns(chosen="chosen", rejected="rejected", tools="tools?"),
    Columns(prompt="prompt", response="completion", tools="tools?"),
    Columns(messages="messages", tools="tools?"),
    Columns(prompt="prompt", tools="tools?"),
    Columns(response="text"),
)
_ASKED = ("prompt", "response", "chosen", "rejected", "messages")


@dataclass(frozen=True, kw_only=True)
class Trl:
    """Datasets of TRL's types: language modeling, prompt-only, prompt-completion, preference and unpaired preference.

    The type is told from the columns that are there and not null, record by record; messages may stand for text
    anywhere. Where a preference has no prompt, the two sides are compared turn by turn, or as text and then cut at
    the end of a line or a word. `text` becomes a response without a prompt. Of unpaired preferences (`label`), a good
    response has the score 1, and a bad one leaves its prompt alone. Stepwise supervision is refused: its labels
    belong to steps, and a row has no place for them.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *RECORD_CODES,
        *MAPPING_CODES,
        Code("no-trl-type", "The record has the columns of none of TRL's dataset types."),
        Code("bad-label", "The label of an unpaired preference is neither true nor false."),
        Code("stepwise", "The record is of the type stepwise supervision, whose labels judge steps.", is_fault=False),
    )
    gives: ClassVar[frozenset[str]] = frozenset({"sft", "preference", "prompt"})

    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read JSON lines, a JSON array or Parquet."""
        makers = [(_needed(columns), RowMaker(columns)) for columns in _TYPES]

        def parse(value: Any) -> Parsed:
            if not isinstance(value, dict):
                raise RecordFaultError("not-an-object", f"the record is {kind_of(value)}")
            record = cast("dict[str, Any]", value)
            there = {name for name, item in record.items() if item is not None}
            if {"completions", "labels"} <= there:
                raise RecordFaultError("stepwise")
            for needed, make in makers:
                if needed <= there:
                    parsed = make(record)
                    return _judged(parsed, record["label"]) if _is_unpaired(needed, there) else parsed
            raise RecordFaultError("no-trl-type", f"columns: {', '.join(record)}"[:200])

        return read_json_or_parquet(file, self.codes, self.on_error, parse, _plain)


def _plain(names: Collection[str] | None) -> PlainShape | None:
    """Find the type of a whole table; where a value is null, the record may be of another type."""
    there = set(names or ())
    columns = next((columns for columns in _TYPES if _needed(columns) <= there), None)
    if columns is None or {"completions", "labels"} <= there or _is_unpaired(_needed(columns), there):
        return None
    return plain_shape(columns, there)


def _needed(columns: Columns) -> set[str]:
    return {name for name in (getattr(columns, asked) for asked in _ASKED) if name is not None}


def _is_unpaired(needed: set[str], there: set[str]) -> bool:
    return "label" in there and bool(needed & {"completion", "messages"})


def _judged(parsed: Parsed, label: Any) -> Parsed:
    if label not in (True, False):
        raise RecordFaultError("bad-label", str(label)[:80])
    row = parsed.rows[0]
    if label:
        parsed.rows[0] = row._replace(responses=[row.responses[0]._replace(score=1.0)])
    else:
        parsed.rows[0] = row._replace(responses=[])
        parsed.repairs.append("unwanted-response")
    return parsed


SOURCE: type[Source] = Trl
