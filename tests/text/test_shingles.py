"""What a shingle is."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.shingles import folded_text, folded_words, hash_of_characters, shingle_hashes
from dataforge.text.words import count_words

MIXED = st.text(st.sampled_from("ab AB'’.,+\n\t1é\u0301ßΣς中文のไทย😀\u3000_-"), max_size=40)


@given(MIXED)
def test_words_are_those_that_are_counted(text):
    assert len(folded_words(text)) == count_words(pl.Series([text]))[0]


def test_case_does_not_tell_words_apart():
    assert folded_words("DON'T Stop, Ätna") == folded_words("don't stop ätna") == ["don't", "stop", "ätna"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("How do I learn C?", "How do I learn C++?"), ("What is 2+2?", "What is 2-2?"), ("no no no", "no no"), ("?", "!")],
)
def test_two_different_short_texts_share_nothing(one, other):
    assert not set(shingle_hashes(one, 5)) & set(shingle_hashes(other, 5))


@given(st.text(max_size=20))
def test_a_short_text_equals_itself_but_for_case_and_spaces(text):
    wide = "  " + folded_text(text).replace(" ", " \n ") + "\t"

    assert shingle_hashes(text, 30) == shingle_hashes(wide, 30) == [hash_of_characters(folded_text(text))]


def test_a_long_text_has_its_word_n_grams():
    text = "one two three four five six"

    assert len(shingle_hashes(text, 2)) == 5
    assert shingle_hashes(text, 2)[1:] == shingle_hashes("two three four five six", 2)


def test_hashes_of_numbered_words_do_not_collide():
    hashes = {hash_of_characters(f"word{number}") for number in range(50_000)}

    assert len(hashes) == 50_000
    assert len({value >> 32 for value in hashes}) > 49_990  # 0.3 collisions are expected in 32 bits
