"""Overlaps of texts with reference texts: words, n-grams, the index, spans."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text import overlap_words
from dataforge.text.overlap import covered_words, spans_of
from dataforge.text.overlap_index import ALWAYS_ALLOWED, Sizes, index_of
from dataforge.text.overlap_known import KnownHashes, distinct
from dataforge.text.overlap_sample import SAMPLE, merged, sample_texts
from dataforge.text.overlap_words import comparable, grams_of, letters_of, words_of
from dataforge.text.words import WORD, count_words
from tests.steps.rows import DEAR, ODD_TEXT

WORDY = st.lists(st.sampled_from(["amber", "Basil,", "中", "文", "cedar’s", "no", "1234"]), max_size=14).map(" ".join)
NONE = pl.Series("text", [], dtype=pl.String)


def series(*texts: str) -> pl.Series:
    return comparable(pl.Series("text", texts, dtype=pl.String))


def references(*texts: str, may_be_short: bool = True, may_be_whole: bool = True) -> pl.DataFrame:
    return series(*texts).to_frame().with_columns(may_be_short=may_be_short, may_be_whole=may_be_whole)


def found(
    texts: pl.Series, known: pl.DataFrame, sizes: Sizes, sample: pl.Series = NONE, share: float = 1.0
) -> pl.DataFrame:
    index = index_of(known, sample, sizes, share)
    lines = index["line"]
    spans = spans_of(
        texts, known["text"].gather(lines), index.with_columns(line=pl.int_range(pl.len(), dtype=pl.UInt32))
    )
    return spans.with_columns(line=lines.gather(spans["line"]))


def spelled(text: str) -> list[str]:
    """Take a text apart slowly."""
    small = pl.Series([text]).str.extract_all(WORD)[0].to_list()
    return [word.lower().replace("’", "'") for word in small]


def hashes(texts: pl.Series) -> dict[int, list[int]]:
    every: dict[int, list[int]] = {}
    for words in words_of(texts):
        for text, each in zip(words.text.tolist(), words.hashes.tolist(), strict=True):
            every.setdefault(text, []).append(each)
    return every


@given(st.lists(ODD_TEXT, max_size=5))
def test_words_are_those_that_are_counted_elsewhere(texts):
    whole = series(*texts)

    found_words = hashes(whole)

    assert [len(found_words.get(place, [])) for place in range(len(texts))] == count_words(whole).to_list()


@given(st.lists(ODD_TEXT | WORDY, min_size=1, max_size=5))
def test_the_hashes_of_a_text_do_not_depend_on_its_neighbours(texts):
    together = hashes(series(*texts))

    alone = [hashes(series(text)).get(0, []) for text in texts]

    assert [together.get(place, []) for place in range(len(texts))] == alone


@given(st.lists(WORDY, max_size=4), st.integers(1, 5))
def test_ngrams_have_one_hash_just_when_their_words_are_the_same(texts, size):
    grams: dict[int, set[tuple[str, ...]]] = {}
    count = 0
    for words in words_of(series(*texts)):
        found_grams = grams_of(words, size)
        for each, first in zip(found_grams.hashes.tolist(), found_grams.first.tolist(), strict=True):
            letters, ends = letters_of(words)
            spans = zip(np.concatenate(([0], ends))[first : first + size], ends[first : first + size], strict=True)
            grams.setdefault(each, set()).add(tuple("".join(map(chr, letters[at:to])) for at, to in spans))
            count += 1

    spelt = [spelled(text) for text in texts]
    expected = [tuple(each[at : at + size]) for each in spelt for at in range(len(each) - size + 1)]
    assert count == len(expected)
    assert sorted(grams.values(), key=str) == sorted(({each} for each in set(expected)), key=str)


def test_case_width_and_apostrophes_do_not_tell_words_apart():
    whole = hashes(series("Don’t STOP the ＣＡＦÉ", "don't stop the cafe\u0301", "don't stop, the: CAFÉ!"))

    assert whole[0] == whole[1] == whole[2]
    assert len(whole[0]) == 4


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_word_longer_than_a_piece_and_many_pieces_in_one_text_are_no_trouble(letter):
    long_word = letter * (5 * overlap_words._PIECE)
    many = f"{letter}mber basil cedar " * (overlap_words._PIECE // 4)

    every = hashes(series(f"{letter}mber basil", many, long_word, f"{letter}mber basil"))

    assert every[0] == every[3] == every[1][:2] == every[1][-3:-1]
    assert len(every[1]) == 3 * (overlap_words._PIECE // 4)
    assert hashes(series(long_word))[0] == every[2]


@DEAR
@given(st.lists(WORDY, max_size=5), st.lists(WORDY, min_size=1, max_size=4, unique=True), st.integers(3, 5))
def test_spans_are_what_a_slow_comparison_finds(texts, known, size):
    known = list(dict.fromkeys(series(*known)))
    spans = found(series(*texts), references(*known, may_be_short=False, may_be_whole=False), Sizes(size, size))

    covered = {
        (text, line): (words, most)
        for text, line, words, most in covered_words(spans, ["text", "line"])
        .select("text", "line", "covered", "words")
        .iter_rows()
    }

    for text, said in enumerate(map(spelled, texts)):
        for line, theirs in enumerate(map(spelled, known)):
            places = slow_places(said, theirs, size)
            expected = len({place + more for place in places for more in range(size)})
            assert covered.get((text, line), (0, 0))[0] == expected
            if expected:
                assert size <= covered[text, line][1] <= expected


def slow_places(said: list[str], theirs: list[str], size: int) -> list[int]:
    """Give the places of the n-grams of a reference that a text repeats and that say something."""
    ours = {tuple(said[at : at + size]) for at in range(len(said) - size + 1)}
    telling = {"amber", "basil", "cedar's", "中", "文"}
    grams = [(at, tuple(theirs[at : at + size])) for at in range(len(theirs) - size + 1)]
    return [at for at, gram in grams if gram in ours and len(set(gram) & telling) >= 3]


@DEAR
@given(st.lists(WORDY, max_size=4), st.lists(WORDY, min_size=1, max_size=3, unique=True))
def test_a_span_shows_the_words_that_the_reference_has_there(texts, known):
    known = list(dict.fromkeys(series(*known)))
    spans = found(series(*texts), references(*known), Sizes(4, 3))

    for line, place, words, shown in spans.select("line", "place", "words", "shown").iter_rows():
        assert spelled(shown) == spelled(known[line])[place : place + words]


def test_a_hash_that_fits_by_chance_is_no_span():
    known = references("amber basil cedar daisy elder", "fennel garlic hazel iris juniper")
    index = index_of(known, NONE, Sizes(5, 5), 1.0)
    swapped = index.with_columns(pl.col("hashes").reverse())

    assert spans_of(series("amber basil cedar daisy elder"), known["text"], index).height == 1
    assert spans_of(series("amber basil cedar daisy elder"), known["text"], swapped).is_empty()


def test_a_span_bridges_ngrams_that_are_no_evidence():
    text = "amber basil cedar daisy it is elder fennel garlic hazel"
    spans = found(series(f"so {text}"), references(text), Sizes(4, 4))

    assert spans.select("place", "words").rows() == [(0, 10)]


def test_ngrams_of_more_texts_than_are_allowed_are_left_out():
    phrase = "amber basil cedar daisy"
    shared = [f"{phrase} number{place} follows behind" for place in range(ALWAYS_ALLOWED + 1)]
    sample = series(*(f"before {text}" for text in shared))

    assert found(series(phrase), references(*shared[:-1]), Sizes(4, 4)).height == ALWAYS_ALLOWED
    assert found(series(phrase), references(*shared), Sizes(4, 4), share=0.5).is_empty()
    assert found(series(phrase), references(phrase), Sizes(4, 4), sample[:-1], 0.5).height == 1
    assert found(series(phrase), references(phrase), Sizes(4, 4), sample, 0.5).is_empty()
    assert found(series(phrase), references(phrase), Sizes(4, 4), sample, 1.0).height == 1


def test_ngrams_of_one_and_two_words_must_tell_with_all_of_them():
    assert found(series("so amber basil is"), references("amber basil"), Sizes(2, 2))["words"].to_list() == [2]
    assert found(series("so amber is"), references("amber is"), Sizes(1, 1))["words"].to_list() == [1]
    assert found(series("so amber is"), references("amber is"), Sizes(2, 2)).is_empty()


def test_the_words_of_evidence_are_those_that_some_ngram_covers():
    known = references("amber basil cedar daisy it is as it was on to us fennel garlic hazel iris")

    index = index_of(known, NONE, Sizes(4, 4), 1.0)

    assert index.select("words", "evidence_words").row(0) == (16, 10)


def test_a_text_that_says_one_thing_a_million_times_is_read_in_no_time():
    sentence = "amber basil cedar daisy elder "
    known = references(sentence * 1_000, sentence)

    spans = found(series(sentence * 100_000), known, Sizes(4, 4))

    assert 0 < spans.height < 200


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.lists(st.integers(0, 2**64 - 1), max_size=50), st.data())
def test_known_hashes_are_found_and_no_others(known, others, data):
    asked = np.array(data.draw(st.permutations([*known, *others])), np.uint64)

    where = KnownHashes(np.array(known, np.uint64)).where(asked)

    assert where.tolist() == [place for place, value in enumerate(asked.tolist()) if value in known]
    assert distinct(asked).tolist() == sorted(set(asked.tolist()))


@given(st.lists(st.sampled_from("abcdefghijklm"), max_size=30), st.integers(0, 30), st.integers(1, 12))
def test_a_sample_is_the_same_in_whatever_parts_a_corpus_comes(texts, cut, size):
    parts = [pl.Series(texts[:cut], dtype=pl.String), pl.Series(texts[cut:], dtype=pl.String)]

    whole = merged([sample_texts(pl.Series(texts, dtype=pl.String), size)], size)

    assert merged([sample_texts(part, size) for part in parts], size)["text"].equals(whole["text"])
    assert whole.schema == pl.Schema(SAMPLE)
    assert whole["text"].is_unique().all()
    assert whole.height == min(size, len(set(texts)))


def test_a_sample_of_unequal_parts_leans_to_none():
    many, few = (
        pl.Series([f"many {place}" for place in range(2_000)]),
        pl.Series([f"few {place}" for place in range(200)]),
    )

    sample = merged([sample_texts(many, 100), sample_texts(few, 100)], 100_000)

    # Of 2,200 texts a twentieth at most is below the bound of the larger part; each part is hit in proportion.
    share = sample["text"].str.starts_with("few").mean()
    assert 90 <= sample.height <= 130
    assert share == pytest.approx(200 / 2_200, abs=0.08)
