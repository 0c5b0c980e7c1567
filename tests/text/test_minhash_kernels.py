"""The compiled loops at the places where they could err: borders of blocks, of ASCII, of texts and of sizes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.minhash import Sketch, buffers, draw_permutations
from dataforge.text.shingles import shingle_hashes

# Mostly ASCII with apostrophes, in lengths around one, two and three blocks of 64 bytes.
CROWDED = st.text(st.sampled_from("abcdeXYZ09__'''  .\n"), min_size=50, max_size=200)
SPRINKLED = st.text(st.sampled_from("abcdefghijkLMNOP'  \n’é—中K\U0001d54f\U000e0101"), min_size=50, max_size=200)
LONG_WORDS = st.lists(st.integers(1, 70).map(lambda size: "Qwertyuiop" * 7 * (size > 60) + "x" * size), max_size=6)
TEXTS = st.lists(CROWDED | SPRINKLED | LONG_WORDS.map(" ".join) | st.text(max_size=90), max_size=5)

pytestmark = pytest.mark.slow  # loads the compiled kernel


def hashes_of(texts: list[str], words: int, first: int = 0) -> list[list[list[int]]]:
    from dataforge.text import minhash_numba, minhash_numpy

    data, offsets = buffers(pl.Series(texts, dtype=pl.String))
    found = []
    for kernel in (minhash_numba, minhash_numpy):
        hashes, starts, *_ = kernel.shingles_of(data, offsets, first, len(texts), words)
        found.append([hashes[begin:end].tolist() for begin, end in pairwise(starts)])
    return found


def sketches_of(texts: list[str], words: int, permutations: int) -> list[Sketch]:
    from dataforge.text import minhash_numba, minhash_numpy

    data, offsets = buffers(pl.Series(texts, dtype=pl.String))
    found = []
    for kernel in (minhash_numba, minhash_numpy):
        minima = np.zeros((permutations, len(texts)), dtype=np.uint32)
        sketch = Sketch(minima, np.zeros(len(texts), dtype=np.uint64), np.zeros(len(texts), dtype=np.uint32))
        kernel.fill(data, offsets, 0, len(texts), words, *draw_permutations(permutations, 3), sketch)
        found.append(sketch)
    return found


@given(TEXTS, st.integers(1, 5))
def test_both_kernels_follow_the_definition_across_blocks(texts, words):
    compiled, by_numpy = hashes_of(texts, words)

    assert compiled == by_numpy == [shingle_hashes(text, words) for text in texts]


@pytest.mark.parametrize("ahead", range(52, 68))
@pytest.mark.parametrize("word", ["don't", "x'", "'x", "a''b", "don’t", "a’", "it'sé", "中'a", "a'中", "ab" * 40])
def test_a_word_at_the_border_of_a_block_is_as_anywhere(ahead, word):
    text = "-" * ahead + word + " " + "b " * 40

    compiled, by_numpy = hashes_of([text], 1)

    assert compiled == by_numpy == [shingle_hashes(text, 1)]


@given(TEXTS, st.text(max_size=9), st.text(max_size=9))
def test_neighbours_do_not_change_a_text(texts, before, after):
    alone, _ = hashes_of(texts, 2)
    among, _ = hashes_of([before, *texts, after], 2)

    assert among[1:-1] == alone


@given(TEXTS.filter(bool), st.integers(1, 3))
def test_a_range_of_texts_is_hashed_as_the_whole(texts, words):
    whole, _ = hashes_of(["Ähnlich.", *texts], words)
    part, part_by_numpy = hashes_of(["Ähnlich.", *texts], words, first=1)

    assert part == part_by_numpy == whole[1:]


@pytest.mark.parametrize("permutations", [1, 31, 32, 33, 128])
def test_any_number_of_permutations_gives_the_same_bits(permutations):
    texts = [f"text {number} " + "of a few words or more, " * (number % 7) for number in range(37)]

    compiled, by_numpy = sketches_of(texts, 3, permutations)

    assert (compiled.minima == by_numpy.minima).all()
    assert (compiled.same == by_numpy.same).all()
    assert (compiled.shingles == by_numpy.shingles).all()


def test_more_shingles_than_are_mixed_together_give_the_same_bits():
    numbers = np.random.default_rng(2).integers(0, 10**6, 5000)
    texts = [" ".join(map(str, numbers[:size])) for size in (1023, 1024, 1025, 1029, 5000)]

    compiled, by_numpy = sketches_of(texts, 2, 8)

    assert (compiled.minima == by_numpy.minima).all()


def test_more_words_than_there_can_be_make_every_text_short():
    compiled, by_numpy = hashes_of(["one two three", ""], 10**12)

    assert compiled == by_numpy == [shingle_hashes("one two three", 99), shingle_hashes("", 99)]


def test_repeats_count_once_in_jaccard():
    from dataforge.text.minhash_numba import jaccards_of, shingles_of

    data, offsets = buffers(pl.Series(["a b a b a b", "b a b c", "x", "x"]))
    left, right = np.array([0, 1, 2, 0, 0]), np.array([1, 0, 3, 0, 2])

    scores = jaccards_of(*shingles_of(data, offsets, 0, 4, 2), left, right)

    # The first has two different shingles, the second these and one more.
    assert scores.tolist() == [2 / 3, 2 / 3, 1.0, 1.0, 0.0]
