"""Who stays."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.survivors import best_first, check_named, check_order, choose_survivors, evidence_wanted

SPLITS = ["reference", "test", "validation", "train"]


def evidence_of(splits, same=None, characters=None) -> pl.DataFrame:
    rows = len(splits)
    return pl.DataFrame(
        {
            "split": splits,
            "corpus": ["chat"] * rows,
            "same": pl.Series(same if same is not None else range(rows), dtype=pl.UInt64),
            "characters": pl.Series(characters or [1] * rows, dtype=pl.UInt32),
            "best": pl.Series([None] * rows, dtype=pl.Float64),
        }
    )


def pairs_of(*pairs) -> pl.DataFrame:
    schema = {"left": pl.UInt32, "right": pl.UInt32, "score": pl.Float64}
    return pl.DataFrame([(*pair, 0.9)[:3] for pair in pairs], schema=schema, orient="row")


@st.composite
def corpora(draw):
    rows = draw(st.integers(1, 10))
    splits = draw(st.lists(st.sampled_from(SPLITS), min_size=rows, max_size=rows))
    same = draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows))
    first = [same.index(each) for each in same]
    nodes = sorted(set(first))
    possible = [(a, b) for a in nodes for b in nodes if a < b]
    pairs = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    return splits, same, pairs


@given(corpora(), st.sampled_from(["first", "longest"]))
def test_who_goes_is_alike_to_who_stays_and_no_two_that_stay_are_alike(corpus, keep):
    splits, same, pairs = corpus
    first = [same.index(each) for each in same]

    def are_alike(one: int, other: int) -> bool:
        a, b = sorted((first[one], first[other]))
        return a == b or (a, b) in pairs

    gone = choose_survivors(evidence_of(splits, same), pairs_of(*pairs), keep=keep)

    losers = set(gone["index"])
    for loser, winner, _ in gone.iter_rows():
        assert winner not in losers
        assert are_alike(loser, winner)
        assert SPLITS.index(splits[winner]) <= SPLITS.index(splits[loser])
        assert splits[loser] != "reference"
    stay = [row for row in range(len(splits)) if row not in losers and splits[row] != "reference"]
    assert not [(a, b) for a in stay for b in stay if a < b and are_alike(a, b)]


def test_of_a_chain_both_ends_stay():
    gone = choose_survivors(evidence_of(["train"] * 3), pairs_of((0, 1), (1, 2)), keep="first")

    assert gone.rows() == [(1, 0, 0.9)]


def test_a_training_row_goes_because_of_a_later_test_row():
    gone = choose_survivors(evidence_of(["train", "test"]), pairs_of((0, 1)), keep="first")

    assert gone["index"].to_list() == [0]


def test_the_longest_stays():
    gone = choose_survivors(evidence_of(["train"] * 2, characters=[3, 9]), pairs_of((0, 1)), keep="longest")

    assert gone["index"].to_list() == [0]


def test_the_row_with_the_best_evidence_stays_and_one_without_any_does_not():
    evidence = evidence_of(["train"] * 3, same=[1, 1, 1]).with_columns(best=pl.Series([0.2, None, 0.7]))

    gone = choose_survivors(evidence, pairs_of(), keep="best:length_filter.value")

    assert gone.select("index", "because_of").rows() == [(0, 2), (1, 2)]


def test_a_million_equal_rows_are_no_work():
    evidence = pl.select(
        split=pl.repeat("train", 1_000_000),
        corpus=pl.lit("chat"),
        same=pl.lit(5, dtype=pl.UInt64),
        characters=pl.lit(1, dtype=pl.UInt32),
    )

    gone = choose_survivors(evidence, pairs_of(), keep="first")

    assert gone.height == 999_999
    assert gone["because_of"].unique().to_list() == [0]


def test_a_wrong_order_is_refused():
    with pytest.raises(ValueError, match="give both or neither"):
        check_order("first", ("a",))
    with pytest.raises(ValueError, match="twice"):
        check_order("source_order", ("a", "a"))
    with pytest.raises(ValueError, match="the sources are chat"):
        check_named(("forum",), ("chat",))


def test_best_names_a_step_and_its_column():
    assert evidence_wanted("best:quality.score") == ("quality", "score")
    assert evidence_wanted("longest") is None
    assert len(best_first("first", ())) == 2
