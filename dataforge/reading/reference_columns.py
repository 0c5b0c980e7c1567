"""Takes the texts out of a record of anybody's dataset, by the names that columns usually have.

Lenient on purpose: a record is read to be compared with, not to be learnt from, so that what a source would refuse (two
equal answers, an answer without a question) is a text like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from dataforge.core.codes import Code
from dataforge.reading.drafts import Message, Parsed, RecordFaultError, Response, RowDraft
from dataforge.reading.fields import kind_of
from dataforge.reading.structure import split_at_answer
from dataforge.reading.transcript import read_transcript
from dataforge.reading.turns import is_blank, read_turns

REFERENCE_CODES: tuple[Code, ...] = (
    Code("no-known-column", "The record has no column whose name says that it holds a prompt, an answer or a text."),
    Code("no-text", "The columns with known names hold no text."),
    Code("bad-turn", "A message is not an object with a role and a text."),
    Code("unknown-role", "A message is by a speaker of no known role, or by nobody."),
    Code("missing-content", "A message has no text: it is null, or there is none."),
    Code("bad-content", "The text of a message is neither text nor a list of parts."),
    Code("non-text-part", "A message holds a part that is no text, such as an image."),
    Code("bad-tool-call", "A tool call, or a list of tools, is not JSON with the expected fields."),
)

# Names as datasets have them, compared without regard to case; a record may have several of a kind.
_CHATS = ("messages", "conversations", "conversation", "chat", "dialog", "dialogue", "items")
_SYSTEMS = ("system", "system_prompt")
_CONTEXTS = ("context", "passage", "article", "document", "contextstring")
_PROMPTS = (
    *("prompt", "question", "instruction", "query", "problem", "goal", "behavior", "task", "turns", "input"),
    *("user", "human", "ctx", "request"),
)
_CHOICES = ("choices", "options", "endings")
_SIDES = (("chosen", 0), ("preferred", 0), ("rejected", 1), ("dispreferred", 1))
_ANSWERS = (
    *("response", "responses", "completion", "completions", "answer", "answers", "output", "outputs", "target"),
    *("solution", "canonical_solution", "reference", "references", "best_answer", "correct_answers", "long_answer"),
    *("assistant", "gpt", "reply"),
)
_TEXTS = (
    *("text", "content", "body", "sentence", "sentence1", "sentence2", "premise", "hypothesis", "question1"),
    *("question2", "title", "summary", "doc", "docstring", "code", "comment", "tweet", "#1 string", "#2 string"),
)
KNOWN = frozenset((*_CHATS, *_CONTEXTS, *_PROMPTS, *_CHOICES, *(name for name, _ in _SIDES), *_ANSWERS, *_TEXTS))
_SHOWN = 20
_INSIDE = ("text", "content", "value", "response", "answer", "completion", "output", "messages")


def parse_reference(record: Any) -> Parsed:
    """Make one row of a record.

    Args:
        record: A parsed JSON value: an object with named fields, or a text by itself.

    Returns:
        One row: prompts in its prompt, answers in its responses, and what is neither in a response without a prompt.

    Raises:
        RecordFaultError: Nothing in it is known to be text.
    """
    if isinstance(record, str):
        record = {"text": record}
    if not isinstance(record, dict):
        raise RecordFaultError("not-an-object", f"the record is {kind_of(record)}")
    columns = {str(name).strip().lower(): value for name, value in cast("dict[Any, Any]", record).items()}
    if not KNOWN & columns.keys():
        raise RecordFaultError("no-known-column", f"there are: {_listed(list(columns))}")
    prompt, answers = _said(columns)
    if not any(message.content for message in (*prompt, *(each for answer, _ in answers for each in answer))):
        raise RecordFaultError("no-text")
    responses = [Response(messages, rank) for messages, rank in answers if messages]
    return Parsed([RowDraft(group="", prompt=prompt, responses=responses)])


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


_Answers = list[tuple[list[Message], int]]


def _said(columns: dict[str, Any]) -> tuple[list[Message], _Answers]:
    chat = [columns[name] for name in _CHATS if columns.get(name)]
    prompt, answer = split_at_answer(_messages(chat[0], "user") if chat else [])
    prompt = [*_messages_of(columns, _SYSTEMS, "system"), *prompt, *_asked(columns)]
    sides = [(_messages(columns[name], "assistant"), rank) for name, rank in _SIDES if columns.get(name)]
    if sides:
        sides, shared = _without_shared(sides)
        prompt = prompt or shared
    answers: _Answers = [(answer, 0), *sides, *_replies(columns.get("prompt"))]
    answers += [(_texts(text, "assistant"), 0) for name in _ANSWERS for text in _each(_chosen(columns, name))]
    if not prompt and not any(messages for messages, _ in answers):
        answers = [([each for name in _TEXTS for each in _messages(columns.get(name), "assistant")], 0)]
    return prompt, answers


def _asked(columns: dict[str, Any]) -> list[Message]:
    """Put what is asked together: passages, the question with its input, the choices."""
    contexts = _messages_of(columns, _CONTEXTS, "user")
    parts = [message.content for message in _messages_of(columns, ("instruction",), "user")]
    parts += [message.content for message in _messages_of(columns, ("input",), "user")]
    joined = [Message("user", "\n\n".join(parts))] if len(parts) == 2 else []
    names = [name for name in _PROMPTS if not joined or name not in {"instruction", "input"}]
    asked = [*contexts, *joined, *_messages_of(columns, names, "user")]
    choices = [text for name in _CHOICES for each in _each(columns.get(name)) for text in _strings(each)]
    return [*asked, Message("user", "\n".join(choices))] if choices else asked


def _chosen(columns: dict[str, Any], name: str) -> Any:
    """Give an answer; one that is the number of a choice is that choice."""
    value = columns.get(name)
    choices = [choice for known in _CHOICES for choice in _each(columns.get(known))]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
        return choices[value]
    return value


def _replies(node: Any) -> Iterator[tuple[list[Message], int]]:
    """Give all replies of a message tree, at any depth."""
    for reply in _each(_field(node, "replies")):
        yield _texts(reply, "user" if _field(reply, "role") == "prompter" else "assistant"), 0
        yield from _replies(reply)


def _without_shared(sides: _Answers) -> tuple[_Answers, list[Message]]:
    """Take what all sides begin with for their prompt; many datasets write the whole conversation on either side."""
    first = sides[0][0]
    shared = 0
    while all(len(side) > shared + 1 and side[shared] == first[shared] for side, _ in sides):
        shared += 1
    if len(sides) == 1:
        shared = len(split_at_answer(first)[0])
    return [(side[shared:], rank) for side, rank in sides], first[:shared]


def _messages_of(columns: dict[str, Any], names: Sequence[str], role: str) -> list[Message]:
    return [message for name in names for message in _messages(columns.get(name), role)]


def _messages(value: Any, role: str) -> list[Message]:
    """Read turns, a transcript, or plain texts."""
    items = _each(value)
    if items and all(_field(item, "from") or _field(item, "role") for item in items):
        return read_turns(items, [])
    if isinstance(value, str) and value.lstrip().startswith(("Human:", "Assistant:")):
        try:
            return [message for message in read_transcript(value, []) if not is_blank(message.content)]
        except RecordFaultError:
            pass  # a text like any other
    return _texts(value, role)


def _texts(value: Any, role: str) -> list[Message]:
    inside = _field(value, "messages")
    if isinstance(inside, list):
        return _messages(cast("list[Any]", inside), role)
    return [Message(role, text) for text in _strings(value)]


def _field(value: Any, name: str) -> Any:
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None


def _strings(value: Any) -> Iterator[str]:
    """Give the texts in a value, however they are wrapped."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, str):
        if not is_blank(value):
            yield value
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _strings(item)
    elif isinstance(value, dict):
        inside = cast("dict[str, Any]", value)
        yield from _strings(next((inside[name] for name in _INSIDE if name in inside), None))


def _each(value: Any) -> list[Any]:
    """Give the items of a list one by one; another value is one item, and null is none."""
    return cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]
