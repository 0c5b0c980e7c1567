"""How long the messages of a row are together, in characters, words or tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import polars as pl

from dataforge.text.tokens import token_counter
from dataforge.text.words import count_words

Unit = Literal["characters", "words", "tokens"]


def lengths(messages: pl.Series, unit: Unit, tokenizer: str) -> pl.Series:
    """Measure the messages of each row together.

    Args:
        messages: One list of strings a row.
        unit: What to count. What stands between messages (separators, roles, templates) counts for nothing.
        tokenizer: Whose tokens, where tokens are counted.

    Returns:
        One number a row; null where the list is empty.
    """
    count = pl.element().map_batches(_counter(unit, tokenizer), return_dtype=pl.UInt32, is_elementwise=True)
    said = pl.col("said")
    total = pl.when(said.list.len() > 0).then(said.list.eval(count).list.sum())
    return messages.to_frame("said").select(length=total.cast(pl.UInt32))["length"]


def _counter(unit: Unit, tokenizer: str) -> Callable[[pl.Series], pl.Series]:
    if unit == "characters":
        return lambda texts: texts.str.len_chars()
    if unit == "words":
        return count_words
    tokens = token_counter(tokenizer)
    return lambda texts: pl.Series([tokens(text) for text in texts], dtype=pl.UInt32)
