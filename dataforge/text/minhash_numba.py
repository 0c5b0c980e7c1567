# pyright: basic
"""The compiled loops: shingles, minima, exact Jaccard; straight over Arrow's buffers, without an object per text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from dataforge.text.minhash_bytes import LANES, lower_minima
from dataforge.text.minhash_numpy import pieces
from dataforge.text.minhash_words import fmix64, hash_folded, inline, part, words_of
from dataforge.text.shingles import CHAIN, characters

if TYPE_CHECKING:
    from dataforge.text.minhash import Sketch

Array = np.ndarray[Any, Any]

_ZERO, _ONE, _CHAIN = np.uint64(0), np.uint64(1), np.uint64(CHAIN)
# Shingles that are mixed together: they stay in the processor's nearest cache.
_TOGETHER = 1024
# Texts whose minima are written together: as many as fill a line of the processor's cache.
_TEXTS = 16


def fill(data: Array, offsets: Array, begin: int, end: int, words: int, a: Array, b: Array, found: Sketch) -> None:
    """Sketch the texts from `begin` to `end` into the columns of `found`; see `text.minhash.sketch`."""
    # The last group of permutations is filled up with some whose minima nobody reads.
    a, b = (np.pad(each, (0, -len(each) % LANES)) for each in (a, b))
    ranges = pieces(offsets, begin, end)
    # One room for all pieces: memory that is new each time costs a third of the hashing.
    hashes = np.empty(max((_room(offsets, *each) for each in ranges), default=0), dtype=np.uint64)
    for first, last in ranges:
        starts, found.same[first:last] = _hash_shingles(data, offsets, first, last, words, hashes)
        found.shingles[first:last] = np.diff(starts)
        _take_minima(hashes, starts, a, b, found.minima, first)


def shingles_of(data: Array, offsets: Array, first: int, last: int, words: int) -> tuple[Array, Array]:
    """Hash the shingles of some texts, in order, with repeats; and give where those of each text begin and end."""
    hashes = np.empty(_room(offsets, first, last), dtype=np.uint64)
    starts, _ = _hash_shingles(data, offsets, first, last, words, hashes)
    return hashes, starts


def jaccards_of(hashes: Array, starts: Array, left: Array, right: Array) -> Array:
    """Compare the sets of texts' hashes pair by pair; repeats among the hashes are removed in place."""
    # Copies, so that the loops are compiled for one kind of array alone.
    left, right = np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)
    scores = np.empty(len(left), dtype=np.float64)
    longest = int(np.diff(starts).max(initial=1))
    _compare(hashes, starts, left, right, np.zeros(1 << (2 * longest - 1).bit_length(), dtype=np.uint32), scores)
    return scores


def _room(offsets: Array, first: int, last: int) -> int:
    """Say how many hashes texts may have: two words are three bytes at least, and no text is without a shingle."""
    return int(offsets[last] - offsets[first]) // 2 + last - first + 1


def _hash_shingles(
    data: Array, offsets: Array, first: int, last: int, words: int, hashes: Array
) -> tuple[Array, Array]:
    starts, same = np.empty(last - first + 1, dtype=np.int64), np.empty(last - first, dtype=np.uint64)
    # More words than there are bytes make all texts short, however many more.
    words = min(words, int(offsets[last] - offsets[first]) + 1)
    table = characters()
    _shingle(data, offsets[first : last + 1], np.uint64(words), table.kind, table.lower, hashes, starts, same)
    return starts, same


def _loop(function: Callable[..., None]) -> Callable[..., None]:
    """Compile a loop, and keep the machine code where there is a folder that can be written to."""
    try:
        return numba.njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:
        return numba.njit(function, nogil=True, error_model="numpy")


