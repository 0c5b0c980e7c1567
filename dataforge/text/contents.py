"""Changes the contents of all messages of a frame, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl


def rewrite_contents(frame: pl.DataFrame, change: Callable[[pl.Series], pl.Series]) -> pl.DataFrame:
    """Change what the messages of prompts and responses say; roles, names and calls stay as they are.

    Args:
        frame: Rows, schema `core.schema.ROW`.
        change: Is shown the contents of many messages, one string (or null) each, and gives as many back.

    Returns:
        The same rows in the same order.
    """
    changed = pl.element().struct.field("content").map_batches(change, return_dtype=pl.String, is_elementwise=True)
    said = pl.element().struct.with_fields(content=changed)
    answered = pl.element().struct.with_fields(messages=pl.element().struct.field("messages").list.eval(said))
    return frame.with_columns(pl.col("prompt").list.eval(said), pl.col("responses").list.eval(answered))
