"""Listed words in texts."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import RecipeError
from dataforge.text import keywords
from dataforge.text.keywords import check_pattern, first_match, read_words, regex_patterns, word_patterns
from tests.steps.rows import DEAR

WORDS = st.lists(st.text(st.sampled_from("abC1_.+"), min_size=1, max_size=3), min_size=1, max_size=5)
SAID = st.lists(st.lists(st.text(st.sampled_from("abcC1_.+ \n"), max_size=12), max_size=3), max_size=4)


def found(said, patterns):
    return first_match(pl.Series(said, dtype=pl.List(pl.String)), patterns).to_list()


def says(text: str, word: str, *, whole: bool) -> bool:
    """Look for a word as a person would: at every place, with a look at its neighbours."""
    is_word = re.compile(r"\w").match
    for place in range(len(text) - len(word) + 1):
        if text[place : place + len(word)].lower() == word.lower():
            before, after = text[place - 1 : place] if place else "", text[place + len(word) : place + len(word) + 1]
            if not whole or not ((is_word(word[0]) and is_word(before)) or (is_word(word[-1]) and is_word(after))):
                return True
    return False


@DEAR
@given(SAID, WORDS, st.booleans())
def test_a_row_matches_where_a_slow_search_finds_one_of_the_words(said, words, whole):
    matched = found(said, word_patterns(words, whole_words=whole, ignore_case=True))

    expected = [any(says(text, word, whole=whole) for text in row for word in words) for row in said]
    assert [match is not None for match in matched] == expected
    assert all(match.lower() in map(str.lower, words) for match in matched if match is not None)


@DEAR
@given(SAID, WORDS)
def test_a_long_list_in_several_patterns_matches_the_same_rows(said, words):
    whole = found(said, word_patterns(words, whole_words=True, ignore_case=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keywords, "_WORDS_A_PATTERN", 1)
        cut = found(said, word_patterns(words, whole_words=True, ignore_case=True))

    assert [match is None for match in cut] == [match is None for match in whole]


@pytest.mark.parametrize(
    ("text", "word", "match"),
    [
        ("A Cat.", "cat", "Cat"),
        ("education", "cat", None),
        ("I like C++.", "c++", "C++"),
        ("credit\n  card", "credit card", "credit\n  card"),
        ("ÉCOLE", "école", "ÉCOLE"),
        ("我喜欢天安门广场", "天安门", "天安门"),
        ("使用AI技术", "ai", "AI"),
        ("cafés", "café", None),
        ("snake_case", "snake", None),
    ],
)
def test_a_whole_word_is_found_in_its_own_script(text, word, match):
    assert found([[text]], word_patterns([word], whole_words=True, ignore_case=True)) == [match]


def test_a_phrase_is_not_found_across_two_messages():
    assert found([["credit", "card"]], word_patterns(["credit card"], whole_words=True, ignore_case=True)) == [None]


def test_capitals_count_on_request():
    assert found([["us"], ["US"]], word_patterns(["US"], whole_words=True, ignore_case=False)) == [None, "US"]


def test_a_pattern_gives_its_whole_match_whatever_groups_it_has():
    patterns = regex_patterns([r"(?P<year>19|20)(\d\d)", "^never"], ignore_case=True)

    assert found([["in 1984"], ["a", "Never!"], ["a never"], []], patterns) == ["1984", "Never", None, None]


def test_a_bad_pattern_is_named_with_what_is_wrong():
    with pytest.raises(ValueError, match=r"'a\(b' is no regular expression \(Rust syntax\): unclosed group"):
        check_pattern("a(b")


def test_a_word_list_has_one_word_a_line_and_remarks(tmp_path):
    file = tmp_path / "words.txt"
    file.write_bytes("\ufeff# remarks\n\n  one two \r\nthree\n".encode())

    assert [(word, where.line) for word, where in read_words(file)] == [("one two", 3), ("three", 4)]


def test_a_word_list_that_is_not_text_or_not_there_is_named(tmp_path):
    (tmp_path / "words.txt").write_bytes(b"ok\n\xff\n")

    with pytest.raises(RecipeError, match="must be UTF-8") as told:
        read_words(tmp_path / "words.txt")
    assert told.value.where.byte == 3
    with pytest.raises(RecipeError, match="No such file"):
        read_words(tmp_path / "none.txt")
