# pyright: basic
"""The compiled loops: hashes of words and shingles, minima, exact Jaccard; straight over UTF-8, no object per text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from dataforge.text.shingles import ALONE, APOSTROPHE, BASE, CHAIN, OTHER, SPACE, WORD, characters

if TYPE_CHECKING:
    from dataforge.text.minhash import Sketch

Array = np.ndarray[Any, Any]

_BASE, _CHAIN, _ONE = np.uint64(BASE), np.uint64(CHAIN), np.uint64(1)
# Shingles that meet the permutations together: each factor is loaded once for so many.
_BLOCK = 8


def fill(data: Array, offsets: Array, begin: int, end: int, words: int, a: Array, b: Array, found: Sketch) -> None:
    """Sketch the texts from `begin` to `end` into the columns of `found`; see `text.minhash.sketch`."""
    table = characters()
    _sketch(data, offsets, begin, end, words, table.kind, table.lower, a, b, found.minima, found.same, found.shingles)


def shingles_of(data: Array, offsets: Array, first: int, last: int, words: int) -> tuple[Array, Array]:
    """Hash the shingles of some texts: each once, sorted within its text, and where those of each text begin."""
    table = characters()
    room = int(offsets[last] - offsets[first]) // 2 + 2 * (last - first) + 1
    hashes = np.empty(room, dtype=np.uint64)
    starts = np.empty(last - first + 1, dtype=np.int64)
    _distinct(data, offsets, first, last, words, table.kind, table.lower, hashes, starts)
    return hashes, starts


def jaccards_of(hashes: Array, starts: Array, left: Array, right: Array) -> Array:
    """Compare sorted sets of hashes pair by pair."""
    scores = np.empty(len(left), dtype=np.float64)
    _merge(hashes, starts, left, right, scores)
    return scores


_compile = numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
_inline = numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", inline="always")


@_inline
def _fmix64(value):
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


@_inline
def _fmix32(value):
    value = np.uint32(value ^ (value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x85EBCA6B))
    value = np.uint32(value ^ (value >> np.uint32(13)))
    value = np.uint32(value * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@_inline
def _decode(data, at):
    """Give the code point that begins at a place, and how many bytes it takes."""
    lead = np.uint32(data[at])
    if lead < 0x80:
        return lead, np.uint64(1)
    tail = np.uint32(0x3F)
    second = np.uint32(data[at + _ONE]) & tail
    if lead < 0xE0:
        return ((lead & np.uint32(0x1F)) << np.uint32(6)) | second, np.uint64(2)
    third = np.uint32(data[at + np.uint64(2)]) & tail
    if lead < 0xF0:
        return ((lead & np.uint32(0x0F)) << np.uint32(12)) | (second << np.uint32(6)) | third, np.uint64(3)
    fourth = np.uint32(data[at + np.uint64(3)]) & tail
    high = ((lead & np.uint32(0x07)) << np.uint32(18)) | (second << np.uint32(12))
    return high | (third << np.uint32(6)) | fourth, np.uint64(4)


@_compile
def _next_word(data, at, end, kind, lower):
    """Find the next word: its hash, and the place after it; without a word the place is the end and found false."""
    while at < end:
        code, size = _decode(data, at)
        what = kind[code]
        if what == WORD:
            break
        at += size
        if what == ALONE:
            return _fmix64(np.uint64(lower[code]) + _ONE), at, True
    else:
        return np.uint64(0), end, False
    total = np.uint64(0)
    while at < end:
        code, size = _decode(data, at)
        what = kind[code]
        if what == APOSTROPHE and at + size < end:
            following, _ = _decode(data, at + size)
            what = kind[following]
            if what != WORD:
                break
        elif what != WORD:
            break
        total = total * _BASE + np.uint64(lower[code]) + _ONE
        at += size
    return _fmix64(total), at, True


@_compile
def _hash_folded(data, at, end, kind, lower):
    total = np.uint64(0)
    is_pending = False
    is_first = True
    while at < end:
        code, size = _decode(data, at)
        at += size
        if kind[code] == SPACE:
            is_pending = not is_first
            continue
        if is_pending:
            total = total * _BASE + np.uint64(33)
            is_pending = False
        is_first = False
        total = total * _BASE + np.uint64(lower[code]) + _ONE
    return _fmix64(total)


@_inline
def _take_minima(block, a, b, minima):
    h0, h1, h2, h3, h4, h5, h6, h7 = block[0], block[1], block[2], block[3], block[4], block[5], block[6], block[7]
    for place in range(len(a)):
        factor, summand = a[place], b[place]
        m0 = min(np.uint32(factor * h0 + summand), np.uint32(factor * h1 + summand))
        m1 = min(np.uint32(factor * h2 + summand), np.uint32(factor * h3 + summand))
        m2 = min(np.uint32(factor * h4 + summand), np.uint32(factor * h5 + summand))
        m3 = min(np.uint32(factor * h6 + summand), np.uint32(factor * h7 + summand))
        minima[place] = min(minima[place], m0, m1, m2, m3)


@_compile
def _sketch(data, offsets, begin, end, words, kind, lower, a, b, minima, same, shingles):
    ring = np.zeros(words, dtype=np.uint64)
    block = np.zeros(_BLOCK, dtype=np.uint32)
    mine = np.empty(len(a), dtype=np.uint32)
    dropped = _ONE
    for _ in range(words):
        dropped *= _CHAIN
    for text in range(begin, end):
        at, stop = np.uint64(offsets[text]), np.uint64(offsets[text + 1])
        first = at
        mine[:] = np.uint32(0xFFFFFFFF)
        ring[:] = 0
        rolling, whole = np.uint64(0), np.uint64(0)
        count, filled, slot = 0, 0, 0
        while True:
            word, at, is_there = _next_word(data, at, stop, kind, lower)
            if not is_there:
                break
            whole = whole * _CHAIN + word
            rolling = rolling * _CHAIN + word - ring[slot] * dropped
            ring[slot] = word
            slot += 1
            if slot == words:
                slot = 0
            count += 1
            if count < words:
                continue
            block[filled] = _fmix32(np.uint32(_fmix64(rolling + np.uint64(words)) >> np.uint64(32)))
            filled += 1
            if filled == _BLOCK:
                _take_minima(block, a, b, mine)
                filled = 0
        if count < 2 * words:
            folded = _hash_folded(data, first, stop, kind, lower)
            mine[:] = np.uint32(0xFFFFFFFF)
            block[:] = _fmix32(np.uint32(folded >> np.uint64(32)))
            _take_minima(block, a, b, mine)
            same[text] = folded
            shingles[text] = 1
        else:
            if filled:
                block[filled:] = block[0]
                _take_minima(block, a, b, mine)
            same[text] = _fmix64(whole + np.uint64(count))
            shingles[text] = count - words + 1
        for place in range(len(a)):
            minima[place, text] = mine[place]


@_compile
def _distinct(data, offsets, first, last, words, kind, lower, hashes, starts):
    ring = np.zeros(words, dtype=np.uint64)
    dropped = _ONE
    for _ in range(words):
        dropped *= _CHAIN
    used = 0
    for text in range(first, last):
        starts[text - first] = used
        at, stop = np.uint64(offsets[text]), np.uint64(offsets[text + 1])
        ring[:] = 0
        rolling = np.uint64(0)
        count, slot, filled = 0, 0, used
        while True:
            word, at, is_there = _next_word(data, at, stop, kind, lower)
            if not is_there:
                break
            rolling = rolling * _CHAIN + word - ring[slot] * dropped
            ring[slot] = word
            slot += 1
            if slot == words:
                slot = 0
            count += 1
            if count >= words:
                hashes[filled] = _fmix64(rolling + np.uint64(words))
                filled += 1
        if count < 2 * words:
            hashes[used] = _hash_folded(data, np.uint64(offsets[text]), stop, kind, lower)
            used += 1
            continue
        hashes[used:filled] = np.sort(hashes[used:filled])
        kept = used + 1
        for place in range(used + 1, filled):
            if hashes[place] != hashes[place - 1]:
                hashes[kept] = hashes[place]
                kept += 1
        used = kept
    starts[last - first] = used


@_compile
def _merge(hashes, starts, left, right, scores):
    for pair in range(len(left)):
        one, one_end = starts[left[pair]], starts[left[pair] + 1]
        other, other_end = starts[right[pair]], starts[right[pair] + 1]
        total = one_end - one + other_end - other
        shared = 0
        while one < one_end and other < other_end:
            x, y = hashes[one], hashes[other]
            shared += x == y
            one += x <= y
            other += y <= x
        scores[pair] = shared / (total - shared)


__all__ = ["OTHER", "fill", "jaccards_of", "shingles_of"]
