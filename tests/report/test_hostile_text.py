from __future__ import annotations

import html
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.report.build_report import build_page
from dataforge.report.eval_report import eval_page
from dataforge.report.page import render_page
from dataforge.report.visible import clipped, is_hidden, marked, visible
from tests.report.html_page import Page
from tests.report.run_record import a_run, an_eval

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "--></style></title></textarea><script>alert(1)</script>",
    "\" onmouseover='alert(1)' x=\"",
    "{{ 7 * 7 }}{% raw %}{{ self }}",
    "\u202egnp.exe\u2066\u200b\u200f\ufeff\u00ad\u2028",
    "\x00\x01\x1b[31m\x7f\x85",
    "lone \ud800 surrogate, \ufffe and \U000e0041",
    "&lt;b&gt; &amp;quot; &#0; &",
    "]]><![CDATA[",
    "z\u0351\u0489" * 50,
]

# What decides how a record is read, and is written by the engine alone.
STRUCTURE = {"schema", "kind", "report", "started"}
NAMES_AS_KEYS = {
    "dropped",
    "rejected",
    "repaired",
    "meanings",
    "params",
    "where",
    "licenses",
    "languages",
    "rows",
    "views",
}


def poisoned(value: Any, text: str, key: str = "") -> Any:
    """Put a text into every string of a record: values, and those keys that are names."""
    if isinstance(value, dict):
        is_named = key in NAMES_AS_KEYS
        return {
            (f"{name} {text}" if is_named else name): poisoned(each, text, "rows" if key == "views" else name)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [poisoned(each, text, key) for each in value]
    if isinstance(value, str) and key not in STRUCTURE:
        return f"{value} {text}"
    return value


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("make", "record"), [(build_page, a_run), (eval_page, an_eval)])
def test_hostile_text_in_every_field_leaves_the_page_whole(make: Any, record: Any, text: str):
    clean = Page(make(record()))
    page = Page(make(poisoned(record(), text)))

    assert page.mistakes == []
    assert set(page.tags) <= {*clean.tags, "span"}
    assert page.tags.count("script") == page.tags.count("style") == 1
    assert {name for _, each in page.elements for name in each} <= {name for _, each in clean.elements for name in each}


@pytest.mark.parametrize("text", HOSTILE)
def test_hidden_characters_are_written_out_wherever_they_stand(text: str):
    page = build_page(poisoned(a_run(), text)).decode()

    assert not [letter for letter in set(page) if is_hidden(letter)]
    assert all(f"U+{ord(letter):04X}" in page for letter in text if is_hidden(letter))


@pytest.mark.parametrize(
    "field", ["excerpt", "detail", "because_of", "row_id", "reason", "corpus", "name", "label", "recipe", "folder"]
)
def test_a_megabyte_in_a_field_makes_no_megabyte_of_page(field: str):
    def grown(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: grown(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [grown(each, key) for each in value]
        return "<b>\u202e" * 200_000 if key == field else value

    page = Page(build_page(grown(a_run())))

    assert page.mistakes == []
    assert len(page.source) < 400_000


def test_a_long_text_says_how_long_it_was():
    assert clipped("abc" * 1_000, 10) == "abcabcabca… (3,000 characters)"
    assert clipped("abc", 3) == "abc"


def test_markup_in_an_example_is_shown_as_it_was_found():
    run = a_run()
    run["stages"][-1]["examples"][0]["excerpt"] = "<script>alert(1)</script>"

    assert "<script>alert(1)</script>" in Page(build_page(run)).text


def test_a_title_is_text():
    page = Page(render_page("</title><script>", "eval", **_nothing()))

    assert page.mistakes == []
    assert page.one("title") == "</title><script>"


def _nothing() -> dict[str, Any]:
    empty = ("answers", "metrics", "models", "names", "notices")
    return {"record": {}, "name": "", "headline": "", "started": "", "command_line": "", **{name: [] for name in empty}}


@given(st.text(st.characters()))
def test_no_text_hides_a_character(text: str):
    assert not any(is_hidden(letter) for letter in visible(text))
    assert not any(is_hidden(letter) for letter in marked(text))


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Cn"])))
def test_text_without_hidden_characters_stays_as_it_is(text: str):
    assert visible(text) == text
    assert html.unescape(str(marked(text))) == text


@given(st.characters())
def test_what_turns_the_direction_of_text_is_hidden(letter: str):
    turns = unicodedata.bidirectional(letter) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

    assert is_hidden(letter) or not turns


def test_line_ends_tabs_and_letters_of_every_script_are_not_hidden():
    assert not any(map(is_hidden, "\n\t aÅΣ中文हिन्दीעברית😀…\u0301\u3000"))
