from __future__ import annotations

import base64
import hashlib
import re

import pytest

from dataforge.report.build_report import build_page
from dataforge.report.eval_report import eval_page
from tests.report.html_page import Page
from tests.report.run_record import a_run, an_empty_run, an_eval

PAGES = {
    "build": lambda: build_page(a_run()),
    "empty build": lambda: build_page(an_empty_run()),
    "build without stages": lambda: build_page(a_run(stages=[], datasets=[], profile={})),
    "build of an empty record": lambda: build_page({}),
    "evaluation": lambda: eval_page(an_eval()),
    "evaluation of nothing": lambda: eval_page(an_eval(models=[], results=[])),
    "evaluation of an empty record": lambda: eval_page({}),
}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(PAGES[request.param]())


def test_every_element_is_closed_in_order(page: Page):
    assert page.mistakes == []
    assert page.tags.count("main") == page.tags.count("h1") == 1


def test_nothing_is_loaded_from_anywhere(page: Page):
    attributes = [str(value) for _, each in page.elements for value in each.values()]
    loading = {name for _, each in page.elements for name in each} & {"src", "srcset", "action", "style", "onclick"}

    assert not [text for text in [*attributes, page.one("style"), page.one("script")] if "http" in text.lower()]
    assert loading == set()
    assert [value for value in page.values("href") if not value.startswith("#")] == ["data:,"]
    assert not re.search(r"url\((?!#)|@import|fetch|XMLHttp|innerHTML", page.one("style") + page.one("script"))


def test_the_policy_allows_this_script_and_this_style_alone(page: Page):
    policy = next(each["content"] for tag, each in page.elements if each.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == digest(page.one("script"))
    assert rules["style-src"] == digest(page.one("style"))
    assert page.tags.count("script") == page.tags.count("style") == 1


def test_every_id_is_given_once_and_every_link_finds_its_target(page: Page):
    ids = page.values("id")
    links = [value.removeprefix("#") for value in page.values("href") if value.startswith("#")]
    named = [each for value in page.values("aria-labelledby") for each in value.split()]

    assert len(ids) == len(set(ids))
    assert set(links) | set(named) <= set(ids)


def test_the_contents_list_every_section(page: Page):
    sections = [each["id"] for tag, each in page.elements if tag == "section"]
    first = page.tags.index("nav")
    listed = [each["href"] for tag, each in page.elements[first:] if tag == "a" and "aria-label" not in each]

    assert [f"#{section}" for section in sections] == listed[: len(sections)]


def test_every_table_has_a_caption_and_every_heading_a_scope(page: Page):
    assert page.tags.count("caption") == page.tags.count("table")
    assert all(each.get("scope") in {"col", "row"} for tag, each in page.elements if tag == "th")


def test_every_chart_has_a_title_and_a_description(page: Page):
    charts = [each for tag, each in page.elements if tag == "svg" and each.get("role") == "img"]
    silent = [each for tag, each in page.elements if tag == "svg" and each.get("role") != "img"]

    assert all(len(str(each["aria-labelledby"]).split()) == 2 for each in charts)
    assert all(each.get("aria-hidden") == "true" for each in silent)
    assert page.tags.count("desc") == len(charts)


def test_controls_that_need_the_script_are_hidden_without_it(page: Page):
    for place, (tag, each) in enumerate(page.elements):
        if tag in {"button", "input"}:
            before = [other for name, other in page.elements[:place] if name == "p"][-1]
            assert "hidden" in each or "hidden" in before


def test_an_empty_page_is_small():
    assert len(build_page(an_empty_run())) < 150_000
    assert len(Page(build_page(a_run())).one("script")) < 20_000


@pytest.mark.parametrize("name", PAGES)
def test_the_same_record_gives_the_same_bytes(name: str):
    assert PAGES[name]() == PAGES[name]()
