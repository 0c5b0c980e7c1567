"""Alpaca and its relatives: instruction, input, output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import Message, OnError, Parsed, RecordFaultError, Response, RowDraft
from dataforge.reading.fields import FIELD_CODES, Fields, kind_of
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet
from dataforge.reading.paths import parse_path
from dataforge.reading.replies import group_of, with_system
from dataforge.reading.turns import is_blank

_INSTRUCTION, _OUTPUT = parse_path("instruction"), parse_path("output")
_INPUT, _SYSTEM, _HISTORY = parse_path("input?"), parse_path("system?"), parse_path("history?")

# The generator that wrote the data was shown numbered tasks, and at times wrote on into the next one.
_NEXT_TASK = re.compile(r"\n\s*(?:#{2,}\s*)?\d{1,3}\.\s*Instruction\s*:")
_NO_INPUT = re.compile(
    r"[<\[(]?\s*no[ _-]?input(?: (?:is )?(?:needed|required|provided|given))?\s*[>\])]?\.?", re.IGNORECASE
)
_NO_OUTPUT = re.compile(r"[<\[(]?\s*(?:no[ _-]?output|n/a)\s*[>\])]?\.?", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Alpaca:
    """Alpaca: the instruction with its input below it as the prompt, the output as the response.

    Reads the datasets of that form, those with `system` and `history` that LLaMA-Factory reads, and the seed tasks of
    self-instruct, whose `instances` become a row each. The faults that are known of the original are repaired or
    rejected. Rows of one seed task are a group; other rows are grouped by their whole prompt.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *RECORD_CODES,
        *FIELD_CODES,
        Code("no-output", "The output says that there is none: <No Output>, N/A."),
        Code("merged-prompt", "The instruction or its input runs on into another numbered instruction."),
        Code(
            "merged-output",
            "The output runs on into another numbered instruction.",
            repair="It is cut where the next instruction begins.",
        ),
        Code(
            "no-input-marker",
            "The input says that there is none: <noinput>, No input.",
            repair="It is taken for empty.",
        ),
        Code(
            "stray-control-character",
            "A text holds control characters other than tabs and line ends.",
            repair="They are left out.",
        ),
        Code(
            "instance-left-out",
            "An instance of a seed task has a fault that cannot be repaired.",
            repair="The other instances are used.",
        ),
    )
    gives: ClassVar[frozenset[str]] = frozenset({"sft"})

    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read a JSON array, JSON lines or Parquet."""
        told: set[str] = set()

        def parse(value: Any) -> Parsed:
            if not isinstance(value, dict):
                raise RecordFaultError("not-an-object", f"the record is {kind_of(value)}")
            record = cast("dict[str, Any]", value)
            if isinstance(record.get("instances"), list):
                return _seed_task(record, told)
            fields = Fields(record, told)
            return Parsed([_row(fields, fields)], fields.repairs)

        return read_json_or_parquet(file, self.codes, self.on_error, parse)


def _seed_task(record: dict[str, Any], told: set[str]) -> Parsed:
    task = Fields(record, told)
    parsed = Parsed(repairs=task.repairs)
    group = group_of([Message("user", task.text(_INSTRUCTION))])
    fault = RecordFaultError("empty-response", "no instances")
    for instance in cast("list[Any]", record["instances"]):
        if not isinstance(instance, dict):
            raise RecordFaultError("wrong-type", f"an instance is {kind_of(instance)}, not an object")
        fields = Fields(cast("dict[str, Any]", instance), told)
        try:
            parsed.rows.append(_row(task, fields)._replace(group=group))
        except RecordFaultError as found:
            fault = found
            parsed.repairs.append("instance-left-out")
        parsed.repairs.extend(fields.repairs)
    if not parsed.rows:
        raise fault
    return parsed


def _row(task: Fields, instance: Fields) -> RowDraft:
    instruction = _clean(task.text(_INSTRUCTION), task.repairs)
    given = _clean(instance.text(_INPUT), instance.repairs)
    output = _clean(instance.text(_OUTPUT), instance.repairs)
    if is_blank(instruction):
        raise RecordFaultError("empty-prompt")
    if _NO_INPUT.fullmatch(given.strip()):
        instance.repairs.append("no-input-marker")
        given = ""
    asked = instruction if is_blank(given) else f"{instruction}\n\n{given}"
    if _NEXT_TASK.search(asked):
        raise RecordFaultError("merged-prompt")
    prompt = with_system([*_history(task), Message("user", asked)], task.text(_SYSTEM))
    response = Response([Message("assistant", _output(output, instance.repairs))])
    return RowDraft(group_of([Message("user", asked)]), prompt, [response])


def _output(output: str, repairs: list[str]) -> str:
    found = _NEXT_TASK.search(output)
    if found:
        repairs.append("merged-output")
        output = output[: found.start()].rstrip().rstrip("#").rstrip()
    if is_blank(output):
        raise RecordFaultError("empty-response")
    if _NO_OUTPUT.fullmatch(output.strip()):
        raise RecordFaultError("no-output", output.strip())
    return output


def _history(fields: Fields) -> list[Message]:
    """Read the rounds before: pairs of what was asked and what was answered."""
    messages: list[Message] = []
    for number, round_ in enumerate(fields.items(_HISTORY), 1):
        texts = cast("list[Any]", round_) if isinstance(round_, list) else []
        if len(texts) != 2 or not all(isinstance(text, str) and text.strip() for text in texts):
            raise RecordFaultError("wrong-type", f"round {number} of 'history' is no pair of texts")
        messages += [Message("user", texts[0]), Message("assistant", texts[1])]
    return messages


def _clean(text: str, repairs: list[str]) -> str:
    clean = _CONTROL.sub("", text)
    if clean != text:
        repairs.append("stray-control-character")
    return clean


SOURCE: type[Source] = Alpaca
