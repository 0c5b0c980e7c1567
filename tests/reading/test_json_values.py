import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.reading.drafts import RecordFaultError
from dataforge.reading.json_values import Extent, extent_of, needs_more, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_json_is_read_as_it_was_written(value, is_ascii):
    data = json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")

    if any("\ud800" <= char <= "\udfff" for char in data.decode("utf-8", "surrogatepass")):
        return
    assert parse_json(data) == (value, [])


@pytest.mark.parametrize(
    ("data", "value", "codes"),
    [
        (rb'{"a": "x\ud83d"}', {"a": "x\ufffd"}, ["lone-surrogate"]),
        (rb'{"\udc00": ["\ud83d\ude00"]}', {"\ufffd": ["\U0001f600"]}, ["lone-surrogate"]),
        (b'{"a": NaN, "b": [-Infinity, 1]}', {"a": None, "b": [None, 1]}, ["nan-number"]),
        (b'{"a": "one\ntwo\x00"}', {"a": "one\ntwo\x00"}, ["control-character"]),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}, []),
        (
            b'{"a": "\\ud800 \x01", "b": NaN}',
            {"a": "\ufffd \x01", "b": None},
            ["nan-number", "control-character", "lone-surrogate"],
        ),
    ],
)
def test_what_can_be_mended_is_mended_and_named(data, value, codes):
    assert parse_json(data) == (value, codes)


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b'{"a": "caf\xe9"}', "bad-utf8", "byte 10 of the record: e9 22 7d"),
        (b'{"a" 1}', "not-json", "at character 5"),
        (b"plain text", "not-json", "at character 0"),
        (b"", "not-json", "at character 0"),
        (b"[" * 100_000, "not-json", ""),
        (b"9" * 5_000 + b"x", "not-json", ""),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(data, code, place):
    with pytest.raises(RecordFaultError) as caught:
        parse_json(data)

    assert caught.value.code == code
    assert place in caught.value.detail


@given(VALUES.filter(lambda value: isinstance(value, dict | list | str)), st.binary(max_size=10))
def test_the_end_of_a_value_is_found_whatever_follows(value, after):
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")

    assert extent_of(data + after).end == len(data)


@given(VALUES.filter(lambda value: isinstance(value, dict | list | str)), st.data())
def test_a_value_that_breaks_off_is_no_broken_value(value, data):
    whole = json.dumps(value)
    cut = data.draw(st.integers(0, len(whole) - 1))

    assert needs_more(whole[:cut].encode())


def test_damage_within_a_value_is_told_from_a_value_that_breaks_off():
    assert extent_of(b'{"a": "b"c"}') == Extent(fault="Expecting ',' delimiter at character 9 of the record")
    assert extent_of(b'{"a": "b') == Extent()
