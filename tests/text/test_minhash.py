"""Signatures: datasketch is the oracle, and the two kernels are each other's twins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text import minhash
from dataforge.text.jaccard import jaccards
from dataforge.text.shingles import shingle_hashes
from tests.text.test_shingles import MIXED

FASTCHAT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "fastchat"
LONG = st.builds(" ".join, st.lists(st.sampled_from(["a", "Bee", "c'est", "中文", "é", "x."]), min_size=8, max_size=30))


def oracle(text: str, words: int, permutations: int) -> MinHash:
    found = MinHash(permutations, seed=1, scheme="affine32", hashfunc=lambda value: value)
    for value in shingle_hashes(text, words):
        found.update(value >> 32)
    return found


def kernels(texts: pl.Series, words: int, permutations: int) -> list[minhash.Sketch]:
    from dataforge.text import minhash_numba, minhash_numpy

    data, offsets = minhash.buffers(texts)
    a, b = minhash.draw_permutations(permutations, 1)
    found = []
    for fill in (minhash_numpy.fill, minhash_numba.fill):
        rows = len(texts)
        minima = np.zeros((permutations, rows), dtype=np.uint32)
        sketch = minhash.Sketch(minima, np.zeros(rows, dtype=np.uint64), np.zeros(rows, dtype=np.uint32))
        fill(data, offsets, 0, rows, words, a, b, sketch)
        found.append(sketch)
    return found


@pytest.mark.slow  # loads the compiled kernel
@given(st.lists(MIXED | LONG, max_size=8), st.integers(1, 6))
def test_both_kernels_give_the_bits_of_datasketch(texts, words):
    slow, fast = kernels(pl.Series(texts, dtype=pl.String), words, 16)

    assert (slow.minima == fast.minima).all()
    assert (slow.same == fast.same).all()
    assert (slow.shingles == fast.shingles).all()
    for place, text in enumerate(texts):
        assert (oracle(text, words, 16).hashvalues == slow.minima[:, place]).all()
        assert slow.shingles[place] == len(shingle_hashes(text, words))


@pytest.mark.slow
def test_both_kernels_give_the_bits_of_datasketch_on_real_text():
    files = sorted(FASTCHAT.glob("*conv*.json")) or sorted(FASTCHAT.glob("*.json"))
    if not files:
        pytest.skip("no real chats beside the repository")
    records = json.loads(files[0].read_text())
    texts = [turn["value"] for record in records[:60] for turn in record["conversations"]]

    slow, fast = kernels(pl.Series(texts), 5, 128)

    assert (slow.minima == fast.minima).all()
    assert (slow.same == fast.same).all()
    for place in range(0, len(texts), 7):
        assert (oracle(texts[place], 5, 128).hashvalues == slow.minima[:, place]).all()


@given(st.lists(MIXED | LONG, max_size=6), st.integers(1, 4))
def test_a_sketch_is_that_of_datasketch(texts, words):
    found = minhash.sketch(pl.Series(texts, dtype=pl.String), words=words, permutations=16)

    for place, text in enumerate(texts):
        assert (oracle(text, words, 16).hashvalues == found.minima[:, place]).all()


@given(st.lists(LONG, min_size=1, max_size=6), st.integers(1, 3), st.integers(2, 7))
def test_threads_change_no_bit(texts, words, threads):
    series = pl.Series(texts * 3)

    one = minhash.sketch(series, words=words, permutations=16, threads=1)
    many = minhash.sketch(series, words=words, permutations=16, threads=threads)

    assert (one.minima == many.minima).all()
    assert (one.same == many.same).all()


def test_a_null_is_an_empty_text_and_a_slice_is_its_texts():
    series = pl.Series(["first", None, "", "last"])

    found = minhash.sketch(series[1:3], words=5, permutations=16)

    assert found.same[0] == found.same[1]
    assert minhash.sketch(pl.Series([], dtype=pl.String), words=5, permutations=16).minima.shape == (16, 0)


def test_a_signature_can_be_looked_up_in_datasketch():
    text = "the quick brown fox jumps over the lazy dog and runs away into the dark wood"
    found = minhash.sketch(pl.Series([text, text + " again"]), words=3, permutations=128)
    index = MinHashLSH(threshold=0.6, num_perm=128)
    index.insert("first", MinHash(128, hashvalues=found.minima[:, 0], scheme="affine32"))

    hits = index.query(MinHash(128, hashvalues=found.minima[:, 1], scheme="affine32"))

    assert hits == ["first"]


def test_equal_minima_are_as_frequent_as_jaccard_says():
    """The S-curve of MinHash: over many pairs the share of equal minima is the Jaccard, within its error."""
    rng = np.random.default_rng(5)
    texts = []
    for _ in range(120):
        words = [f"w{number}" for number in rng.integers(0, 10**6, 200)]
        changed = [f"v{number}" if rng.random() < 0.02 else word for number, word in enumerate(words)]
        texts += [" ".join(words), " ".join(changed)]
    left, right = np.arange(0, 240, 2), np.arange(1, 240, 2)

    found = minhash.sketch(pl.Series(texts), words=5, permutations=256)
    exact = jaccards(pl.Series(texts), left, right, words=5)

    estimated = (found.minima[:, left] == found.minima[:, right]).mean()
    error = np.sqrt((exact * (1 - exact)).mean() / (256 * len(exact)))
    assert abs(estimated - exact.mean()) < 4 * error
