"""UltraFeedback: four responses to an instruction, each rated for four qualities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import Message, OnError, Parsed, RecordFaultError, RowDraft
from dataforge.reading.fields import Fields, a_number, kind_of
from dataforge.reading.mapping import MAPPING_CODES, Columns, RowMaker
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet
from dataforge.reading.paths import parse_path
from dataforge.reading.replies import group_of, prompt_of, ranked, reply_of

_INSTRUCTION, _COMPLETIONS = parse_path("instruction"), parse_path("completions")
_BINARIZED = Columns(chosen="chosen", rejected="rejected")
_BINARIZED_TEXT = Columns(prompt="prompt", chosen="chosen", rejected="rejected")
_RATINGS = range(1, 6)


@dataclass(frozen=True, kw_only=True)
class UltraFeedback:
    """UltraFeedback, as published and binarized: preference rows with a response for each model that answered.

    Responses are ranked by the mean of their ratings (1 to 5) over the four qualities; those of the same mean share a
    rank. `overall_score` is not read: some of its tens stand for ones. A response without any rating is left out. The
    author of a response is its model. Rows of one instruction belong together.

    The instructions from TruthfulQA are also a benchmark's: they are left out unless `skip_sources` says otherwise.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *RECORD_CODES,
        *MAPPING_CODES,
        Code("skipped-source", "The instruction comes from a dataset that the recipe leaves out.", is_fault=False),
    )
    gives: ClassVar[frozenset[str]] = frozenset({"preference", "sft"})

    skip_sources: Annotated[tuple[str, ...], Field(description="Values of the column `source` that are left out.")] = (
        "truthful_qa",
    )
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read JSON lines, a JSON array or Parquet."""
        told: set[str] = set()
        pairs, text_pairs = RowMaker(_BINARIZED), RowMaker(_BINARIZED_TEXT)

        def parse(value: Any) -> Parsed:
            if not isinstance(value, dict):
                raise RecordFaultError("not-an-object", f"the record is {kind_of(value)}")
            record = cast("dict[str, Any]", value)
            if record.get("source") in self.skip_sources:
                raise RecordFaultError("skipped-source", str(record["source"]))
            if "chosen" in record or "rejected" in record:
                return text_pairs(record) if isinstance(record.get("chosen"), str) else pairs(record)
            return _four_responses(Fields(record, told))

        return read_json_or_parquet(file, self.codes, self.on_error, parse)


def _four_responses(fields: Fields) -> Parsed:
    prompt = prompt_of(fields.text(_INSTRUCTION), fields.repairs)
    completions = fields.items(_COMPLETIONS)
    replies: list[list[Message]] = []
    means: list[float] = []
    models: list[str | None] = []
    for number, completion in enumerate(completions, 1):
        if not isinstance(completion, dict):
            raise RecordFaultError("wrong-type", f"completion {number} is {kind_of(completion)}, not an object")
        answer = cast("dict[str, Any]", completion)
        text, mean = answer.get("response"), _mean_rating(answer)
        if mean is None or not isinstance(text, str) or not text.strip():
            fields.repairs.append("response-left-out")
            continue
        replies.append(reply_of(text, fields.repairs))
        means.append(mean)
        model = answer.get("model")
        models.append(model if isinstance(model, str) else None)
    if len(replies) < 2:
        raise RecordFaultError("too-few-responses", f"{len(replies)} of {len(completions)}")
    responses = ranked(replies, means, are_scores=True, authors=models)
    return Parsed([RowDraft(group_of(prompt), prompt, responses)], fields.repairs)


def _mean_rating(completion: dict[str, Any]) -> float | None:
    """Give the mean of the ratings there are; "N/A" is none."""
    annotations = completion.get("annotations")
    if not isinstance(annotations, dict):
        return None
    aspects = cast("dict[str, Any]", annotations).values()
    ratings = [rating for aspect in aspects for rating in _ratings(aspect)]
    return sum(ratings) / len(ratings) if ratings else None


def _ratings(aspect: Any) -> list[float]:
    """Read the rating of a quality; some files have a list of judgements for one."""
    judgements = cast("list[Any]", aspect) if isinstance(aspect, list) else [aspect]
    objects = [cast("dict[str, Any]", judgement) for judgement in judgements if isinstance(judgement, dict)]
    ratings = [a_number(judgement.get("Rating")) for judgement in objects]
    return [rating for rating in ratings if rating is not None and rating in _RATINGS]


SOURCE: type[Source] = UltraFeedback