@inline
def _fmix32(value):
    value = np.uint32(value ^ (value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x85EBCA6B))
    value = np.uint32(value ^ (value >> np.uint32(13)))
    value = np.uint32(value * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@part
def _join_words(hashes, start, used, words, dropped):
    """Replace the hashes of words by those of their runs, in place; give the hash of the whole sequence."""
    rolling, whole, gone = _ZERO, _ZERO, _ZERO
    for place in range(start, start + words - _ONE):
        rolling = rolling * _CHAIN + hashes[place]
    whole = rolling
    for place in range(start, used - words + _ONE):
        word = hashes[place + words - _ONE]
        whole = whole * _CHAIN + word
        rolling = rolling * _CHAIN + word - gone * dropped
        gone = hashes[place]
        hashes[place] = rolling
    for place in range(start, used - words + _ONE):
        hashes[place] = fmix64(hashes[place] + words)
    return fmix64(whole + used - start)


@_loop
def _shingle(data, offsets, words, kind, lower, hashes, starts, same):
    tail = np.zeros(64, dtype=np.uint8)
    dropped = _ONE
    for _ in range(words):
        dropped *= _CHAIN
    start = _ZERO
    for text in range(len(same)):
        starts[text] = start
        at, stop = np.uint64(offsets[text]), np.uint64(offsets[text + 1])
        used = words_of(data, at, stop, kind, lower, hashes, start, tail)
        if used - start < np.uint64(2) * words:
            hashes[start] = same[text] = hash_folded(data, at, stop, kind, lower)
            start += _ONE
        else:
            same[text] = _join_words(hashes, start, used, words, dropped)
            start = used - words + _ONE
    starts[len(same)] = start


@_loop
def _take_minima(hashes, starts, a, b, minima, column):
    fed = np.empty(_TOGETHER, dtype=np.uint32)
    tile = np.empty((_TEXTS, len(a)), dtype=np.uint32)
    texts = len(starts) - 1
    for first in range(0, texts, _TEXTS):
        here = min(_TEXTS, texts - first)
        for place in range(here):
            tile[place] = np.uint32(0xFFFFFFFF)
            stop = starts[first + place + 1]
            for at in range(starts[first + place], stop, _TOGETHER):
                count = min(_TOGETHER, stop - at)
                for lane in range(count):
                    fed[lane] = _fmix32(np.uint32(hashes[at + lane] >> np.uint64(32)))
                for group in range(0, len(a), LANES):
                    lower_minima(fed, count, a, b, tile[place], group)
        for permutation in range(len(minima)):
            for place in range(here):
                minima[permutation, column + first + place] = tile[place, permutation]


@part
def _enter(hashes, start, stop, slots):
    """Enter hashes into an empty table by open addressing, moving each first one forward; give where they end."""
    mask = np.uint64(len(slots) - 1)
    kept = start
    for place in range(start, stop):
        value = hashes[place]
        slot = value & mask
        while slots[slot] and hashes[start + slots[slot] - 1] != value:
            slot = (slot + _ONE) & mask
        if not slots[slot]:
            hashes[kept] = value
            kept += 1
            slots[slot] = kept - start
    return kept


@part
def _table_of(count, slots):
    size = 2
    while size < 2 * count:
        size *= 2
    slots[:size] = 0
    return slots[:size]


@_loop
def _compare(hashes, starts, left, right, slots, scores):
    ends = np.empty(len(starts) - 1, dtype=np.int64)
    for text in range(len(ends)):
        start, stop = starts[text], starts[text + 1]
        ends[text] = _enter(hashes, start, stop, _table_of(stop - start, slots))
    entered = -1
    table = slots[:1]
    for pair in range(len(left)):
        one, other = left[pair], right[pair]
        start, stop = starts[one], ends[one]
        if one != entered:
            table = _table_of(stop - start, slots)
            _enter(hashes, start, stop, table)
            entered = one
        mask = np.uint64(len(table) - 1)
        shared = 0
        for place in range(starts[other], ends[other]):
            value = hashes[place]
            slot = value & mask
            while table[slot] and hashes[start + table[slot] - 1] != value:
                slot = (slot + _ONE) & mask
            shared += table[slot] != 0
        scores[pair] = shared / (stop - start + ends[other] - starts[other] - shared)
