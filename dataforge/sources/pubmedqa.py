"""PubMedQA: questions on medical abstracts, with the abstract's conclusion as the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import Message, OnError, Parsed, RecordFaultError, Response, RowDraft
from dataforge.reading.fields import Fields, kind_of
from dataforge.reading.json_members import read_json_members
from dataforge.reading.parquet_records import RECORD_CODES
from dataforge.reading.paths import FieldPath, parse_path
from dataforge.reading.replies import REPLY_CODES, reply_of
from dataforge.reading.turns import is_blank

# ori_pqal.json and its relatives: {"<PubMed id>": {"QUESTION": …}, …}
_OPENING = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"\d+"\s*:\s*\{')
_MEMBER = re.compile(rb'"(\d+)"\s*:\s*(?=\{)')

_ORIGINAL = {name: parse_path(name) for name in ("QUESTION", "CONTEXTS", "LONG_ANSWER", "final_decision?")}
_ON_THE_HUB = {
    "QUESTION": parse_path("question"),
    "CONTEXTS": parse_path("context.contexts"),
    "LONG_ANSWER": parse_path("long_answer"),
    "final_decision?": parse_path("final_decision?"),
}
_NAME = parse_path("pubid?")


@dataclass(frozen=True, kw_only=True)
class PubMedQa:
    """PubMedQA, all three parts: the abstract and the question as the prompt, the conclusion as the response.

    Reads the original files (one object, a record for each PubMed id) and those of the Hugging Face hub. A record is
    a group of its own. Rows carry the license mit and the address of the abstract.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *RECORD_CODES,
        *REPLY_CODES,
        Code("no-decision", "The record says neither yes, no nor maybe, and the answer is to be that word."),
    )
    gives: ClassVar[frozenset[str]] = frozenset({"sft"})

    answer: Annotated[
        Literal["both", "decision", "long"],
        Field(description="The response: yes, no or maybe and then the conclusion; or one of the two."),
    ] = "both"
    with_context: Annotated[bool, Field(description="Put the abstract before the question.")] = True
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read the original object, JSON lines, a JSON array or Parquet."""
        told: set[str] = set()

        def parse(value: Any) -> Parsed:
            return self._parse(value, told)

        return read_json_members(file, self.codes, self.on_error, parse, _OPENING, _MEMBER)

    def _parse(self, value: Any, told: set[str]) -> Parsed:
        if not isinstance(value, dict):
            raise RecordFaultError("not-an-object", f"the record is {kind_of(value)}")
        name, record = _named(cast("dict[str, Any]", value))
        fields = Fields(record, told)
        paths = _ORIGINAL if "QUESTION" in record else _ON_THE_HUB
        question = fields.text(paths["QUESTION"])
        if is_blank(question):
            raise RecordFaultError("empty-prompt")
        prompt = [Message("user", self._question(question, fields, paths))]
        reply = reply_of(self._answer(fields, paths), fields.repairs)
        name = name or fields.word(_NAME)
        url = f"https://pubmed.ncbi.nlm.nih.gov/{name}/" if name else None
        row = RowDraft(name or question, prompt, [Response(reply)], url=url, license="mit")
        return Parsed([row], fields.repairs)

    def _question(self, question: str, fields: Fields, paths: dict[str, FieldPath]) -> str:
        if not self.with_context:
            return question
        contexts = [fields.as_text(item, paths["CONTEXTS"].name) for item in fields.items(paths["CONTEXTS"])]
        return "\n\n".join([*filter(str.strip, contexts), question])

    def _answer(self, fields: Fields, paths: dict[str, FieldPath]) -> str:
        decision = "" if self.answer == "long" else fields.text(paths["final_decision?"]).strip().capitalize()
        if self.answer == "decision":
            if not decision:
                raise RecordFaultError("no-decision")
            return decision
        long = fields.text(paths["LONG_ANSWER"])
        # The unlabelled and the artificial part have a conclusion for every record, and no decision for some.
        return f"{decision}. {long}" if decision and long.strip() else long


def _named(value: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Tell `{"<id>": record}` from a record."""
    if len(value) == 1:
        name, record = next(iter(value.items()))
        if name.isdecimal() and isinstance(record, dict):
            return name, cast("dict[str, Any]", record)
    return None, value


SOURCE: type[Source] = PubMedQa
