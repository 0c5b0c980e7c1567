"""Texts as arrays of words and of word n-grams, each with a hash that depends on its letters alone.

Words are those of `text.words`, in small letters and in Unicode's compatible form, so that "Ａ" is "a" and "don’t" is
"don't". Nothing here makes a Python object for a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from dataforge.text.words import UNSPACED

Array = np.ndarray[Any, np.dtype[Any]]

# As many characters at a time stay in the processor's cache with what is computed of them.
_PIECE = 1 << 16

# Odd numbers without a pattern; whoever changes one changes every fitted table.
_LETTER_BASE = 0xD6E8FEB86659FD93
_WORD_BASE = 0xA0761D6478BD642F
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

_LETTER, _UNSPACED, _APOSTROPHE = 1, 2, 3
_CODES = 0x110000
# Where characters of words can be: the first planes, and the variation selectors, which are marks.
_ASSIGNED = (*range(0xD800), *range(0xE000, 0x323B0), *range(0xE0100, 0xE01F0))
_APOSTROPHES = "'’"
_TELLING_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some texts, text by text.

    Args:
        text: For each word the number of its text.
        begin: Where the word begins in `codes`.
        end: Where it ends.
        hashes: A number that equal words share.
        codes: The characters of the texts, in small letters.
        starts: For each text, by its number, where it starts in `codes`; texts without words may be missing.
    """

    text: Array
    begin: Array
    end: Array
    hashes: Array
    codes: Array
    starts: dict[int, int]


class Grams(NamedTuple):
    """The n-grams of some texts: their hashes, and for each the place of its first word in `Words`."""

    hashes: Array
    first: Array


def comparable(texts: pl.Series) -> pl.Series:
    """Write characters that mean the same in one way (Unicode NFKC); null becomes empty."""
    texts = texts.fill_null("")
    is_ascii = texts.str.len_bytes() == texts.str.len_chars()
    if is_ascii.all():
        return texts
    return texts.scatter((~is_ascii).arg_true(), texts.filter(~is_ascii).str.normalize("NFKC"))


def words_of(texts: pl.Series) -> Iterator[Words]:
    """Take texts apart.

    Args:
        texts: Strings as `comparable` gives them; their places are their numbers.

    Yields:
        The words of some texts at a time, in no particular order; all words of a text come at once.
    """
    sizes = texts.str.len_chars().to_numpy().astype(np.int64)
    is_ascii = (texts.str.len_bytes() == texts.str.len_chars()).to_numpy()
    # A Python string for each text is a tenth of what polars takes to join them piece by piece.
    strings = texts.to_list()
    for numbers in (np.flatnonzero(is_ascii & (sizes > 0)), np.flatnonzero(~is_ascii)):
        for some in _pieces(numbers, sizes):
            whole = "\n".join([strings[number] for number in some.tolist()])
            yield _words_of_piece(whole, some, sizes[some], is_ascii=bool(is_ascii[some[0]]))


def _pieces(numbers: Array, sizes: Array) -> Iterator[Array]:
    """Put texts together to pieces of some size; a text that is longer is a piece by itself."""
    is_long = sizes[numbers] > _PIECE
    filled = np.cumsum(sizes[numbers] + 1) // _PIECE
    begins = np.flatnonzero((np.diff(filled, prepend=-1) != 0) | is_long | np.concatenate(([False], is_long[:-1])))
    for begin, end in pairwise([*begins.tolist(), len(numbers)]):
        yield numbers[begin:end]


def _words_of_piece(whole: str, numbers: Array, sizes: Array, *, is_ascii: bool) -> Words:
    codes, kinds = _characters(whole, is_ascii=is_ascii)
    spans = [_spans(codes, kinds, begin, end) for begin, end in _chunks(kinds)]
    begin, end, hashes = (np.concatenate(parts) for parts in zip(*spans, strict=True))
    starts = np.cumsum(sizes + 1) - (sizes + 1)
    text = numbers[np.searchsorted(starts, begin, side="right") - 1]
    return Words(text, begin, end, hashes, codes, dict(zip(numbers.tolist(), starts.tolist(), strict=True)))


def _characters(whole: str, *, is_ascii: bool) -> tuple[Array, Array]:
    """Give the small letters of a text as numbers, and the kind of each."""
    if is_ascii:
        data = whole.encode("ascii")
        small, kinds = _ascii_tables()
        return np.frombuffer(data.translate(small), np.uint8), np.frombuffer(data.translate(kinds), np.uint8)
    codes = np.frombuffer(whole.encode("utf-32-le"), "<u4")
    return _small_letters()[codes], _kinds()[codes]


def _chunks(kinds: Array) -> Iterator[tuple[int, int]]:
    """Cut a long text between words; a word longer than a whole piece is cut through."""
    begin = 0
    while len(kinds) - begin > 2 * _PIECE:
        between = np.flatnonzero(kinds[begin : begin + _PIECE] == 0)
        end = begin + (int(between[-1]) + 1 if len(between) else _PIECE)
        yield begin, end
        begin = end
    yield begin, len(kinds)


def _spans(codes: Array, kinds: Array, at: int, to: int) -> tuple[Array, Array, Array]:
    """Find the words of some characters: where each begins and ends, and its hash."""
    letters, kinds = codes[at:to].astype(np.uint64), kinds[at:to]
    is_inside = kinds == _LETTER
    is_joint = kinds[1:-1] == _APOSTROPHE
    if is_joint.any():
        is_joint &= is_inside[:-2] & is_inside[2:]
        is_inside[1:-1] |= is_joint
    is_begin, is_end = is_inside.copy(), is_inside.copy()
    is_begin[1:] &= ~is_inside[:-1]
    is_end[:-1] &= ~is_inside[1:]
    if codes.dtype != np.uint8:
        alone = kinds == _UNSPACED
        is_begin |= alone
        is_end |= alone
    begin, end = np.flatnonzero(is_begin), np.flatnonzero(is_end) + 1
    # A polynomial of the letters, from sums over the whole chunk: equal words at different places give one number.
    powers, inverses = _powers()
    letters *= powers[: len(letters)]
    sums = np.zeros(len(letters) + 1, np.uint64)
    np.cumsum(letters, out=sums[1:])
    hashes = _mixed((sums[end] - sums[begin]) * inverses[begin])
    return begin + at, end + at, hashes


