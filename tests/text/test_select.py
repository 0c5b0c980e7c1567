"""Selectors, against a slow twin in plain Python."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dataforge.core.schema import ROLES, ROW
from dataforge.text.select import SELECTORS, Selector, joined, parse, texts
from tests.steps.rows import DEAR, frame, frames, message, response, row

PLACES = st.one_of(st.none(), st.integers(-5, 5))


def twin(line: dict[str, Any], name: str, place: int | None) -> list[str]:
    """Select as a person would, one row at a time."""
    ranked = sorted(line["responses"], key=lambda answer: answer["rank"])
    if name == "last":
        return twin(line, "conversation", -1)
    best = [said for answer in ranked[:1] for said in answer["messages"]]
    said = {
        "prompt": line["prompt"],
        "response": best,
        "chosen": [said for answer in ranked if answer["rank"] == 0 for said in answer["messages"]],
        "rejected": [said for answer in ranked if answer["rank"] > 0 for said in answer["messages"]],
        "responses": [said for answer in ranked for said in answer["messages"]],
        "row": line["prompt"] + [said for answer in ranked for said in answer["messages"]],
    }.get(name, line["prompt"] + best)
    contents = [each["content"] for each in said if name not in ROLES or each["role"] == name]
    if place is None:
        return contents
    return [contents[place]] if -len(contents) <= place < len(contents) else []


@DEAR
@given(frames(), st.sampled_from(sorted(SELECTORS)), PLACES)
def test_a_selector_answers_as_its_slow_twin(rows, name, place):
    selector = name if place is None or name == "last" else f"{name}[{place}]"

    found = texts(rows, selector)

    assert found.to_list() == [twin(line, name, place) for line in rows.iter_rows(named=True)]
    assert found.dtype == pl.List(pl.String)


@DEAR
@given(frames(), st.sampled_from(sorted(SELECTORS)))
def test_joining_puts_the_separator_between_messages_only(rows, name):
    assert joined(rows, name, "|").to_list() == ["|".join(said) for said in texts(rows, name).to_list()]


@DEAR
@given(frames(), st.integers(0, 6), st.sampled_from(sorted(SELECTORS)))
def test_a_part_of_a_frame_answers_as_it_does_in_the_whole(rows, cut, name):
    assert texts(rows[cut:], name).to_list() == texts(rows, name).to_list()[cut:]


def test_the_best_response_is_the_one_of_lowest_rank_wherever_it_stands():
    rows = frame(row("Q", [response("bad", rank=1), response("good", rank=0)]))

    assert texts(rows, "response").to_list() == [["good"]]
    assert texts(rows, "chosen").to_list() == [["good"]]
    assert texts(rows, "rejected").to_list() == [["bad"]]
    assert texts(rows, "row").to_list() == [["Q", "good", "bad"]]
    assert texts(rows, "conversation").to_list() == [["Q", "good"]]


def test_a_message_without_content_reads_as_the_empty_string():
    rows = frame(row([message("user", "Q"), message("assistant", None, tool_calls="[]")], []))

    assert texts(rows, "prompt").to_list() == [["Q", ""]]


def test_no_rows_give_no_texts():
    assert texts(pl.DataFrame(schema=ROW), "user[-1]").to_list() == []


@pytest.mark.parametrize(
    ("wrong", "meant"), [("asistant", "assistant"), ("User[0]", "user"), ("user[first]", "user"), ("last[0]", "last")]
)
def test_a_wrong_selector_is_told_the_forms_and_the_nearest_name(wrong, meant):
    with pytest.raises(ValueError, match=re.escape(f"did you mean '{meant}'?")) as told:
        parse(wrong)

    assert f"'{wrong}' selects no messages: write one of user, assistant, " in str(told.value)


@pytest.mark.parametrize("wrong", ["", "user[]", "user[0", "user [0]", "user[1.5]", "tree"])
def test_what_is_not_of_the_form_is_refused(wrong):
    with pytest.raises(ValidationError, match="selects no messages"):
        TypeAdapter(Selector).validate_python(wrong)
