"""CUAD: contracts, and the clauses a lawyer would look for in them, in the form of SQuAD."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.fingerprint import unit_interval
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import Message, OnError, Parsed, RecordFaultError, Response, RowDraft
from dataforge.reading.fields import FIELD_CODES, Fields, kind_of
from dataforge.reading.json_members import read_json_members
from dataforge.reading.parquet_records import RECORD_CODES
from dataforge.reading.paths import parse_path
from dataforge.reading.turns import is_blank

_OPENING = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{[^\[\]{}]*"data"\s*:\s*\[\s*\{')
_MEMBER = re.compile(rb'\{\s*"(?:title|paragraphs)"\s*:')

_TITLE, _PARAGRAPHS = parse_path("title"), parse_path("paragraphs")
_CONTEXT, _QUESTIONS = parse_path("context"), parse_path("qas")
_QUESTION, _ANSWERS, _ID = parse_path("question"), parse_path("answers"), parse_path("id?")


class _Span(NamedTuple):
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Cuad:
    """CUAD (Contract Understanding Atticus Dataset): a passage of a contract and a question, and the clauses found.

    One contract is one record and gives a row for each question. A contract is far longer than what a model reads,
    so the prompt holds a passage of it: one with an answer in it where there is an answer, and any passage where there
    is none. Where in the passage the answer stands is drawn from the question's id. Clauses that lie outside the
    passage are not part of the response.

    A contract is a group. Rows carry the license cc-by-4.0.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *RECORD_CODES,
        *FIELD_CODES,
        Code(
            "misplaced-answer",
            "An answer does not stand where the record says.",
            repair="It is looked for in the contract; where it is not there, its question is left out.",
        ),
        Code("no-questions", "The contract has no question that can be used.", is_fault=False),
    )
    gives: ClassVar[frozenset[str]] = frozenset({"sft"})

    passage_chars: Annotated[int, Field(ge=200, description="How long a passage is, in characters.")] = 4000
    unanswerable: Annotated[bool, Field(description="Keep questions that the contract does not answer.")] = True
    no_answer: Annotated[str, Field(min_length=1, description="The response to those.")] = (
        "There is no such clause in this passage."
    )
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read the original file, or JSON lines or Parquet with a contract in each record."""
        told: set[str] = set()

        def parse(value: Any) -> Parsed:
            return self._parse(value, told)

        return read_json_members(file, self.codes, self.on_error, parse, _OPENING, _MEMBER)

    def _parse(self, value: Any, told: set[str]) -> Parsed:
        fields = Fields(_object(value, "the record"), told)
        title = fields.text(_TITLE)
        parsed = Parsed()
        for number, paragraph in enumerate(fields.items(_PARAGRAPHS)):
            inner = Fields(_object(paragraph, "a paragraph"), told)
            context = inner.text(_CONTEXT)
            if is_blank(context):
                raise RecordFaultError("empty-prompt", f"paragraph {number + 1} is blank")
            for qa in inner.items(_QUESTIONS):
                asked = Fields(_object(qa, "a question"), told)
                row = self._row(title or context[:200], context, asked, parsed.repairs)
                if row is not None:
                    parsed.rows.append(row)
        if not parsed.rows:
            raise RecordFaultError("no-questions")
        return parsed

    def _row(self, title: str, context: str, asked: Fields, repairs: list[str]) -> RowDraft | None:
        question = asked.text(_QUESTION)
        if is_blank(question):
            raise RecordFaultError("empty-prompt", "a question is blank")
        answers = asked.items(_ANSWERS)
        spans = [span for answer in answers if (span := _find(context, answer, repairs)) is not None]
        if not spans and (answers or not self.unanswerable):
            return None
        passage = self._passage(context, spans, asked.word(_ID) or question)
        found = sorted({span for span in spans if passage.start <= span.start and span.end <= passage.end})
        reply = "\n\n".join(context[span.start : span.end] for span in found) or self.no_answer
        prompt = f"{context[passage.start : passage.end].strip()}\n\n{question}"
        responses = [Response([Message("assistant", reply)])]
        return RowDraft(title, [Message("user", prompt)], responses, license="cc-by-4.0")

    def _passage(self, context: str, spans: list[_Span], name: str) -> _Span:
        """Choose the part of a contract to show: around the first answer, or anywhere."""
        draw = unit_interval("cuad", name)
        width = self.passage_chars
        if spans:
            first = min(spans)
            start = first.start - int(draw * max(width - (first.end - first.start), 1))
            end = max(start + width, first.end)
        else:
            start = int(draw * max(len(context) - width, 1))
            end = start + width
        if start < 0:
            start, end = 0, max(end, min(width, len(context)))
        return _Span(_word_start(context, start), _word_end(context, min(end, len(context))))


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordFaultError("wrong-type", f"{what} is {kind_of(value)}, not an object")
    return cast("dict[str, Any]", value)


def _find(context: str, answer: Any, repairs: list[str]) -> _Span | None:
    fields = _object(answer, "an answer")
    text, start = fields.get("text"), fields.get("answer_start")
    if not isinstance(text, str) or is_blank(text):
        repairs.append("misplaced-answer")
        return None
    if not isinstance(start, int) or not start >= 0 or not context.startswith(text, start):
        repairs.append("misplaced-answer")
        start = context.find(text)
    return _Span(start, start + len(text)) if start >= 0 else None


def _word_start(text: str, place: int) -> int:
    """Move a place back to the start of its word; a run of 100 characters without a blank is cut."""
    for back in range(place, max(place - 100, 0), -1):
        if text[back - 1].isspace():
            return back
    return place if place >= 100 else 0


def _word_end(text: str, place: int) -> int:
    for ahead in range(place, min(place + 100, len(text))):
        if text[ahead].isspace():
            return ahead
    return place if len(text) - place > 100 else len(text)


SOURCE: type[Source] = Cuad
