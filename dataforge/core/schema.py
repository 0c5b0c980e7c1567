# pyright: basic
"""The row: one shape for three trainers, in polars and in Arrow."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
import pyarrow as pa

SCHEMA_VERSION = 1

ROLES = ("system", "user", "assistant", "tool")
SPLITS = ("train", "validation", "test")

Kind = Literal["sft", "preference", "prompt"]
KINDS: tuple[Kind, ...] = ("sft", "preference", "prompt")

# tool_calls and tools are JSON text: as structs, two rows with different arguments would be
# merged into one shape and come back with keys they never had (docs/decisions/0003).
MESSAGE_ARROW = pa.struct(
    [
        pa.field("role", pa.string()),
        pa.field("content", pa.string()),
        pa.field("name", pa.string()),
        pa.field("tool_calls", pa.string()),
        pa.field("tool_call_id", pa.string()),
        pa.field("train", pa.bool_()),
    ]
)

RESPONSE_ARROW = pa.struct(
    [
        pa.field("messages", pa.list_(MESSAGE_ARROW)),
        pa.field("rank", pa.int32()),
        pa.field("score", pa.float64()),
        pa.field("author", pa.string()),
        pa.field("url", pa.string()),
        pa.field("license", pa.string()),
    ]
)

ORIGIN_ARROW = pa.struct(
    [
        pa.field("corpus", pa.string()),
        pa.field("path", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("byte", pa.int64()),
        pa.field("url", pa.string()),
        pa.field("author", pa.string()),
    ]
)

ROW_ARROW = pa.schema(
    [
        pa.field("row_id", pa.string()),
        pa.field("group_id", pa.string()),
        pa.field("parent_id", pa.string()),
        pa.field("prompt", pa.list_(MESSAGE_ARROW)),
        pa.field("responses", pa.list_(RESPONSE_ARROW)),
        pa.field("tools", pa.string()),
        pa.field("origin", ORIGIN_ARROW),
        pa.field("license", pa.string()),
        pa.field("split", pa.string()),
    ]
)

# What a source hands out: rows that have no identity yet. `record` is the place of the first of
# the row's records in the batch's record table, `ordinal` counts the rows of that record.
DRAFT_ARROW = pa.schema(
    [
        pa.field("record", pa.uint32()),
        pa.field("ordinal", pa.uint32()),
        pa.field("group", pa.string()),
        pa.field("prompt", pa.list_(MESSAGE_ARROW)),
        pa.field("responses", pa.list_(RESPONSE_ARROW)),
        pa.field("tools", pa.string()),
        pa.field("url", pa.string()),
        pa.field("author", pa.string()),
        pa.field("license", pa.string()),
    ]
)

# What became of each raw record. `digest` is SHA-256 of its bytes; `rows` are places in the batch's drafts.
RECORD_ARROW = pa.schema(
    [
        pa.field("digest", pa.binary()),
        pa.field("line", pa.int64()),
        pa.field("byte", pa.int64()),
        pa.field("n_bytes", pa.int64()),
        pa.field("fate", pa.string()),
        pa.field("code", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("excerpt", pa.string()),
        pa.field("repairs", pa.list_(pa.string())),
        pa.field("rows", pa.list_(pa.uint32())),
    ]
)

FATES = ("used", "merged", "rejected")

# What a filter lets go: `index` is the place of the row in the frame it was shown.
DROPS: dict[str, Any] = {
    "index": pl.UInt32,
    "reason": pl.String,
    "value": pl.Float64,
    "threshold": pl.Float64,
    "detail": pl.String,
    "because_of": pl.String,
}


def polars_schema(schema: pa.Schema) -> pl.Schema:
    """Give the polars types of an Arrow schema."""
    return pl.Schema(schema)


ROW = polars_schema(ROW_ARROW)
DRAFT = polars_schema(DRAFT_ARROW)
RECORD = polars_schema(RECORD_ARROW)


def kind_of_row() -> pl.Expr:
    """Say of each row what it can train: preference, sft or prompt.

    A preference row has two responses of different rank; an sft row has a response; a prompt row has none.
    """
    ranks = pl.col("responses").list.eval(pl.element().struct.field("rank"))
    differs = ranks.list.max() > ranks.list.min()
    return (
        pl.when(differs.fill_null(value=False))
        .then(pl.lit("preference"))
        .when(pl.col("responses").list.len() > 0)
        .then(pl.lit("sft"))
        .otherwise(pl.lit("prompt"))
        .alias("kind")
    )


def no_drops() -> pl.DataFrame:
    """An empty table of drops."""
    return pl.DataFrame(schema=DROPS)
