"""The rules of one form for text."""

from __future__ import annotations

import sys
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.normalize import normalizer, tidy
from tests.steps.rows import ODD_TEXT

FORMS = st.sampled_from(["NFC", "NFKC"])
LINES = st.lists(
    st.sampled_from(["", " ", "x", "  y  ", "```", "```py ", "~~~", "````", "- ```js", "> ```", "a ``` b", "\t"]),
    max_size=12,
).map("\n".join)
TEXTS = st.one_of(ODD_TEXT, LINES, st.text(max_size=12))


def is_of_interest(character: str) -> bool:
    """Leave out the characters that no rule knows, and the surrogates, which no UTF-8 holds."""
    kind = unicodedata.category(character)
    return kind != "Cs" and (kind[0] in "CZ" or unicodedata.normalize("NFKD", character) != character) and kind != "Cn"


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=8), FORMS)
def test_the_guards_pass_over_no_text_that_a_rule_would_change(texts, form):
    found = normalizer(form, mojibake=False)(pl.Series(texts, dtype=pl.String))

    assert found.to_list() == [None if text is None else tidy(text, form) for text in texts]


@given(TEXTS, FORMS)
def test_twice_is_once(text, form):
    once = tidy(text, form)

    assert tidy(once, form) == once


def test_each_character_comes_out_in_one_form_that_stays():
    # Forms of characters that hold odd spaces or controls would need a second pass; there must be none.
    characters = [each for each in map(chr, range(sys.maxunicode + 1)) if is_of_interest(each)]
    for form in ("NFC", "NFKC"):
        once = normalizer(form, mojibake=False)(pl.Series([f"a{character}b" for character in characters]))

        assert normalizer(form, mojibake=False)(once).equals(once)
        assert not once.str.contains(r"[\p{Cc}--[\n\t]]").any()
        assert not once.str.contains(r"[\p{Z}--\x20]").any()


@given(TEXTS, FORMS)
def test_what_comes_out_is_normalized_and_tidy(text, form):
    found = tidy(text, form)

    assert unicodedata.is_normalized(form, found)
    assert "\r" not in found
    if "```" not in found and "~~~" not in found:
        assert all(line == line.rstrip(" \t") for line in found.split("\n"))
        assert "\n\n\n\n" not in found
        assert found == found.strip("\n")


@given(st.text(st.sampled_from("ab \t\n"), max_size=20), LINES)
def test_code_within_a_fence_stays_as_it_is(code, around):
    fenced = f"~~~~~py\n{code}\n~~~~~"

    assert fenced in tidy(f"{around.replace('~', '').replace('`', '')}  \n{fenced}\n\n\n\n\n", "NFC")


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("a\u00a0b\u3000c\td", "a b c\td"),
        ("a\u200bb\ufeffc\x00d\u00ad", "abcd"),
        ("می\u200cخواهم 👨\u200d👩\u200d👧", "می\u200cخواهم 👨\u200d👩\u200d👧"),
        ("e\u0301", "é"),
        ("\n\n  a  \n\n\n\n\nb \n", "  a\n\n\nb"),
        ("x  \n```py  \n\tif a:  \n\n\n\n\n\n```  \ny  ", "x\n```py\n\tif a:  \n\n\n\n\n\n```  \ny"),
        ("```\nnever closed  \n\n\n\n\n", "```\nnever closed  \n\n\n\n\n"),
        ("use ```code``` here  \n\n\n\n\nb", "use ```code``` here\n\n\nb"),
        ("1. ```js\n   a  \n   ```\n\n\n\n\nb", "1. ```js\n   a  \n   ```\n\n\nb"),
        ("````\n```\na  \n````\nb  ", "````\n```\na  \n````\nb"),
        ("ｆｕｌｌ ﬁ", "ｆｕｌｌ ﬁ"),
    ],
)
def test_known_texts_become_their_known_forms(text, tidied):
    assert tidy(text, "NFC") == tidied


def test_nfkc_writes_widths_and_ligatures_plainly():
    assert tidy("ｆｕｌｌ ﬁ", "NFKC") == "full fi"


@pytest.mark.parametrize(
    "text", [" " * 200_000 + "x", "\t" * 200_000 + "x\n```\n```", "- " * 100_000 + "x\n```\n```", "`" * 200_000]
)
def test_long_runs_are_read_once(text):
    # Reading them once for each of their characters would take minutes.
    assert tidy(text, "NFC") == text
