"""Finds where texts repeat reference texts word by word: exact n-grams by hash, confirmed letter by letter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from dataforge.text.overlap_index import PLACES
from dataforge.text.overlap_known import KnownHashes, distinct
from dataforge.text.overlap_words import Array, Grams, Words, grams_of, letters_of, whole_texts, words_of

SPANS: dict[str, Any] = {
    "text": pl.UInt32,
    "line": pl.UInt32,
    "place": pl.UInt32,
    "words": pl.UInt32,
    "shown": pl.String,
}

SHOWN_CHARACTERS = 160


def spans_of(texts: pl.Series, references: pl.Series, index: pl.DataFrame) -> pl.DataFrame:
    """Find all spans of texts that are in references too.

    Args:
        texts: Strings as `overlap_words.comparable` gives them.
        references: The texts that the index was made of, in the order of its lines.
        index: What `overlap_index.index_of` made; `line` counts its lines from 0.

    Returns:
        Schema `SPANS`, in order: the number of the text, the line of the reference, the word of the
        reference that the span begins with, its length in words, and its beginning as it stands in the text.
    """
    every = index.select("line", "size", "words", hash="hashes", place="places")
    every = every.explode("hash", "place", empty_as_null=False)
    touched, hashes = _touched(texts, [_table(grams) for grams in every.partition_by("size")])
    if not len(touched):
        return pl.DataFrame(schema=SPANS)
    near = every[KnownHashes(hashes).where(every["hash"].to_numpy())]
    near_by_size = [(_table(grams), grams) for grams in near.partition_by("size")]
    originals = _Originals(references, near["line"].unique())
    found = [SPANS_OF_NOTHING]
    some = texts.gather(touched)
    for words in words_of(some):
        spans = _spans(words, some, near_by_size, originals)
        found.append(spans.with_columns(text=pl.Series(touched).gather(spans["text"]).cast(pl.UInt32)))
    return pl.concat(found).sort("text", "line", "place", "words")


def covered_words(spans: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Say how much of each reference is found, and show the longest span.

    Args:
        spans: Schema `SPANS`, and columns to group by.
        by: The columns to group by, `line` among them.

    Returns:
        A line for each group, in order: those columns, `covered` (words of the reference that are in some span),
        `words` (those of the longest span) and `shown` (its beginning).
    """
    end = pl.col("place") + pl.col("words")
    before = end.cum_max().shift(1, fill_value=0).over(by)
    fresh = end.cast(pl.Int64) - pl.max_horizontal(pl.col("place"), before).cast(pl.Int64)
    longest = pl.col("words").arg_max()
    return (
        spans.sort(*by, "place", "words")
        .with_columns(fresh=fresh.clip(lower_bound=0))
        .group_by(by, maintain_order=True)
        .agg(
            covered=pl.col("fresh").sum().cast(pl.UInt32),
            words=pl.col("words").get(longest),
            shown=pl.col("shown").get(longest),
        )
    )


SPANS_OF_NOTHING = pl.DataFrame(schema=SPANS)


class _Table(NamedTuple):
    """The n-grams of the index of one size; whole texts have size 0, and fewer words than `below`."""

    size: int
    below: int
    known: KnownHashes

    def find(self, words: Words) -> Grams:
        """Give the n-grams of texts that are in the index."""
        grams = grams_of(words, self.size) if self.size else whole_texts(words, self.below)
        which = self.known.where(grams.hashes)
        return Grams(grams.hashes[which], grams.first[which])


def _table(grams: pl.DataFrame) -> _Table:
    """Take up n-grams of one size."""
    return _Table(
        grams["size"][0], int(grams["words"].to_numpy().max(initial=0)) + 1, KnownHashes(grams["hash"].to_numpy())
    )


def _touched(texts: pl.Series, tables: list[_Table]) -> tuple[Array, Array]:
    """Find the texts that hold an n-gram of the index, and these n-grams."""
    touched, found = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for words in words_of(texts) if tables else ():
        for table in tables:
            grams = table.find(words)
            touched.append(words.text[grams.first])
            found.append(grams.hashes)
    return distinct(np.concatenate(touched)), distinct(np.concatenate(found))


