"""Keys of rows that say the same: 16 bytes that are equal where the selected messages are."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from dataforge.text.contents import rewrite_contents
from dataforge.text.select import each_message

_KEY_BYTES = 16


def digests(frame: pl.DataFrame, selector: str, *, ignore_case: bool, ignore_whitespace: bool) -> pl.Series:
    """Give each row a key that depends on its selected messages alone.

    Two rows have one key where the same roles say the same with the same names and calls, in the same order. With
    `row`, the tools on offer and the ranks of the responses must be the same too: a pair whose labels are swapped
    is not a copy.

    Args:
        frame: Rows, schema `core.schema.ROW`.
        selector: Which messages.
        ignore_case: Whether capitals and small letters are the same.
        ignore_whitespace: Whether all runs of spaces and line breaks are the same, and none counts at the ends.

    Returns:
        One key a row; null where nothing is selected, or nothing but blank messages.
    """
    plain = rewrite_contents(
        frame, lambda texts: _plain(texts, ignore_case=ignore_case, ignore_whitespace=ignore_whitespace)
    )
    message = pl.element().struct
    parts = [_with_length(message.field(name).fill_null("")) for name in ("content", "name", "tool_calls")]
    text = each_message(plain, selector, pl.concat_str(message.field("role"), *parts)).list.join("")
    if selector == "row":
        text = text + frame.select(_answers_and_tools())["shape"]
    keys = [blake2b(each.encode(), digest_size=_KEY_BYTES).digest() for each in text]
    return pl.select(pl.when(_says_something(frame, selector)).then(pl.Series("key", keys, dtype=pl.Binary)))["key"]


def _plain(texts: pl.Series, *, ignore_case: bool, ignore_whitespace: bool) -> pl.Series:
    if ignore_whitespace:
        # Not `\s+`: leaving single spaces where they are is four times as fast.
        texts = texts.str.replace_all(r" \s+|[^\S ]\s*", " ").str.strip_chars()
    return texts.str.to_lowercase() if ignore_case else texts


def _with_length(part: pl.Expr) -> pl.Expr:
    """Write the length before the text, so that no text can look like the border between two."""
    return pl.concat_str(pl.lit("|"), part.str.len_bytes().cast(pl.String), pl.lit("|"), part)


def _answers_and_tools() -> pl.Expr:
    response, rank = pl.element().struct, pl.element().struct.field("rank")
    shape = pl.concat_str(rank.cast(pl.String), response.field("messages").list.len().cast(pl.String), separator="x")
    ranked = pl.col("responses").list.eval(shape.sort_by(rank, maintain_order=True)).list.join(",")
    return pl.concat_str(pl.lit("#"), ranked, pl.lit("#"), pl.col("tools").fill_null("")).alias("shape")


def _says_something(frame: pl.DataFrame, selector: str) -> pl.Series:
    message = pl.element().struct
    said = message.field("content").fill_null("").str.strip_chars()
    return each_message(frame, selector, said + message.field("tool_calls").fill_null("")).list.join("") != ""
