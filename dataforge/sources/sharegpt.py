"""ShareGPT and its relatives: JSON records with a list of turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.fingerprint import short_id
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import Message, OnError, Parsed, RecordFaultError, Response, RowDraft
from dataforge.reading.json_records import JSON_CODES, read_json_records
from dataforge.reading.structure import (
    STRUCTURE_CODES,
    UNWANTED_RESPONSE,
    SameRole,
    base_id,
    in_order,
    split_at_answer,
    without_open_end,
)
from dataforge.reading.turns import TURN_CODES, read_tools, read_turns

_TURN_KEYS = ("conversations", "messages", "conversation", "items")
_SYSTEM_KEYS = ("system", "system_prompt")
_LABEL_KEYS = ("kto_tag", "label")

_Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ShareGpt:
    """Conversations in JSON: ShareGPT, OpenAI messages, and the preference files of LLaMA-Factory.

    A conversation becomes one row: the prompt ends with the last message of the user or of a tool, the response is
    what the assistant says to it. Answers before it stay in the prompt.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *JSON_CODES,
        *TURN_CODES,
        *STRUCTURE_CODES,
        Code("no-conversation", "The record has no list of messages."),
        Code("bad-preference", "Only one of chosen and rejected is there, or one is not a reply."),
        Code("identical-pair", "The chosen and the rejected reply are the same."),
        UNWANTED_RESPONSE,
        Code("answered-prompt", "The conversation before chosen and rejected ends with an answer already."),
    )

    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"
    same_role: Annotated[SameRole, Field(description="What to do with two messages in a row by the same speaker.")] = (
        "merge"
    )
    keep_open_prompts: Annotated[
        bool, Field(description="Make a row without a response of a conversation that has no answer.")
    ] = False
    ids_name_pieces: Annotated[
        bool,
        Field(
            description="Ids end in `_<number>` for the pieces of a split conversation, which stay together; a plain"
            " word before the number (`identity_0`) counts records and names no pieces."
        ),
    ] = True

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read a JSON array, JSON lines or objects one after the other."""
        return read_json_records(file, self.codes, self.on_error, self._parse)

    def _parse(self, record: Any) -> Parsed:
        if not isinstance(record, dict):
            raise RecordFaultError("not-an-object")
        fields = cast("_Record", record)
        parsed = Parsed()
        messages = in_order(_messages(fields, parsed.repairs), self.same_role, parsed.repairs)
        if "chosen" in fields or "rejected" in fields:
            prompt, responses = messages, self._pair(fields, parsed.repairs)
            if prompt[-1].role == "assistant":
                raise RecordFaultError("answered-prompt")
        else:
            prompt, responses = self._answer(messages, parsed.repairs)
            if _is_unwanted(fields) and responses:
                parsed.repairs.append("unwanted-response")
                responses = []
        tools = read_tools(fields.get("tools"))
        parsed.rows.append(RowDraft(self._group(fields, prompt), prompt, responses, tools))
        return parsed

    def _answer(self, messages: list[Message], repairs: list[str]) -> tuple[list[Message], list[Response]]:
        whole = without_open_end(messages, repairs)
        if whole:
            prompt, answer = split_at_answer(whole)
            return prompt, [Response(answer)]
        if not self.keep_open_prompts:
            raise RecordFaultError("no-answer")
        return messages, []

    def _pair(self, fields: _Record, repairs: list[str]) -> list[Response]:
        chosen, rejected = (self._reply(fields, side, repairs) for side in ("chosen", "rejected"))
        if chosen == rejected:
            raise RecordFaultError("identical-pair")
        return [Response(chosen, 0), Response(rejected, 1)]

    def _reply(self, fields: _Record, side: str, repairs: list[str]) -> list[Message]:
        value = fields.get(side)
        if isinstance(value, str):
            value = {"role": "assistant", "content": value}
        turns = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not all(isinstance(turn, dict) for turn in turns):
            raise RecordFaultError("bad-preference", f"{side} is missing, or no message")
        messages = read_turns(turns, repairs)
        if [message.role for message in messages] != ["assistant"]:
            raise RecordFaultError("bad-preference", f"{side} is empty, or not one reply by the assistant")
        return messages

    def _group(self, fields: _Record, prompt: list[Message]) -> str:
        name = fields.get("id")
        if isinstance(name, str) and name:
            return base_id(name) if self.ids_name_pieces else name
        if isinstance(name, int):
            return str(name)
        return short_id(next(message.content for message in prompt if message.role == "user"))


def _messages(fields: _Record, repairs: list[str]) -> list[Message]:
    turns = next((fields[key] for key in _TURN_KEYS if key in fields), None)
    if not isinstance(turns, list):
        raise RecordFaultError("no-conversation", f"keys: {', '.join(list(fields)[:8])}"[:200])
    messages = read_turns(cast("list[Any]", turns), repairs)
    for key in _SYSTEM_KEYS:
        system = fields.get(key)
        if isinstance(system, str) and system.strip() and Message("system", system) not in messages[:1]:
            return [Message("system", system), *messages]
    return messages


def _is_unwanted(fields: _Record) -> bool:
    """Say whether people did not want the answer (the thumb down of KTO files)."""
    return any(fields.get(key) is False for key in _LABEL_KEYS)


SOURCE: type[Source] = ShareGpt
