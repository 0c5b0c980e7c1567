"""Makes drafts of whole columns of plain texts and conversations, without a Python object for each row.

What is plain, and what comes of it, is what `mapping.RowMaker` makes of the same record without a repair: tests hold
the two against each other. All other records are left to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from dataforge.core.schema import DRAFT
from dataforge.reading.plain_shape import PlainShape
from dataforge.reading.replies import group_of_text
from dataforge.reading.residue import MAY_BE_RESIDUE
from dataforge.reading.roles import CALL, ROLE_OF
from dataforge.reading.turns import INVISIBLE

_TURN_NAMES = (("role", "content"), ("from", "value"))
_ROLES = {name: role for name, role in ROLE_OF.items() if role != CALL}
_DRAFT = [name for name in DRAFT if name not in {"record", "ordinal"}]

_Places = np.ndarray[Any, np.dtype[np.int64]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]


def holds(shape: PlainShape, schema: pl.Schema) -> bool:
    """Say whether the columns of a table have the types that are plain."""
    return (
        all(schema[name] == pl.String for name in shape.texts)
        and (shape.messages is None or _turn_names(schema[shape.messages]) is not None)
        and all(schema[name] == pl.String or schema[name].is_integer() for name in shape.words.values())
    )


def drafts_of(frame: pl.DataFrame, shape: PlainShape) -> tuple[_Flags, pl.DataFrame]:
    """Make drafts of the plain records of a table.

    Args:
        frame: The records.
        shape: Which columns hold what; they have the types that `holds` asks for.

    Returns:
        Which records are plain; and the draft of each of these, schema `core.schema.DRAFT` without `record` and
        `ordinal`.
    """
    words = {name: _words(frame[column]) for name, column in shape.words.items()}
    words["license"] = [word and word.lower() for word in words.pop("license_column", [])] or [None] * frame.height
    rows = _said(frame, shape) if shape.messages is None else _turns(frame[shape.messages])
    rows = rows.with_columns(pl.Series(name, values, dtype=pl.String) for name, values in words.items())
    if "system" in words:
        rows = rows.with_columns(_with_system(), _is_told_once().alias("is_plain"))
    is_plain = rows["is_plain"]
    rows = rows if is_plain.all() else rows.filter(is_plain)
    group = [group_of_text(text) for text in rows["question"]] if "group" not in words else _groups(rows)
    rows = rows.with_columns(
        pl.Series("group", group, dtype=pl.String),
        *(pl.lit(None, dtype=pl.String).alias(name) for name in ("tools", "url", "author") if name not in words),
    )
    return is_plain.to_numpy(), rows.select(_DRAFT)


def _words(values: pl.Series) -> list[str | None]:
    """Read words as `fields.Fields.word` does."""
    return [value if value is None else (str(value).strip() or None) for value in values.to_list()]


def _groups(rows: pl.DataFrame) -> list[str]:
    return [group or group_of_text(text) for group, text in rows.select("group", "question").iter_rows()]


def _message(role: pl.Expr, content: pl.Expr) -> pl.Expr:
    absent = (pl.lit(None, dtype=pl.String).alias(name) for name in ("name", "tool_calls", "tool_call_id"))
    return pl.struct(role.alias("role"), content.alias("content"), *absent, pl.lit(None, pl.Boolean).alias("train"))


def _response(messages: pl.Expr, rank: int) -> pl.Expr:
    absent = (pl.lit(None, dtype=pl.String).alias(name) for name in ("author", "url", "license"))
    score = pl.lit(None, dtype=pl.Float64).alias("score")
    return pl.struct(messages.alias("messages"), pl.lit(rank, dtype=pl.Int32).alias("rank"), score, *absent)


def _is_blank(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars(INVISIBLE) == ""


def _said(frame: pl.DataFrame, shape: PlainShape) -> pl.DataFrame:
    """Make prompts and responses of texts: columns `question`, `prompt`, `responses`, `is_plain` and `has_system`."""
    replies = [pl.col(name) for name in shape.replies]
    is_plain = pl.all_horizontal(~_is_blank(pl.col(name)) for name in shape.texts)
    if len(replies) == 2:
        is_plain &= replies[0] != replies[1]
    responses = [
        _response(pl.concat_list(_message(pl.lit("assistant"), reply)), rank) for rank, reply in enumerate(replies)
    ]
    asked = pl.concat_list(_message(pl.lit("user"), pl.col(shape.prompt))) if shape.prompt is not None else None
    return frame.select(
        pl.col(shape.texts[0]).alias("question"),
        (asked if asked is not None else pl.lit([], dtype=DRAFT["prompt"])).alias("prompt"),
        (pl.concat_list(responses) if responses else pl.lit([], dtype=DRAFT["responses"])).alias("responses"),
        is_plain.fill_null(value=False).alias("is_plain"),
        pl.lit(value=False).alias("has_system"),
    )


def _turns(turns: pl.Series) -> pl.DataFrame:
    """Make prompts and responses of conversations: the same columns as `_said`."""
    names = _turn_names(turns.dtype)
    assert names is not None
    role, content = (pl.element().struct.field(name) for name in names)
    known = role.replace_strict(_ROLES, default=None, return_dtype=pl.String)
    rows = turns.alias("turns").to_frame().with_row_index("row")
    rows = rows.with_columns(messages=pl.col("turns").list.eval(_message(known, content)))
    sound = rows.filter(pl.col("turns").list.len() > 1)
    if sound.is_empty():
        return _none_of(rows)
    has_system, is_plain = _in_order(sound["messages"])
    sound = sound.with_columns(is_plain=pl.Series(is_plain), has_system=pl.Series(has_system))
    messages = pl.col("messages").list
    sound = sound.select(
        "row",
        messages.get(pl.col("has_system").cast(pl.Int8)).struct.field("content").alias("question"),
        messages.head(messages.len() - 1).alias("prompt"),
        pl.concat_list(_response(messages.tail(1), 0)).alias("responses"),
        "is_plain",
        "has_system",
    )
    told = rows.select("row").join(sound, on="row", how="left", maintain_order="left").drop("row")
    return told.with_columns(pl.col("is_plain").fill_null(value=False), pl.col("has_system").fill_null(value=False))


def _none_of(rows: pl.DataFrame) -> pl.DataFrame:
    no = pl.lit(value=False)
    return rows.select(
        "row",
        pl.lit("").alias("question"),
        pl.lit([], dtype=DRAFT["prompt"]).alias("prompt"),
        pl.lit([], dtype=DRAFT["responses"]).alias("responses"),
        no.alias("is_plain"),
        no.alias("has_system"),
    ).drop("row")


def _in_order(lists: pl.Series) -> tuple[_Flags, _Flags]:
    """Say of each conversation, of one message or more, whether a system message begins it, and whether it is plain.

    Plain is: questions and answers in turn, an answer at the end, no text blank, and nothing of a web page in answers.
    """
    messages = lists.explode(empty_as_null=False).struct.unnest()
    sizes = lists.list.len().to_numpy().astype(np.int64)
    starts: _Places = np.cumsum(sizes) - sizes
    role = messages["role"].fill_null("").to_numpy()
    has_system: _Flags = role[starts] == "system"
    place = np.arange(len(role)) - np.repeat(starts + has_system, sizes)
    wanted = np.where(place % 2 == 0, "user", "assistant")
    clean = messages.select(
        (~_is_blank(pl.col("content")) & ~((pl.col("role") == "assistant") & MAY_BE_RESIDUE)).fill_null(value=False)
    )
    is_sound = clean.to_series().to_numpy() & ((role == wanted) | ((place < 0) & (role == "system")))
    return has_system, np.logical_and.reduceat(is_sound, starts) & ((sizes - has_system) % 2 == 0)


def _with_system() -> pl.Expr:
    """Put the column's system message, where there is one, before the prompt."""
    system = pl.concat_list(_message(pl.lit("system"), pl.col("system")))
    nothing = pl.col("system").is_null() | _is_blank(pl.col("system"))
    return pl.when(nothing).then(pl.col("prompt")).otherwise(pl.concat_list(system, "prompt")).alias("prompt")


def _is_told_once() -> pl.Expr:
    return pl.col("is_plain") & (pl.col("system").is_null() | ~pl.col("has_system"))


def _turn_names(kind: pl.DataType) -> tuple[str, str] | None:
    """Say how role and content are called in a column of turns; None where it is no such column."""
    inner = kind.inner if isinstance(kind, pl.List) else None
    if not isinstance(inner, pl.Struct) or any(field.dtype != pl.String for field in inner.fields):
        return None
    names = {field.name for field in inner.fields}
    return next((found for found in _TURN_NAMES if names == {*found} and len(inner.fields) == 2), None)
