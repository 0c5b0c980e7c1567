"""Makes prompts and responses of values that are text or lists of turns, and ranks the responses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

from dataforge.core.codes import Code
from dataforge.core.fingerprint import short_id
from dataforge.reading.drafts import Message, RecordFaultError, Response
from dataforge.reading.fields import FIELD_CODES, kind_of
from dataforge.reading.structure import STRUCTURE_CODES, UNWANTED_RESPONSE, in_order
from dataforge.reading.turns import TURN_CODES, is_blank, read_turns

REPLY_CODES: tuple[Code, ...] = (
    *FIELD_CODES,
    *TURN_CODES,
    *STRUCTURE_CODES,
    Code("answered-prompt", "The prompt ends with an answer already."),
    Code("not-a-reply", "A response is not what an assistant says to the prompt: others speak in it."),
    Code("identical-pair", "The responses that are compared are the same."),
    UNWANTED_RESPONSE,
    Code("no-common-prompt", "The two sides of a pair share no beginning that could be their prompt."),
)

# Where a prompt may end in plain text, best first: after a line (and the next speaker's name), after a word.
_LINE_END = re.compile(r"\n+(?:\w{1,20}:[ \t]+)?")
_WORD_END = re.compile(r"\s+")

# Of ASCII: what `str.split` takes for a blank becomes a space, and a capital a small letter.
_ASCII = bytes(range(128))
_FOLDED = b"".join(b" " if chr(code).isspace() else chr(code).lower().encode() for code in _ASCII) + bytes(
    range(128, 256)
)
_SPACES = re.compile(rb"  +")


def prompt_of(value: Any, repairs: list[str], system: str = "") -> list[Message]:
    """Make a prompt of text or of turns.

    Args:
        value: Text, one turn, or a list of turns.
        repairs: Where the codes of what had to be repaired are added.
        system: A system message to put before it; "" for none.

    Returns:
        Messages, the system message first where there is one.

    Raises:
        RecordFaultError: It is blank, no list of turns, or ends with an answer.
    """
    messages = _spoken(value, "user", repairs)
    if messages is None:
        raise RecordFaultError("empty-prompt", "null" if value is None else "")
    if not isinstance(value, str):
        messages = in_order(messages, "merge", repairs)
    if messages[-1].role == "assistant":
        raise RecordFaultError("answered-prompt")
    return with_system(messages, system)


def with_system(messages: list[Message], system: str) -> list[Message]:
    """Put a system message before a prompt that does not have it yet."""
    first = Message("system", system)
    return messages if is_blank(system) or first in messages[:1] else [first, *messages]


def reply_of(value: Any, repairs: list[str], prompt: Sequence[Message] = ()) -> list[Message]:
    """Make a response of text or of turns.

    Turns that repeat the prompt are cut off: many datasets write the whole conversation on either side of a pair.

    Args:
        value: Text, one turn, or a list of turns.
        repairs: Where the codes of what had to be repaired are added.
        prompt: What it answers.

    Returns:
        Messages of the response alone, without the prompt and its system message.

    Raises:
        RecordFaultError: It is blank, or no reply by an assistant.
    """
    messages = _spoken(value, "assistant", repairs)
    if messages is None:
        raise RecordFaultError("empty-response", "null" if value is None else "")
    spoken = _without_system(prompt)
    rest = _without_system(messages)
    if len(rest) > len(spoken) and [_said(message) for message in rest[: len(spoken)]] == list(map(_said, spoken)):
        rest = rest[len(spoken) :]
    return _held_to_be_a_reply(rest)


def split_pair(chosen: Any, rejected: Any, repairs: list[str]) -> tuple[list[Message], list[Message], list[Message]]:
    """Find the prompt that two whole conversations, or two plain texts, share.

    Conversations are compared turn by turn. Plain texts are cut back from where they differ to the end of a line,
    or of a word where there is but one line: never inside a word.

    Args:
        chosen: The better side: text or a list of turns.
        rejected: The other side.
        repairs: Where the codes of what had to be repaired are added.

    Returns:
        The prompt, and the reply of either side.

    Raises:
        RecordFaultError: The sides share no prompt, are the same, or are no replies.
    """
    if isinstance(chosen, str) and isinstance(rejected, str):
        prompt, better, worse = _split_texts(chosen, rejected)
        return [Message("user", prompt)], [Message("assistant", better)], [Message("assistant", worse)]
    sides = [_conversation(side, repairs) for side in (chosen, rejected)]
    end = _common(sides[0], sides[1])
    while end and sides[0][end - 1].role == "assistant":
        end -= 1
    if sides[0] == sides[1]:
        raise RecordFaultError("identical-pair")
    if not any(message.role == "user" for message in sides[0][:end]):
        raise RecordFaultError("no-common-prompt", f"the sides differ from message {end + 1} on")
    return sides[0][:end], _held_to_be_a_reply(sides[0][end:]), _held_to_be_a_reply(sides[1][end:])


def ranked(
    replies: Sequence[list[Message]], keys: Sequence[float], *, are_scores: bool, authors: Sequence[str | None] = ()
) -> list[Response]:
    """Rank responses, best first; equal keys share a rank.

    Args:
        replies: The responses.
        keys: A number for each.
        are_scores: Whether more is better, and the number is kept as the response's score; else less is better.
        authors: Who wrote each; () for nobody.

    Returns:
        Responses with ranks from 0 without gaps; those of one rank stay in the order given.

    Raises:
        RecordFaultError: `identical-pair`, where all responses are the same and are told to be unlike in worth.
    """
    places = {key: rank for rank, key in enumerate(sorted(set(keys), reverse=are_scores))}
    if len(places) > 1 and all(reply == replies[0] for reply in replies):
        raise RecordFaultError("identical-pair")
    responses = [
        Response(reply, places[key], key if are_scores else None, author)
        for reply, key, author in zip(replies, keys, authors or [None] * len(keys), strict=True)
    ]
    return sorted(responses, key=lambda response: response.rank)


def pair(chosen: list[Message], rejected: list[Message]) -> list[Response]:
    """Make the two responses of a pair.

    Args:
        chosen: The better response.
        rejected: The worse one.

    Returns:
        Both, with ranks 0 and 1 and no scores.

    Raises:
        RecordFaultError: `identical-pair`.
    """
    return ranked([chosen, rejected], [0, 1], are_scores=False)


def group_of(prompt: Iterable[Message], responses: Sequence[Response] = ()) -> str:
    """Name the group of a row that has no name of its own: rows that begin with the same question belong together.

    Case and blanks do not tell questions apart, nor does a system message, nor what is said later.
    """
    first = next((message for message in prompt if message.role == "user"), None)
    if first is None and responses:
        first = responses[0].messages[0]
    return group_of_text(first.content if first else "")


def group_of_text(question: str) -> str:
    """Name the group of the rows that begin with a question, as `group_of` does."""
    data = question.encode("utf-8", errors="surrogatepass")
    if not question.isascii():
        rest = data.translate(None, _ASCII).decode("utf-8", errors="surrogatepass")
        if rest.casefold() != rest or rest.split() != [rest]:
            return short_id(" ".join(question.split()).casefold())
    # The same on bytes, for half of the time: for ASCII, and all else that has neither case nor blanks, it is a table.
    folded = data.translate(_FOLDED)
    return short_id((_SPACES.sub(b" ", folded) if b"  " in folded else folded).strip(b" "))


def _spoken(value: Any, role: str, repairs: list[str]) -> list[Message] | None:
    """Read text or turns; None where nothing is said."""
    if value is None:
        return None
    if isinstance(value, str):
        return None if is_blank(value) else [Message(role, value)]
    if not isinstance(value, dict | list):
        raise RecordFaultError("wrong-type", f"{kind_of(value)} where text or turns should be")
    turns: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    return read_turns(turns, repairs) or None


def _conversation(value: Any, repairs: list[str]) -> list[Message]:
    if not isinstance(value, list):
        raise RecordFaultError(
            "wrong-type", f"a side of a pair without a prompt is {kind_of(value)}, not a list of turns"
        )
    return in_order(read_turns(cast("list[Any]", value), repairs), "merge", repairs)


def _without_system(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.role != "system"]


def _said(message: Message) -> tuple[str, str]:
    return message.role, message.content.strip()


def _held_to_be_a_reply(messages: list[Message]) -> list[Message]:
    if not messages:
        raise RecordFaultError("empty-response", "nothing after the prompt")
    roles = [message.role for message in messages]
    if roles[0] != "assistant" or roles[-1] != "assistant" or not {*roles} <= {"assistant", "tool"}:
        raise RecordFaultError("not-a-reply", " ".join(roles[:10]))
    return messages


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


def _split_texts(chosen: str, rejected: str) -> tuple[str, str, str]:
    if chosen == rejected:
        raise RecordFaultError("identical-pair")
    common = chosen[: _common(chosen, rejected)]
    for boundary in (_LINE_END, _WORD_END):
        for match in reversed(list(boundary.finditer(common))):
            parts = (common[: match.end()].strip(), chosen[match.end() :].strip(), rejected[match.end() :].strip())
            if not any(is_blank(part) for part in parts):
                return parts
    raise RecordFaultError("no-common-prompt", f"{len(common):,} characters are the same")
