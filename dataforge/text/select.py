"""Which messages of a row are meant: the selectors of recipes (`on = "user[-1]"`), answered column by column."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

import polars as pl
from pydantic import AfterValidator, WithJsonSchema

from dataforge.core.registry import nearest
from dataforge.core.schema import ROLES

# All selectors and what they mean; the catalogue of recipe keys shows this table. Each but `last` takes a place.
SELECTORS: dict[str, str] = {
    "user": "the user messages of the conversation",
    "assistant": "the assistant messages of the conversation",
    "system": "the system messages of the conversation",
    "tool": "the tool messages of the conversation",
    "prompt": "all messages of the prompt",
    "response": "the best response",
    "chosen": "the responses of rank 0",
    "rejected": "the responses of any rank above 0",
    "responses": "all responses, the best first",
    "conversation": "the prompt and the best response",
    "row": "the prompt and all responses, the best first",
    "last": "the last message of the conversation",
}

_PATTERN = rf"^(last|({'|'.join(name for name in SELECTORS if name != 'last')})(\[-?[0-9]+\])?)$"
_FORM = re.compile(r"([a-z]+)(?:\[(-?[0-9]+)\])?")


class Selection(NamedTuple):
    """A selector taken apart: its name, and the place of the one message that is meant, if it is one."""

    name: str
    place: int | None


def parse(selector: str) -> Selection:
    """Take a selector apart.

    Args:
        selector: A name of `SELECTORS`, or one with a place: `user[0]` is the first user message,
            `assistant[-1]` the last assistant message.

    Returns:
        Its parts.

    Raises:
        ValueError: It is not a selector; the message lists the forms and the nearest name.
    """
    if selector == "last":
        return Selection("conversation", -1)
    match = _FORM.fullmatch(selector)
    if match and match[1] in SELECTORS and match[1] != "last":
        return Selection(match[1], None if match[2] is None else int(match[2]))
    meant = nearest(re.split(r"[^a-z]", selector.lower())[0], SELECTORS)
    hint = f"; did you mean '{meant}'?" if meant else ""
    msg = f"'{selector}' selects no messages: write one of {', '.join(SELECTORS)}, or a place such as user[0]{hint}"
    raise ValueError(msg)


def _checked(selector: str) -> str:
    parse(selector)
    return selector


# The type of a plugin's field that names messages.
Selector = Annotated[str, AfterValidator(_checked), WithJsonSchema({"type": "string", "pattern": _PATTERN})]


def texts(frame: pl.DataFrame, selector: str) -> pl.Series:
    """Give the contents of the messages that are meant.

    Args:
        frame: Rows, schema `core.schema.ROW`.
        selector: Which messages.

    Returns:
        One list of strings a row; empty where the row has no such message.
    """
    return each_message(frame, selector, pl.element().struct.field("content").fill_null(""))


def joined(frame: pl.DataFrame, selector: str, separator: str = "\n\n") -> pl.Series:
    """Give the contents of the messages that are meant as one string a row.

    Args:
        frame: Rows, schema `core.schema.ROW`.
        selector: Which messages.
        separator: What to put between two messages.

    Returns:
        One string a row; the empty string where the row has no such message.
    """
    return texts(frame, selector).list.join(separator)


def each_message(frame: pl.DataFrame, selector: str, write: pl.Expr) -> pl.Series:
    """Write each message that is meant by an expression.

    Args:
        frame: Rows, schema `core.schema.ROW`.
        selector: Which messages.
        write: A string made from `pl.element()`, the struct of one message; it may not be null.

    Returns:
        One list of strings a row; empty where the row has no such message.
    """
    name, place = parse(selector)
    columns = [_written(part, write, name if name in ROLES else None) for part in _parts(name)]
    lists = columns[0] if len(columns) == 1 else pl.concat_list(columns)
    if place is not None:
        lists = lists.list.slice(place, 1)
    return frame.select(texts=lists)["texts"]


def _parts(name: str) -> list[pl.Expr]:
    """Give the lists of messages that a selector reads one after the other."""
    element, rank = pl.element(), pl.element().struct.field("rank")
    ranked = element.sort_by(rank, maintain_order=True)
    response = {
        "response": ranked.head(1),
        "chosen": element.filter(rank == 0),
        "rejected": element.filter(rank > 0).sort_by(rank.filter(rank > 0), maintain_order=True),
        "responses": ranked,
    }
    if name == "prompt":
        return [pl.col("prompt")]
    if name in response:
        return [_messages_of(response[name])]
    return [pl.col("prompt"), _messages_of(response["responses" if name == "row" else "response"])]


def _messages_of(responses: pl.Expr) -> pl.Expr:
    return pl.col("responses").list.eval(responses.struct.field("messages").explode(empty_as_null=False))


def _written(messages: pl.Expr, write: pl.Expr, role: str | None) -> pl.Expr:
    if role is not None:
        messages = messages.list.eval(pl.element().filter(pl.element().struct.field("role") == role))
    return messages.list.eval(write).fill_null([])
