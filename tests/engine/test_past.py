"""Builds that are done can be browsed, compared and named, also the older runs."""

import pytest

from dataforge.core.errors import RecipeError
from dataforge.engine.browse import Choice, browse
from dataforge.engine.compare import compare
from dataforge.engine.past import built_names, find_run
from dataforge.engine.trace import trace_id, trace_text
from dataforge.store.home import Store
from tests.make import a_conversation, a_recipe, built, json_lines


@pytest.fixture
def store(tmp_path):
    chats = [a_conversation(f"What  is {n}?", f"It is {n}." if n % 3 else "No") for n in range(30)]
    json_lines(tmp_path / "data" / "a.jsonl", chats)
    recipe = a_recipe(tmp_path)
    built(recipe)
    json_lines(tmp_path / "data" / "b.jsonl", [a_conversation("Something new?", "Yes, it is.")])
    built(recipe, "step.length_filter.min=1")
    return Store(tmp_path)


def test_runs_are_found_by_name_file_folder_and_number(store):
    assert built_names(store) == ["small"]
    assert find_run(store, "small").name == "small@2"
    assert find_run(store, "recipes/small.toml").name == "small@2"
    assert find_run(store, "builds/small@1").name == "small@1"


@pytest.mark.parametrize(
    ("called", "words"), [("smal", "did you mean 'small'"), ("small@7", "small@1 to small@2"), ("zzz", "forge build")]
)
def test_a_run_that_there_is_not_is_said_so_with_what_there_is(store, called, words):
    with pytest.raises(RecipeError) as caught:
        find_run(store, called)

    assert words in caught.value.fix


def test_rows_are_browsed_by_split_source_stage_and_reason(store):
    first = find_run(store, "small@1")

    every, total = browse(first, Choice(), 100, None)
    dropped, dropped_total = browse(first, Choice(is_dropped=True, reason="too-short"), 3, None)
    tested, _ = browse(first, Choice(split="test", source="chats"), 100, None)
    before, before_total = browse(first, Choice(stage="exact_dedup"), 1, None)

    assert every.height == total == 20
    assert (dropped.height, dropped_total) == (3, 10)
    assert set(dropped["stage"]) == {"length_filter"}
    assert set(tested["split"]) <= {"test"}
    assert (before.height, before_total) == (1, 30)


def test_the_same_seed_draws_the_same_rows_and_another_one_others(store):
    past = find_run(store, "small@2")

    draws = [browse(past, Choice(), 5, seed)[0]["row_id"].to_list() for seed in (1, 1, 2)]

    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(
    "choice", [Choice(stage="exact_dedupe"), Choice(source="chat"), Choice(reason="to-short", is_dropped=True)]
)
def test_a_misspelled_choice_is_told_the_nearest_name(store, choice):
    with pytest.raises(RecipeError) as caught:
        browse(find_run(store, "small@1"), choice, 1, None)

    assert "did you mean" in caught.value.fix


def test_two_runs_differ_by_what_came_and_why(store):
    difference = compare(find_run(store, "small@1"), find_run(store, "small@2"))

    assert difference.gone == []
    assert difference.reasons(difference.come) == {"length_filter: too-short": 10, "not in its sources": 1}
    assert difference.same == 20
    assert set(difference.stages) == {"chats: file data/b.jsonl is new", "length_filter: min was 4, is 1"}


def test_a_life_is_found_by_the_first_digits_of_an_id_both_ways(store):
    past = find_run(store, "small@1")
    (by_text,) = trace_text(past, "WHAT  IS 6?")
    row = by_text.rows[0]

    by_row = trace_id(past, row.row_id[:10])
    by_record = trace_id(past, by_text.record["record_id"][:10])

    assert [life.record["record_id"] for life in by_row] == [life.record["record_id"] for life in by_record]
    assert row.dropped is not None
    assert row.dropped["reason"] == "too-short"
    assert row.split is None
