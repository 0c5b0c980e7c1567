"""Anthropic's HH-RLHF: pairs of transcripts that differ in their last reply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.errors import DataError, Where
from dataforge.core.fingerprint import short_id
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import Message, OnError, Parsed, RecordFaultError, Response, RowDraft
from dataforge.reading.json_records import JSON_CODES, read_json_records
from dataforge.reading.transcript import TRANSCRIPT_CODES, read_transcript

_SIDES = ("chosen", "rejected")


@dataclass(frozen=True, kw_only=True)
class HhRlhf:
    """Preference pairs as in HH-RLHF: `chosen` and `rejected`, each a whole transcript.

    Both sides are split into turns, and the turns are compared: text that two replies happen to begin with stays in
    the replies. A reply that is the beginning of the other is kept, for it is a preference like any other.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *JSON_CODES,
        *TRANSCRIPT_CODES,
        Code("missing-side", "The record lacks the text of chosen, of rejected, or of both."),
        Code("identical-pair", "Chosen and rejected are the same."),
        Code("early-divergence", "The sides differ before their last turn, so they are no two replies to one prompt."),
        Code("turn-counts-differ", "The sides have a different number of turns."),
        Code("ends-with-human", "A side ends with a turn by the human."),
        Code("empty-reply", "The last reply of a side is empty."),
    )

    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read a file of any tranche, packed or not; the red-team tranche is refused, for it holds no pairs."""
        has_pairs = False

        def parse(record: Any) -> Parsed:
            nonlocal has_pairs
            if not isinstance(record, dict):
                raise RecordFaultError("not-an-object")
            fields = cast("dict[str, Any]", record)
            if not has_pairs and "transcript" in fields and not fields.keys() & set(_SIDES):
                raise _no_pairs(file)
            has_pairs = True
            return _parse(fields)

        return read_json_records(file, self.codes, self.on_error, parse)


def _no_pairs(file: RawFile) -> DataError:
    return DataError(
        "this is a red-team file: its records are single transcripts with a rating, and hold no pairs",
        where=Where(file.label),
        fix="leave the file out; the tranches with pairs are helpful-base, helpful-online, "
        "helpful-rejection-sampled and harmless-base",
    )


def _parse(fields: dict[str, Any]) -> Parsed:
    parsed = Parsed()
    texts = [fields.get(side) for side in _SIDES]
    missing = [side for side, text in zip(_SIDES, texts, strict=True) if not isinstance(text, str)]
    if missing:
        raise RecordFaultError("missing-side", " and ".join(missing))
    chosen, rejected = (_read_side(side, fields[side], parsed.repairs) for side in _SIDES)
    _compare(chosen, rejected)
    responses = [Response([chosen[-1]], 0), Response([rejected[-1]], 1)]
    parsed.rows.append(RowDraft(short_id(chosen[0].content), chosen[:-1], responses))
    return parsed


def _read_side(side: str, text: str, repairs: list[str]) -> list[Message]:
    try:
        turns = read_transcript(text, repairs)
    except RecordFaultError as fault:
        raise RecordFaultError(fault.code, f"{side}: {fault.detail}" if fault.detail else side) from fault
    if turns[-1].role == "user":
        raise RecordFaultError("ends-with-human", side)
    if not turns[-1].content:
        raise RecordFaultError("empty-reply", side)
    return turns


def _compare(chosen: list[Message], rejected: list[Message]) -> None:
    if chosen == rejected:
        raise RecordFaultError("identical-pair")
    shared = 0
    while shared < min(len(chosen), len(rejected)) and chosen[shared] == rejected[shared]:
        shared += 1
    counts = f"{len(chosen)} and {len(rejected)} turns"
    if len(chosen) != len(rejected):
        raise RecordFaultError("turn-counts-differ", f"{counts}; the first {shared} are the same")
    if shared < len(chosen) - 1:
        raise RecordFaultError("early-divergence", f"turn {shared + 1} of {len(chosen)} differs")


SOURCE: type[Source] = HhRlhf
