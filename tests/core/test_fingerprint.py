"""Names made from content."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.fingerprint import canonical_json, fingerprint, short_id, unit_interval

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_the_order_of_keys_changes_no_fingerprint(value):
    backwards = dict(reversed(list(value.items())))

    assert fingerprint(backwards) == fingerprint(value)


@given(json_values)
def test_canonical_json_loses_nothing(value):
    assert json.loads(canonical_json(value).decode("utf-8", errors="surrogatepass")) == value


def test_nan_has_no_fingerprint():
    with pytest.raises(ValueError, match="JSON"):
        fingerprint({"loss": float("nan")})


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_parts_that_only_join_to_the_same_text_have_different_ids(left, right):
    assert (short_id(*left) == short_id(*right)) == (left == right)


@given(st.text(), st.text())
def test_a_draw_lies_in_the_unit_interval_and_depends_on_its_parts_alone(seed, label):
    draw = unit_interval(seed, label)

    assert 0 <= draw < 1
    assert draw == unit_interval(seed, label)


def test_draws_are_spread_evenly():
    draws = [unit_interval("test", str(number)) for number in range(10_000)]

    share = sum(draw < 0.1 for draw in draws) / len(draws)

    # Four standard errors of a share of .1 in 10,000 draws.
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / 10_000) ** 0.5
