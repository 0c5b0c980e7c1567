"""Words are counted as the expression says, by whichever way is faster."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.words import WORD, count_words

texts = st.lists(st.none() | st.text(max_size=30) | st.text(alphabet="ab' \n_9.’é中", max_size=30), max_size=12)


@given(texts)
def test_every_way_of_counting_gives_what_the_expression_gives(said):
    series = pl.Series(said, dtype=pl.String)

    assert count_words(series).to_list() == series.str.count_matches(WORD).to_list()


def test_known_sentences():
    said = ["don't stop", "a''b", "rock 'n' roll", "", "x_1 y-2", "naïve café", "你好 world", None]

    assert count_words(pl.Series(said)).to_list() == [2, 2, 3, 0, 3, 2, 3, None]
