# pyright: basic
"""Exact Jaccard of pairs of texts, over the sets of their shingles' 64-bit hashes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from dataforge.text import minhash

Array = np.ndarray[Any, Any]


def jaccards(texts: pl.Series, left: Array, right: Array, *, words: int) -> Array:
    """Compare texts pair by pair.

    Args:
        texts: Strings; null counts as empty.
        left: Places in `texts`.
        right: Places in `texts`, as many.
        words: Words of a shingle (`text.shingles`).

    Returns:
        Shared shingles by shingles of either, from 0 to 1, float64, one a pair.
    """
    data, offsets = minhash.buffers(texts)
    left, right = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    if minhash.wants_compiled(int(offsets[-1] - offsets[0])):
        from dataforge.text.minhash_numba import jaccards_of, shingles_of

        return jaccards_of(*shingles_of(data, offsets, 0, len(texts), words), left, right)
    return _by_sets(data, offsets, left, right, words)


def _by_sets(data: Array, offsets: Array, left: Array, right: Array, words: int) -> Array:
    from dataforge.text.minhash_numpy import pieces, shingles_of

    sets: list[set[int]] = []
    for first, last in pieces(offsets, 0, len(offsets) - 1):
        hashes, starts, _ = shingles_of(data, offsets, first, last, words)
        values, bounds = hashes.tolist(), starts.tolist()
        sets.extend(set(values[begin:end]) for begin, end in pairwise(bounds))
    scores = np.empty(len(left), dtype=np.float64)
    for place, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        shared = len(sets[one] & sets[other])
        scores[place] = shared / (len(sets[one]) + len(sets[other]) - shared)
    return scores
