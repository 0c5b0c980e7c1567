"""Makes the index that texts are compared with: the n-grams of reference texts that say something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from dataforge.text.overlap_boilerplate import PUBLIC
from dataforge.text.overlap_known import KnownHashes, distinct
from dataforge.text.overlap_words import Array, Grams, Words, grams_of, telling, whole_texts, word_before, words_of

# An n-gram must have so many different words that tell something; a whole text fewer, for it is all there is.
_TELLING_WORDS = 3
_TELLING_WORDS_OF_WHOLE = 1
_WORDS_OF_WHOLE = 3
# A text that repeats itself is found by its first few places.
PLACES = 4
# So many texts may share an n-gram in however small a corpus: a quotation, a passage with several questions.
ALWAYS_ALLOWED = 10

INDEX: dict[str, Any] = {
    "line": pl.UInt32,
    "words": pl.UInt32,
    "size": pl.UInt32,
    "evidence_words": pl.UInt32,
    "hashes": pl.List(pl.UInt64),
    "places": pl.List(pl.UInt32),
}
_SIZED: dict[str, Any] = {"line": pl.UInt32, "words": pl.UInt32}
_GRAMS: dict[str, Any] = {"line": pl.UInt32, "size": pl.UInt32, "hash": pl.UInt64, "place": pl.UInt32}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of how many words n-grams are.

    Args:
        words: For texts that have as many words.
        short_words: For shorter ones; texts shorter than this are compared whole.
    """

    words: int
    short_words: int


def index_of(references: pl.DataFrame, sample: pl.Series, sizes: Sizes, max_document_frequency: float) -> pl.DataFrame:
    """Index the n-grams of reference texts, without those that are no evidence.

    No evidence are n-grams that stand in more than a share of the distinct references or of the sampled texts (and in
    more than `ALWAYS_ALLOWED` of them), n-grams of public boilerplate, and those with hardly a telling word.

    Args:
        references: Columns `text` (distinct, as `comparable` gives them), `may_be_short` and `may_be_whole`: whether a
            text of few words is to be found by its short n-grams, or whole.
        sample: Texts of the corpus that will be compared, distinct.
        sizes: Of how many words n-grams are.
        max_document_frequency: The share of texts that an n-gram may stand in.

    Returns:
        Schema `INDEX`, a line for each reference that can be found: its number, its words, the size of its n-grams
        (0 for one that is found whole), the words that they cover, the hashes and places of the n-grams.
    """
    found = [_grams_of_references(words, references, sizes) for words in words_of(references["text"])]
    counted = pl.concat([pl.DataFrame(schema=_SIZED), *(each[1] for each in found)])
    grams = pl.concat([pl.DataFrame(schema=_GRAMS), *(each[0] for each in found)])
    for size in grams["size"].unique().sort().to_list():
        if not size:
            continue
        own = grams.filter(pl.col("size") == size)
        limit = max(ALWAYS_ALLOWED, max_document_frequency * references.height)
        common = [_above(own.select("hash", text="line"), limit)]
        known = KnownHashes(own["hash"].to_numpy())
        limit = max(ALWAYS_ALLOWED, max_document_frequency * len(sample))
        common.append(_above(_known_grams(sample, size, known), limit))
        common.append(_public_grams(size))
        grams = grams.filter((pl.col("size") != size) | ~pl.col("hash").is_in(pl.concat(common).implode()))
    return _by_text(grams, counted)


