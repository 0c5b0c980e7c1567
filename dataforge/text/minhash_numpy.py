# pyright: basic
"""The numpy twin of the compiled loops: hashes of words and shingles, minima, exact Jaccard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataforge.text.shingles import ALONE, APOSTROPHE, BASE, CHAIN, SPACE, WORD, characters

if TYPE_CHECKING:
    from dataforge.text.minhash import Sketch

Array = np.ndarray[Any, Any]

_U = np.uint64
# Some texts at a time: what is looked at stays in the processor's cache.
_PIECE_BYTES = 1 << 18


def fill(data: Array, offsets: Array, begin: int, end: int, words: int, a: Array, b: Array, found: Sketch) -> None:
    """Sketch the texts from `begin` to `end` into the columns of `found`; see `text.minhash.sketch`."""
    for first, last in pieces(offsets, begin, end):
        hashes, starts, same = shingles_of(data, offsets, first, last, words)
        sizes = np.diff(starts)
        fed = fmix32((hashes >> _U(32)).astype(np.uint32))
        for place in range(len(a)):
            found.minima[place, first:last] = np.minimum.reduceat(fed * a[place] + b[place], starts[:-1])
        found.same[first:last] = same
        found.shingles[first:last] = sizes


def pieces(offsets: Array, begin: int, end: int) -> list[tuple[int, int]]:
    """Cut a range of texts into pieces of about equal size."""
    if begin >= end:
        return []
    numbers = (offsets[begin:end] - offsets[begin]) // _PIECE_BYTES
    cuts = np.flatnonzero(np.diff(numbers, prepend=-1)) + begin
    return list(zip(cuts.tolist(), [*cuts[1:].tolist(), end], strict=True))


def shingles_of(data: Array, offsets: Array, first: int, last: int, words: int) -> tuple[Array, Array, Array]:
    """Hash the shingles of some texts.

    Args:
        data: UTF-8 of all texts.
        offsets: Where each text begins and ends.
        first: The first of the texts.
        last: The text after the last one.
        words: Words of a shingle.

    Returns:
        Hashes of all shingles in order (uint64), where those of each text begin and end, and each text's `same`.
    """
    codes, bounds = _code_points(data, offsets[first : last + 1])
    table = characters()
    kind, lower = table.kind[codes], table.lower[codes]
    # A border that is no character keeps words from running over from one text into the next.
    is_word = _joined(kind, bounds)
    alone = kind == ALONE
    starts_word = is_word.copy()
    starts_word[1:] &= ~is_word[:-1]
    inner_bounds = bounds[:-1][bounds[:-1] < len(codes)]
    starts_word[inner_bounds] |= is_word[inner_bounds]
    word_begins = np.flatnonzero(starts_word | alone)
    stops = np.flatnonzero(~is_word | np.isin(np.arange(len(codes)), inner_bounds))
    word_ends = np.empty_like(word_begins)
    after = np.searchsorted(stops, word_begins, side="right")
    word_ends[:] = np.append(stops, len(codes))[after]
    word_ends[alone[word_begins]] = word_begins[alone[word_begins]] + 1
    word_hashes = _runs(lower, word_begins, word_ends)
    first_words = np.searchsorted(word_begins, bounds)
    return _shingles(word_hashes, first_words, words, _folded(kind, lower, bounds, first_words, words))


def _joined(kind: Array, bounds: Array) -> Array:
    """Say of each character whether it is of a run of word characters, apostrophes within words included."""
    is_word = kind == WORD
    inside = np.flatnonzero(kind == APOSTROPHE)
    inside = inside[(inside > 0) & (inside + 1 < len(kind))]
    inside = inside[is_word[inside - 1] & is_word[inside + 1]]
    edges = np.isin(inside, bounds) | np.isin(inside + 1, bounds)
    is_word[inside[~edges]] = True
    return is_word


def _shingles(word_hashes: Array, first_words: Array, words: int, folded: Array) -> tuple[Array, Array, Array]:
    counts = np.diff(first_words)
    is_short = counts < 2 * words
    sizes = np.where(is_short, 1, counts - words + 1)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    grams = np.zeros(max(len(word_hashes) - words + 1, 0), dtype=_U)
    if len(grams):
        powers = _powers(CHAIN, words)
        for place in range(words):
            grams += word_hashes[place : place + len(grams)] * powers[words - 1 - place]
    grams = fmix64(grams + _U(words))
    own = np.repeat(first_words[:-1] - starts[:-1], sizes) + np.arange(starts[-1])
    short = np.repeat(is_short, sizes)
    hashes = np.empty(starts[-1], dtype=_U)
    hashes[~short] = grams[own[~short]]
    hashes[starts[:-1][is_short]] = folded[is_short]
    begins, ends = first_words[:-1], first_words[1:]
    whole = _sums(word_hashes, begins, ends, CHAIN)
    same = np.where(is_short, folded, fmix64(whole + counts.astype(_U)))
    return hashes, starts, same


def _folded(kind: Array, lower: Array, bounds: Array, first_words: Array, words: int) -> Array:
    """Hash the short texts as a whole: in lower case, runs of white space as one space, none at the ends."""
    space = kind == SPACE
    code = np.where(space, np.uint32(32), lower)
    keep = ~space
    keep[1:] |= ~space[:-1]
    owner = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    is_short = np.diff(first_words) < 2 * words
    keep &= is_short[owner]
    # The one space that is left of a run goes if the run stands at an end of its text.
    inner = bounds[:-1][bounds[:-1] < len(kind)]
    keep[inner] = ~space[inner] & is_short[owner[inner]]
    last = _last_character(space, owner, len(bounds) - 1)
    keep &= np.arange(len(kind)) <= last[owner]
    kept = code[keep]
    counted = np.concatenate([[0], np.cumsum(keep)])[bounds]
    return _runs(kept, counted[:-1], counted[1:])


def _last_character(space: Array, owner: Array, texts: int) -> Array:
    last = np.full(texts, -1, dtype=np.int64)
    places = np.flatnonzero(~space)
    last[owner[places]] = places
    return last


def _code_points(data: Array, offsets: Array) -> tuple[Array, Array]:
    """Decode texts; give code points, and where each text begins and ends among them."""
    piece = data[offsets[0] : offsets[-1]]
    if not (piece & 0x80).any():
        return piece.astype(np.uint32), (offsets - offsets[0]).astype(np.int64)
    codes = np.frombuffer(piece.tobytes().decode("utf-8").encode("utf-32-le"), dtype=np.uint32)
    leads = np.concatenate([[0], np.cumsum((piece & 0xC0) != 0x80)])
    return codes, leads[offsets - offsets[0]]


def _runs(codes: Array, begins: Array, ends: Array) -> Array:
    return fmix64(_sums(codes.astype(_U) + _U(1), begins, ends, BASE))


def _sums(values: Array, begins: Array, ends: Array, base: int) -> Array:
    """Give for each run the sum of value · base^(places to the run's end), modulo 2^64, from one running sum.

    The running sum weighs a value by base^-place; that base is odd and has an inverse makes the rest cancel.
    """
    if not len(begins):
        return np.zeros(0, dtype=_U)
    inverse = _powers(pow(base, -1, 1 << 64), len(values) + 1)
    running = np.concatenate([np.zeros(1, dtype=_U), np.cumsum(values * inverse[: len(values)], dtype=_U)])
    powers = _powers(base, len(values) + 1)
    return np.where(ends > begins, (running[ends] - running[begins]) * powers[np.maximum(ends - 1, 0)], _U(0))


_known_powers: dict[int, Array] = {}


def _powers(base: int, count: int) -> Array:
    """Give base^0 … base^(count-1) modulo 2^64."""
    known = _known_powers.get(base)
    if known is None or len(known) < count:
        known = np.full(max(count, 1024), base, dtype=_U)
        known[0] = 1
        known = np.multiply.accumulate(known)
        _known_powers[base] = known
    return known[:count]


def fmix64(value: Array) -> Array:
    """Spread 64 bits (MurmurHash3)."""
    value = value ^ (value >> _U(33))
    value *= _U(0xFF51AFD7ED558CCD)
    value ^= value >> _U(33)
    value *= _U(0xC4CEB9FE1A85EC53)
    value ^= value >> _U(33)
    return value


def fmix32(value: Array) -> Array:
    """Spread 32 bits (MurmurHash3), as datasketch does before it permutes."""
    value = value ^ (value >> np.uint32(16))
    value *= np.uint32(0x85EBCA6B)
    value ^= value >> np.uint32(13)
    value *= np.uint32(0xC2B2AE35)
    value ^= value >> np.uint32(16)
    return value
