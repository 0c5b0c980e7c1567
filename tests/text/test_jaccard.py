"""Exact Jaccard."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.jaccard import jaccards
from dataforge.text.minhash import buffers
from dataforge.text.shingles import shingle_hashes
from tests.text.test_minhash import LONG
from tests.text.test_shingles import MIXED

TEXTS = st.lists(MIXED | LONG, min_size=2, max_size=6)


def expected(one: str, other: str, words: int) -> float:
    first, second = set(shingle_hashes(one, words)), set(shingle_hashes(other, words))
    return len(first & second) / len(first | second)


@given(TEXTS, st.integers(1, 4))
def test_it_is_shared_shingles_by_all_shingles(texts, words):
    scores = jaccards(pl.Series(texts), np.array([0, 1]), np.array([1, 1]), words=words)

    assert scores.tolist() == [expected(texts[0], texts[1], words), 1.0]


@pytest.mark.slow  # loads the compiled kernel
@given(TEXTS, st.integers(1, 4))
def test_the_compiled_comparison_gives_the_same(texts, words):
    from dataforge.text.minhash_numba import jaccards_of, shingles_of

    data, offsets = buffers(pl.Series(texts))
    everybody = np.arange(len(texts), dtype=np.int64)

    scores = jaccards_of(*shingles_of(data, offsets, 0, len(texts), words), everybody, everybody[::-1].copy())

    assert scores.tolist() == [expected(*pair, words) for pair in zip(texts, reversed(texts), strict=True)]