def _grams_of_references(words: Words, references: pl.DataFrame, sizes: Sizes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the n-grams of some references, each of the size that its text's length asks for; and these lengths."""
    begins = np.flatnonzero(np.diff(words.text, prepend=-1))
    lines, counts = words.text[begins], np.diff(begins, append=len(words.text))
    may_be_short, may_be_whole = (references[name].to_numpy()[lines] for name in ("may_be_short", "may_be_whole"))
    is_short = (counts < sizes.words) & (counts >= sizes.short_words) & may_be_short
    is_whole = (counts < min(sizes.words, sizes.short_words)) & (counts >= _WORDS_OF_WHOLE) & may_be_whole
    grams: list[pl.DataFrame] = []
    for size, is_meant in ((sizes.words, counts >= sizes.words), (sizes.short_words, is_short)):
        each = grams_of(words, size)
        each = _picked(each, np.repeat(is_meant, counts)[each.first])
        each = _picked(
            each, _telling_words(words, each.first, np.full(len(each.first), size)) >= min(_TELLING_WORDS, size)
        )
        grams.append(_frame_of(each, words, begins, size))
    each = whole_texts(words, sizes.short_words)
    each = _picked(each, np.repeat(is_whole, counts)[each.first])
    length = np.repeat(counts, counts)[each.first]
    each = _picked(each, _telling_words(words, each.first, length) >= _TELLING_WORDS_OF_WHOLE)
    grams.append(_frame_of(each, words, begins, 0))
    return pl.concat(grams), pl.DataFrame({"line": lines, "words": counts}).cast(pl.Schema(_SIZED))


def _picked(grams: Grams, which: Array) -> Grams:
    return Grams(grams.hashes[which], grams.first[which])


def _telling_words(words: Words, first: Array, length: Array) -> Array:
    """Count the different telling words of each n-gram."""
    counted = np.zeros(len(first), np.int64)
    is_telling, before = telling(words), word_before(words)
    for place in range(int(length.max()) if len(length) else 0):
        here = np.minimum(first + place, len(is_telling) - 1)
        counted += is_telling[here] & (before[here] < first) & (place < length)
    return counted


def _frame_of(grams: Grams, words: Words, begins: Array, size: int) -> pl.DataFrame:
    text_begin = begins[np.searchsorted(begins, grams.first, side="right") - 1]
    columns = {"line": words.text[grams.first], "hash": grams.hashes, "place": grams.first - text_begin}
    return pl.DataFrame(columns).select("line", pl.lit(size).alias("size"), "hash", "place").cast(pl.Schema(_GRAMS))


def _known_grams(texts: pl.Series, size: int, known: KnownHashes) -> pl.DataFrame:
    """Give the n-grams of texts that are among the known ones, with the numbers of the texts."""

    def pieces() -> Iterator[pl.DataFrame]:
        for words in words_of(texts):
            grams = grams_of(words, size)
            grams = _picked(grams, known.where(grams.hashes))
            yield pl.DataFrame({"hash": grams.hashes, "text": words.text[grams.first]})

    schema = pl.Schema({"hash": pl.UInt64, "text": pl.UInt32})
    return pl.concat([pl.DataFrame(schema=schema), *(piece.cast(schema) for piece in pieces())])


@cache
def _public_grams(size: int) -> pl.Series:
    """Give the n-grams of the texts that everybody has."""
    found = [grams_of(words, size).hashes for words in words_of(pl.Series(PUBLIC))]
    return pl.Series("hash", distinct(np.concatenate(found)))


def _above(grams: pl.DataFrame, limit: float) -> pl.Series:
    """Give the n-grams that stand in more texts than a limit."""
    return grams.unique().group_by("hash").len().filter(pl.col("len") > limit)["hash"]


def _by_text(grams: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    # Few n-grams stand in a text twice: only these are worth a look at their places.
    may_repeat = grams.filter((pl.col("hash") ^ pl.col("line").cast(pl.UInt64)).is_duplicated())
    first_few = may_repeat.filter(pl.int_range(pl.len()).over("line", "hash") < PLACES)
    once = grams.filter((pl.col("hash") ^ pl.col("line").cast(pl.UInt64)).is_unique())
    kept = pl.concat([once, first_few]).sort("line", "place")
    # The words that an n-gram adds to those before it: all of its own, or those since the last began.
    covered = (pl.col("place").diff().fill_null(pl.col("size")).clip(upper_bound=pl.col("size"))).sum()
    lines = kept.group_by("line", maintain_order=True).agg(
        pl.col("size").first(),
        covered.alias("covered"),
        pl.col("hash").alias("hashes"),
        pl.col("place").alias("places"),
    )
    words = lines.join(counted, on="line", how="left", maintain_order="left")
    evidence_words = pl.when(pl.col("size") == 0).then("words").otherwise("covered")
    return words.with_columns(evidence_words=evidence_words).select(*INDEX).cast(pl.Schema(INDEX))
