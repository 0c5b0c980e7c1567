"""The same rows in the shapes that trainers read as they are: TRL's types, and OpenAI chat JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import polars as pl

from dataforge.core.schema import kind_of_row

_MESSAGE = pl.element().struct


def sft_view(frame: pl.DataFrame) -> pl.DataFrame:
    """Prompt and completion of the rows that have a response and nothing to prefer it to."""
    rows = frame.filter(kind_of_row() == "sft")
    return rows.select(
        _messages(pl.col("prompt"), "prompt"),
        _messages(_response(0), "completion"),
        "tools",
    )


def preference_view(frame: pl.DataFrame) -> pl.DataFrame:
    """Prompt, chosen and rejected: the best response against each one that ranks below it."""
    rows = frame.filter(kind_of_row() == "preference").with_columns(chosen=_response(0))
    best = pl.col("responses").list.first().struct.field("rank")
    pairs = (
        rows.with_columns(best=best)
        .explode("responses")
        .filter(pl.col("responses").struct.field("rank") > pl.col("best"))
    )
    return pairs.select(
        _messages(pl.col("prompt"), "prompt"),
        _messages(pl.col("chosen"), "chosen"),
        _messages(pl.col("responses").struct.field("messages"), "rejected"),
        "tools",
    )


def prompt_view(frame: pl.DataFrame) -> pl.DataFrame:
    """The prompts of the rows that have no response; those of all others stand in their own views."""
    rows = frame.filter(kind_of_row() == "prompt")
    return rows.select(_messages(pl.col("prompt"), "prompt"), "tools")


def openai_view(frame: pl.DataFrame) -> pl.DataFrame:
    """Whole conversations of the sft rows: prompt and response in one list."""
    rows = frame.filter(kind_of_row() == "sft")
    whole = pl.concat_list("prompt", _response(0))
    return rows.select(_messages(whole, "messages"), "tools")


# Fields of a view that hold JSON: as structs, rows would gain keys that others have.
JSON_FIELDS = frozenset({"tool_calls", "tools"})

VIEWS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "sft": sft_view,
    "preference": preference_view,
    "prompt": prompt_view,
    "openai": openai_view,
}


def _response(place: int) -> pl.Expr:
    return pl.col("responses").list.get(place, null_on_oob=True).struct.field("messages")


def _messages(messages: pl.Expr, name: str) -> pl.Expr:
    fields = ["role", "content", "name", "tool_calls", "tool_call_id"]
    return messages.list.eval(pl.struct(*[_MESSAGE.field(field) for field in fields])).alias(name)


def without_unused_fields(view: pl.DataFrame, used: set[str]) -> pl.DataFrame:
    """Keep of each message the role, the content, and those fields that some row of the dataset uses."""
    fields = ["role", "content", *sorted(used & {"name", "tool_calls", "tool_call_id"})]
    lists = [column for column in view.columns if column != "tools"]
    narrow = [pl.col(column).list.eval(pl.struct(*[_MESSAGE.field(field) for field in fields])) for column in lists]
    view = view.with_columns(narrow)
    return view if "tools" in used else view.drop("tools")


def used_fields(frame: pl.DataFrame) -> set[str]:
    """Say which optional fields of messages and rows are used at all."""
    messages = pl.concat(
        [frame.select(m=pl.col("prompt").list.explode(empty_as_null=False))["m"], _all_responses(frame)]
    )
    used = {name for name in ("name", "tool_calls", "tool_call_id") if messages.struct.field(name).is_not_null().any()}
    return used | ({"tools"} if frame["tools"].is_not_null().any() else set())


def _all_responses(frame: pl.DataFrame) -> pl.Series:
    responses = frame.select(r=pl.col("responses").list.explode(empty_as_null=False))["r"]
    return responses.struct.field("messages").list.explode(empty_as_null=False)


def openai_lines(view: pl.DataFrame) -> bytes:
    """Write chat JSON lines; tool calls become the objects they are, and absent fields stay absent."""
    import orjson

    lines: list[bytes] = []
    for row in view.iter_rows(named=True):
        line: dict[str, object] = {"messages": _plain_messages(row["messages"])}
        if row.get("tools"):
            line["tools"] = orjson.loads(row["tools"])
        lines.append(orjson.dumps(line) + b"\n")
    return b"".join(lines)


def _plain_messages(messages: list[dict[str, str | None]]) -> list[dict[str, object]]:
    import orjson

    plain: list[dict[str, object]] = []
    for message in messages:
        if len(message) == 2:
            plain.append(cast("dict[str, object]", message))
            continue
        fields: dict[str, object] = {name: value for name, value in message.items() if value is not None}
        calls = message.get("tool_calls")
        plain.append(fields | ({"tool_calls": orjson.loads(calls)} if calls else {}))
    return plain
