"""Puts the messages of a conversation in order: who may begin, who must end, and who speaks twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from dataforge.core.codes import Code
from dataforge.reading.drafts import Message, RecordFaultError

SameRole = Literal["merge", "reject"]

# Kept as a response, it would be learnt: a row with one response says "answer like this".
UNWANTED_RESPONSE = Code(
    "unwanted-response",
    "The one response is marked as bad, and there is no better one to compare it with.",
    repair="The prompt alone becomes a row: what is bad is not to be learned.",
    is_fault=False,
)

STRUCTURE_CODES: tuple[Code, ...] = (
    Code("empty-conversation", "The conversation has no messages, or none with a text."),
    Code("no-question", "The conversation has no message by the user."),
    Code("no-answer", "The conversation has no answer to learn from."),
    Code(
        "starts-with-assistant",
        "The conversation starts with an answer to nothing, as later pieces of a split one do.",
        repair="The answers before the first question are left out.",
    ),
    Code(
        "ends-with-user", "The last message has no answer.", repair="The messages after the last answer are left out."
    ),
    Code(
        "same-role",
        "The same speaker has two messages in a row.",
        repair="They become one message, with a blank line between; `same_role` can forbid it.",
    ),
    Code(
        "late-system",
        "A system message stands in the middle.",
        repair="It becomes a part of the user's message next to it.",
    ),
)

_PIECE = re.compile(r"(.+)_\d+")
_PLAIN_WORD = re.compile(r"[A-Za-z][a-z]{3,}")


def in_order(messages: list[Message], same_role: SameRole, repairs: list[str]) -> list[Message]:
    """Give the messages from the first question on, system messages before it kept, no speaker twice in a row.

    Args:
        messages: The messages of one conversation.
        same_role: What to do with two messages of one speaker in a row.
        repairs: Where the codes of what had to be repaired are added.

    Returns:
        The messages in order; the last may still be a question.

    Raises:
        RecordFaultError: There is no question, or a speaker has two messages in a row and none may be merged.
    """
    first = next((place for place, message in enumerate(messages) if message.role == "user"), None)
    if first is None:
        code = "no-question" if messages else "empty-conversation"
        raise RecordFaultError(code, _roles(messages))
    head = [message for message in messages[:first] if message.role == "system"]
    if len(head) < first:
        repairs.append("starts-with-assistant")
    rest = messages[first:]
    if any(message.role == "system" for message in rest):
        repairs.append("late-system")
        rest = [Message("user", message.content) if message.role == "system" else message for message in rest]
    return _merged([*head, *rest] if head else rest, same_role, repairs)


def without_open_end(messages: list[Message], repairs: list[str]) -> list[Message]:
    """Leave out what follows the last answer; no messages come back where there is no answer."""
    end = len(messages)
    while end and messages[end - 1].role != "assistant":
        end -= 1
    if 0 < end < len(messages):
        repairs.append("ends-with-user")
    return messages[:end]


def split_at_answer(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """Divide a conversation into its prompt, up to the last user or tool message, and the answer to it."""
    end = len(messages)
    while end and messages[end - 1].role == "assistant":
        end -= 1
    return messages[:end], messages[end:]


def base_id(name: str) -> str:
    """Give the name that the pieces of one split conversation share: `QWJhYvA_0` and `QWJhYvA_6` are `QWJhYvA`."""
    match = _PIECE.fullmatch(name)
    # A plain word before the number counts records (`identity_0`): as one group they would share one split.
    return match[1] if match and not _PLAIN_WORD.fullmatch(match[1]) else name


def _merged(messages: list[Message], same_role: SameRole, repairs: list[str]) -> list[Message]:
    roles = [message.role for message in messages]
    if all(role != after or role == "tool" for role, after in pairwise(roles)):
        return messages
    out: list[Message] = []
    for message in messages:
        # Tools may answer one after the other, and an assistant may speak and call, or call twice, in one turn.
        if not out or out[-1].role != message.role or message.role == "tool":
            out.append(message)
            continue
        if not message.tool_calls:
            if same_role == "reject":
                raise RecordFaultError("same-role", f"{message.role} after {message.role}")
            repairs.append("same-role")
        out[-1] = _joined(out[-1], message)
    return out


def _joined(one: Message, other: Message) -> Message:
    contents = [message.content for message in (one, other) if message.content]
    calls = [message.tool_calls[1:-1] for message in (one, other) if message.tool_calls]
    return one._replace(
        content="\n\n".join(contents),
        tool_calls=f"[{','.join(calls)}]" if calls else None,
        train=False if one.train is False and other.train is False else None,
    )


def _roles(messages: Sequence[Message]) -> str:
    return " ".join(message.role for message in messages[:10])
