"""Reads the list of turns of a record into messages, whatever its keys are called."""

from __future__ import annotations

from typing import Any, cast

import orjson

from dataforge.core.codes import Code
from dataforge.reading.drafts import Message, RecordFaultError
from dataforge.reading.residue import RESIDUE_CODES, without_residue
from dataforge.reading.roles import CALL, ROLE_OF, UNKNOWN_ROLE, role_of

TURN_CODES: tuple[Code, ...] = (
    UNKNOWN_ROLE,
    Code("bad-turn", "A message is not an object with a role and a text."),
    Code("missing-content", "A message has no text: it is null, or there is none."),
    Code("bad-content", "The text of a message is neither text nor a list of parts."),
    Code("non-text-part", "A message holds a part that is no text, such as an image."),
    Code("bad-tool-call", "A tool call, or a list of tools, is not JSON with the expected fields."),
    Code("empty-turn", "A message is empty, or holds nothing but blanks.", repair="The message is left out."),
    *RESIDUE_CODES,
)

# What looks empty: blanks of every width (none has a code above U+3000), zero-width characters, byte-order mark.
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
INVISIBLE = _BLANKS + "\0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_FIRST_OF_BLANK = frozenset(["", *INVISIBLE])

_Turn = dict[str, Any]


def read_turns(turns: list[Any], repairs: list[str]) -> list[Message]:
    """Read a conversation.

    Args:
        turns: The turns as JSON values: `from` and `value`, `role` and `content`, or `text`.
        repairs: Where the codes of what had to be repaired are added.

    Returns:
        The messages that are not empty.

    Raises:
        RecordFaultError: A turn is no message.
    """
    messages: list[Message] = []
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict):
            raise RecordFaultError("bad-turn", f"message {number}: {_kind(turn)} where an object should be")
        message = _message(cast("_Turn", turn), number, repairs)
        if message is None:
            repairs.append("empty-turn")
        else:
            messages.append(message)
    return messages


def read_tools(value: Any) -> str | None:
    """Give a record's list of tools as JSON text, None where there is none; anything but a JSON list is a fault."""
    if value is None or value in ("", []):
        return None
    if isinstance(value, str):
        try:
            tools = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise RecordFaultError("bad-tool-call", f"tools: {error}") from error
        if tools in ("", [], None):
            return None
    else:
        tools = value
    if not isinstance(tools, list):
        raise RecordFaultError("bad-tool-call", f"tools: {_kind(tools)} where a list should be")
    return value if isinstance(value, str) else _json(tools)


def is_blank(text: str) -> bool:
    """Say whether nothing can be seen of a text."""
    # The first character tells, nearly always; stripping costs a microsecond.
    return text[:1] in _FIRST_OF_BLANK and not text.strip(INVISIBLE)


def _message(turn: _Turn, number: int, repairs: list[str]) -> Message | None:
    name = turn.get("from", turn.get("role"))
    role = ROLE_OF.get(name) if isinstance(name, str) else None
    if role is None:
        role = role_of(name, number)
    content = turn.get("value", turn.get("content"))
    if content is None:
        content = turn.get("text")
    if len(turn) > 2 or content is None or role == CALL:
        return _message_with_extras(turn, role, content, number, repairs)
    return _plain(role, _text(content, number), repairs)


def _plain(role: str, text: str, repairs: list[str]) -> Message | None:
    if role == "assistant":
        clean = without_residue(text)
        if clean is not text and clean != text:
            repairs.append("html-residue")
            text = clean
    return None if is_blank(text) else Message(role, text)


def _message_with_extras(turn: _Turn, role: str, content: Any, number: int, repairs: list[str]) -> Message | None:
    if role == CALL:
        return Message("assistant", "", tool_calls=_calls_of_text(content, number))
    calls = _calls(turn.get("tool_calls") or turn.get("function_call"), number)
    if calls is not None and content is None:
        content = ""
    text = _text(content, number)
    message = _plain(role, text, repairs)
    if message is None:
        if role != "tool" and calls is None:
            return None
        message = Message(role, "")
    call_id = turn.get("tool_call_id")
    return message._replace(
        name=_string(turn.get("name")) if role == "tool" else None,
        tool_calls=calls,
        tool_call_id=_string(call_id),
        train=_takes_part(turn) if role == "assistant" else None,
    )


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _takes_part(turn: _Turn) -> bool | None:
    """A weight of 0 keeps a turn out of the loss (OpenAI's fine-tuning files); `train` and `loss` say it plainly."""
    for key in ("weight", "train", "loss"):
        if turn.get(key) in (0, 1):
            return None if turn[key] else False
    return None


def _text(content: Any, number: int) -> str:
    if isinstance(content, str):
        return content
    if content is None:
        raise RecordFaultError("missing-content", f"message {number}")
    if isinstance(content, list):
        return "\n\n".join(_part(part, number) for part in cast("list[Any]", content))
    raise RecordFaultError("bad-content", f"message {number}: {_kind(content)}")


def _part(part: Any, number: int) -> str:
    if isinstance(part, str):
        return part
    fields = cast("dict[str, Any]", part) if isinstance(part, dict) else {}
    text = fields.get("text")
    if isinstance(text, str) and fields.get("type", "text") in ("text", "input_text", "output_text"):
        return text
    raise RecordFaultError("non-text-part", f"message {number}: a part of type {fields.get('type', _kind(part))!r}")


def _calls_of_text(content: Any, number: int) -> str:
    """Read the value of a `function_call` turn: JSON text of one call, or of a list of calls."""
    if isinstance(content, str):
        try:
            content = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise RecordFaultError("bad-tool-call", f"message {number}: {error}") from error
    calls = _calls(content, number)
    if calls is None:
        raise RecordFaultError("bad-tool-call", f"message {number}: no call in it")
    return calls


def _calls(value: Any, number: int) -> str | None:
    if value is None or value in ("", []):
        return None
    calls = cast("list[Any]", value) if isinstance(value, list) else [value]
    return _json([_call(call, number) for call in calls])


def _call(call: Any, number: int) -> dict[str, Any]:
    fields = cast("dict[str, Any]", call) if isinstance(call, dict) else {}
    function = fields.get("function", fields)
    named = cast("dict[str, Any]", function) if isinstance(function, dict) else {}
    if not isinstance(named.get("name"), str):
        raise RecordFaultError("bad-tool-call", f"message {number}: a call names no function")
    arguments = named.get("arguments", named.get("parameters", {}))
    known = {"id": fields["id"]} if isinstance(fields.get("id"), str) else {}
    return {**known, "type": "function", "function": {"name": named["name"], "arguments": arguments}}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = ((dict, "an object"), (list, "a list"), (str, "a text"), (bool, "true or false"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a number")
