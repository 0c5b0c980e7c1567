# pyright: basic
"""MinHash signatures of texts (Broder 1997), by compiled loops or by numpy: the same bits."""

from __future__ import annotations

import functools
import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

# Loading the compiled loops costs 0.9 CPU s; with less text than this, numpy is done sooner.
_WORTH_LOADING_BYTES = 24 << 20


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is known of some texts.

    Args:
        minima: Signatures, uint32, shape (permutations, rows): the columns of a band lie together.
        same: uint64, shape (rows,): equal for texts of the same words in the same order.
        shingles: uint32, shape (rows,): how many shingles, repeats counted.
    """

    minima: np.ndarray[Any, np.dtype[np.uint32]]
    same: np.ndarray[Any, np.dtype[np.uint64]]
    shingles: np.ndarray[Any, np.dtype[np.uint32]]


def sketch(texts: pl.Series, *, words: int, permutations: int, seed: int = 1, threads: int | None = None) -> Sketch:
    """Sketch texts.

    Args:
        texts: Strings; null counts as empty.
        words: Words of a shingle, at least 1 (`text.shingles`).
        permutations: Minima of a signature.
        seed: Draws the permutations, as `datasketch.MinHash(seed=…, scheme="affine32")` does.
        threads: How many at most; None takes all cores in the main process, and one in a worker.

    Returns:
        Signatures that equal datasketch's, fed the upper halves of our shingle hashes.
    """
    fill = _sketcher(_bytes_of(texts))
    data, offsets = buffers(texts)
    rows = len(texts)
    minima = np.empty((permutations, rows), dtype=np.uint32)
    found = Sketch(minima, np.empty(rows, dtype=np.uint64), np.empty(rows, dtype=np.uint32))
    a, b = draw_permutations(permutations, seed)
    bounds = _even(offsets, threads if threads is not None else _free_threads())

    def run(begin: int, end: int) -> None:
        fill(data, offsets, begin, end, words, a, b, found)

    if len(bounds) <= 2:
        run(0, rows)
    else:
        with ThreadPoolExecutor(len(bounds) - 1) as pool:
            list(pool.map(run, bounds[:-1], bounds[1:]))
    return found


def buffers(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Give the bytes of all texts, UTF-8, and where each begins and ends; no text is copied one by one."""
    array = texts.cast(pl.String).fill_null("").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    whole = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    return whole, places if len(places) else np.zeros(1, dtype=np.int64)


def draw_permutations(permutations: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the factors (odd) and summands of the permutations as datasketch's scheme "affine32" does."""
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, size=permutations, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 1 << 32, size=permutations, dtype=np.uint32)
    return a, b


@functools.cache
def has_numba() -> bool:
    """Say whether compiled loops can be had."""
    return importlib.util.find_spec("numba") is not None


def wants_compiled(size: int) -> bool:
    """Say whether the compiled loops are loaded, or worth their loading for so many bytes of text."""
    return "dataforge.text.minhash_numba" in sys.modules or (size >= _WORTH_LOADING_BYTES and has_numba())


def _bytes_of(texts: pl.Series) -> int:
    return int(texts.str.len_bytes().sum() or 0)


def _sketcher(size: int) -> Callable[..., None]:
    if wants_compiled(size):
        from dataforge.text.minhash_numba import fill

        return fill
    from dataforge.text.minhash_numpy import fill as fill_slowly

    return fill_slowly


def _free_threads() -> int:
    if multiprocessing.parent_process() is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _even(offsets: np.ndarray, threads: int) -> list[int]:
    """Cut the rows into ranges of about equal text; small input is not worth a thread."""
    size = int(offsets[-1] - offsets[0])
    threads = max(1, min(threads, size >> 20))
    wanted = offsets[0] + np.arange(1, threads) * (size / threads)
    return [0, *np.unique(np.searchsorted(offsets[:-1], wanted)).tolist(), len(offsets) - 1]