class _Originals:
    """The words of the references that may be in some text, for a comparison letter by letter.

    Args:
        references: All reference texts.
        lines: Which of them are wanted.
    """

    def __init__(self, references: pl.Series, lines: pl.Series) -> None:
        self._of: dict[int, tuple[Array, Array, int]] = {}
        for words in words_of(references.gather(lines)):
            letters, ends = letters_of(words)
            begins = np.flatnonzero(np.diff(words.text, prepend=-1))
            for begin in begins.tolist():
                self._of[int(lines[int(words.text[begin])])] = (letters, ends, begin)

    def letters(self, line: int, place: int, count: int) -> tuple[Array, Array]:
        """Give the letters of some words of a reference, and where each word ends."""
        letters, ends, begin = self._of[line]
        return _slice(letters, ends, begin + place, count)


def _slice(letters: Array, ends: Array, first: int, count: int) -> tuple[Array, Array]:
    start = int(ends[first - 1]) if first else 0
    return letters[start : int(ends[first + count - 1])], ends[first : first + count] - start


_Near = list[tuple[_Table, pl.DataFrame]]


def _spans(words: Words, texts: pl.Series, near: _Near, originals: _Originals) -> pl.DataFrame:
    """Find the spans of one object of words."""
    letters, ends = letters_of(words)
    kept: dict[str, list[Any]] = {name: [] for name in SPANS}
    for first, line, place, count in _runs(words, near):
        there, here = originals.letters(line, place, count), _slice(letters, ends, first, count)
        if np.array_equal(here[1], there[1]) and np.array_equal(here[0], there[0]):
            text = int(words.text[first])
            start = words.starts[text]
            begin, end = int(words.begin[first]) - start, int(words.end[first + count - 1]) - start
            for name, value in zip(SPANS, (text, line, place, count, _shown(texts, text, begin, end)), strict=True):
                kept[name].append(value)
    return pl.DataFrame(kept, schema=SPANS)


def _runs(words: Words, near: _Near) -> Iterator[tuple[int, int, int, int]]:
    """Join n-grams that follow, overlap or touch on both sides: first word, line, place in it, length in words."""
    pairs = _pairs(words, near)
    if pairs.is_empty():
        return
    # On one diagonal both sides advance together; as each text's words stand together, it belongs to one text.
    pairs = pairs.with_columns(diagonal=pl.col("first") - pl.col("place")).sort("line", "diagonal", "place")
    text = words.text[pairs["first"].to_numpy()]
    line, diagonal, place = (pairs[name].to_numpy() for name in ("line", "diagonal", "place"))
    size = pairs["length"].to_numpy()
    is_new = np.ones(len(place), np.bool_)
    is_new[1:] = (np.diff(text) != 0) | (np.diff(line) != 0) | (np.diff(diagonal) != 0) | (np.diff(place) > size[:-1])
    begins = np.flatnonzero(is_new)
    lasts = np.append(begins[1:], len(place)) - 1
    counts = place[lasts] + size[lasts] - place[begins]
    first = pairs["first"].to_numpy()[begins]
    yield from zip(first.tolist(), line[begins].tolist(), place[begins].tolist(), counts.tolist(), strict=True)


def _pairs(words: Words, near: _Near) -> pl.DataFrame:
    """Join the n-grams of texts with those of references."""
    pairs: list[pl.DataFrame] = []
    for table, theirs in near:
        grams = table.find(words)
        ours = pl.DataFrame({"first": grams.first, "text": words.text[grams.first], "hash": grams.hashes})
        # A text that says one thing a million times is found by the first few places.
        ours = ours.filter(pl.int_range(pl.len()).over("text", "hash") < PLACES)
        both = ours.join(theirs, on="hash", maintain_order="left")
        pairs.append(
            both.select(
                pl.col("first").cast(pl.Int64),
                pl.col("line").cast(pl.Int64),
                pl.col("place").cast(pl.Int64),
                length=pl.when(pl.col("size") == 0).then("words").otherwise("size").cast(pl.Int64),
            )
        )
    return pl.concat(pairs)


def _shown(texts: pl.Series, text: int, begin: int, end: int) -> str:
    """Give the beginning of a span in one line."""
    whole = " ".join(str(texts[text])[begin : min(end, begin + 2 * SHOWN_CHARACTERS)].split())
    is_short = len(whole) <= SHOWN_CHARACTERS and end <= begin + 2 * SHOWN_CHARACTERS
    return whole if is_short else whole[: SHOWN_CHARACTERS - 1].rstrip() + "…"