def grams_of(words: Words, size: int) -> Grams:
    """Give the n-grams of texts, none of them across two texts.

    Args:
        words: The words of the texts.
        size: How many words an n-gram has.

    Returns:
        One n-gram for each word that has enough words of its text after it.
    """
    count = len(words.hashes) - size + 1
    if count <= 0:
        return Grams(np.empty(0, np.uint64), np.empty(0, np.int64))
    whole = np.flatnonzero(words.text[:count] == words.text[size - 1 :])
    return Grams(_polynomial(words.hashes, size)[whole], whole)


def _polynomial(values: Array, size: int) -> Array:
    """Sum each run of `size` values, each times its power of the base, in log2(size) steps."""
    found, length = values, 1
    for bit in bin(size)[3:]:
        found = found[: len(found) - length] + found[length:] * _power(length)
        length *= 2
        if bit == "1":
            found = found[:-1] + values[length : length + len(found) - 1] * _power(length)
            length += 1
    return found


def _power(exponent: int) -> np.uint64:
    return np.uint64(pow(_WORD_BASE, exponent, 1 << 64))


def whole_texts(words: Words, below: int) -> Grams:
    """Give each short text as one n-gram of all its words.

    Args:
        words: The words of the texts.
        below: Texts of so many words, or more, are left out.

    Returns:
        One n-gram for each text that has words, but fewer than that.
    """
    begins = np.flatnonzero(np.diff(words.text, prepend=-1))
    counts = np.diff(begins, append=len(words.text))
    begins, counts = begins[counts < below], counts[counts < below]
    if not len(begins):
        return Grams(np.empty(0, np.uint64), np.empty(0, np.int64))
    starts = np.cumsum(counts) - counts
    place = np.arange(int(counts.sum())) - np.repeat(starts, counts)
    hashes = words.hashes[np.repeat(begins, counts) + place]
    # Each word is told by its place; the count tells a text from the beginning of a longer one.
    sums = np.add.reduceat(_mixed(hashes + place.astype(np.uint64) * np.uint64(_WORD_BASE)), starts)
    return Grams(_mixed(sums + counts.astype(np.uint64)), begins)


def telling(words: Words) -> Array:
    """Say of each word whether it tells what a text is about: it has four letters or more, or needs no spaces.

    Most words that only hold a sentence together are shorter, and so are most numbers; numbers never tell.
    """
    is_digit = (words.codes >= ord("0")) & (words.codes <= ord("9"))
    digits = np.concatenate(([0], np.cumsum(is_digit)))
    is_long = words.end - words.begin - (digits[words.end] - digits[words.begin]) >= _TELLING_LETTERS
    return is_long | (_kinds()[words.codes[words.begin]] == _UNSPACED)


def word_before(words: Words) -> Array:
    """Give for each word the place of the same word before it in its text, or -1."""
    order = np.lexsort((words.hashes, words.text))
    is_same = (np.diff(words.hashes[order]) == 0) & (np.diff(words.text[order]) == 0)
    before = np.full(len(order), -1, np.int64)
    before[order[1:][is_same]] = order[:-1][is_same]
    return before


def letters_of(words: Words) -> tuple[Array, Array]:
    """Give the letters of all words without what stands between them, and where each word ends in them."""
    sizes = words.end - words.begin
    ends = np.cumsum(sizes)
    where = np.repeat(words.begin - (ends - sizes), sizes) + np.arange(int(ends[-1]) if len(ends) else 0)
    return words.codes[where], ends


def _mixed(values: Array) -> Array:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_MIX[0])
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_MIX[1])
    return values ^ (values >> np.uint64(31))


@cache
def _powers() -> tuple[Array, Array]:
    """Give the powers of the letter base, and their inverses modulo 2^64."""
    inverse = pow(_LETTER_BASE, -1, 1 << 64)
    return _running_product(_LETTER_BASE, 2 * _PIECE + 1), _running_product(inverse, 2 * _PIECE + 1)


def _running_product(base: int, count: int) -> Array:
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


@cache
def _kinds() -> Array:
    """Say of each character whether it is of words, of words that stand without spaces, an apostrophe, or none."""
    characters = pl.Series([chr(code) for code in _ASSIGNED])
    places = np.array(_ASSIGNED)
    kinds = np.zeros(_CODES, np.uint8)
    kinds[places[characters.str.contains(r"\w").to_numpy()]] = _LETTER
    kinds[places[characters.str.contains(f"[{UNSPACED}]").to_numpy()]] = _UNSPACED
    kinds[[ord(mark) for mark in _APOSTROPHES]] = _APOSTROPHE
    return kinds


@cache
def _small_letters() -> Array:
    """Give for each character the one that it is compared as."""
    small = np.arange(_CODES, dtype=np.uint32)
    for code in _ASSIGNED:
        lower = chr(code).lower()
        if len(lower) == 1:
            small[code] = ord(lower)
    small[[ord(mark) for mark in _APOSTROPHES]] = ord(_APOSTROPHES[0])
    return small


@cache
def _ascii_tables() -> tuple[bytes, bytes]:
    return _small_letters()[:256].astype(np.uint8).tobytes(), _kinds()[:256].tobytes()
