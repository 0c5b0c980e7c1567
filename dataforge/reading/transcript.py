r"""Splits a transcript (`\n\nHuman: …\n\nAssistant: …`) into turns, and tells turns from quotations of turns."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from dataforge.core.codes import Code
from dataforge.reading.drafts import Message, RecordFaultError

TRANSCRIPT_CODES: tuple[Code, ...] = (
    Code("no-turns", "The text does not begin with 'Human:' or 'Assistant:'."),
    Code("no-question", "The transcript has no turn by the human."),
    Code("empty-turn", "A turn before the last has no text."),
    Code(
        "quoted-marker",
        "A human turn quotes 'Human:' or 'Assistant:', so that it looks like several turns.",
        repair="The quotation goes back into the human turn; the last of the answers in a row is the reply.",
    ),
    Code(
        "same-role",
        "The same speaker has two turns in a row.",
        repair="They become one turn, with a blank line between.",
    ),
    Code(
        "starts-with-assistant",
        "The transcript starts with an answer to nothing.",
        repair="The turns before the first question are left out.",
    ),
)

_ROLES = {"Human": "user", "Assistant": "assistant"}
_MARKER = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
_QUOTES: Final = '"\u201c\u201d'

# The name of the speaker, and what is said.
_Turn = tuple[str, str]


def read_transcript(text: str, repairs: list[str]) -> list[Message]:
    """Split a transcript into messages that alternate and begin with the user; the last may be empty.

    Args:
        text: The transcript.
        repairs: Where the codes of what had to be repaired are added.

    Returns:
        The turns as messages, blanks around them left out.

    Raises:
        RecordFaultError: There are no turns in it, or one before the last is empty.
    """
    pieces = _MARKER.split(text)
    if len(pieces) < 3 or pieces[0].strip():
        raise RecordFaultError("no-turns", f"begins with {text[:40]!r}")
    turns = _without_quotations(list(zip(pieces[1::2], pieces[2::2], strict=True)), repairs)
    turns = _merged(turns, repairs)
    first = next((place for place, (name, _) in enumerate(turns) if name == "Human"), None)
    if first is None:
        raise RecordFaultError("no-question")
    if first > 0:
        repairs.append("starts-with-assistant")
    messages = [Message(_ROLES[name], said.strip()) for name, said in turns[first:]]
    for number, message in enumerate(messages[:-1], 1):
        if not message.content:
            raise RecordFaultError("empty-turn", f"turn {number} of {len(messages)}, by the {message.role}")
    return messages


def _without_quotations(turns: list[_Turn], repairs: list[str]) -> list[_Turn]:
    """Put quoted turns back: only where turns do not alternate and the human had just begun to quote."""
    if all(one[0] != other[0] for one, other in pairwise(turns)):
        return turns
    out: list[_Turn] = []
    place = 0
    while place < len(turns):
        end = _end_of_round(turns, place)
        span = turns[place:end]
        if len(span) > 2 and span[-1][0] == "Assistant" and _begins_to_quote(span):
            said = span[0][1] + "".join(f"\n\n{name}:{text}" for name, text in span[1:-1])
            span = [("Human", said), span[-1]]
            repairs.append("quoted-marker")
        out += span
        place = end
    return out


def _end_of_round(turns: list[_Turn], place: int) -> int:
    """Find the end of human turns in a row and the answers in a row that follow them."""
    for name in ("Human", "Assistant"):
        while place < len(turns) and turns[place][0] == name:
            place += 1
    return place


def _begins_to_quote(span: list[_Turn]) -> bool:
    (name, said), (next_name, _) = span[0], span[1]
    if name != "Human":
        return False
    is_open = sum(said.count(quote) for quote in _QUOTES) % 2 == 1
    return is_open or (next_name == "Human" and said.rstrip().endswith(":"))


def _merged(turns: list[_Turn], repairs: list[str]) -> list[_Turn]:
    out: list[_Turn] = []
    for name, said in turns:
        if out and out[-1][0] == name:
            repairs.append("same-role")
            parts = [part for part in (out[-1][1].strip(), said.strip()) if part]
            out[-1] = (name, "\n\n".join(parts))
        else:
            out.append((name, said))
    return out
