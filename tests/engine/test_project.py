"""What `forge check` projects is what a build then gives."""

import pytest

from dataforge.engine import project as projecting
from dataforge.engine.project import project
from dataforge.recipe.load import load_recipe
from tests.make import STEPS, a_conversation, a_recipe, built, json_lines


@pytest.fixture
def recipe(tmp_path):
    chats = [a_conversation(f"What is {n} and {n}?", "Two." if n % 4 else f"That is {2 * n}.") for n in range(800)]
    json_lines(tmp_path / "data" / "a.jsonl", chats)
    return a_recipe(tmp_path, steps=STEPS.replace("min = 4", "min = 8"))


def test_a_sample_that_is_everything_gives_the_exact_number_of_rows(recipe):
    projection = project(load_recipe(recipe), workers=1)

    assert projection.is_whole
    assert projection.sampled == 800
    assert projection.rows == sum(built(recipe).run["datasets"][0]["rows"].values()) == 200


def test_a_part_of_the_rows_stands_for_all_of_them(recipe, monkeypatch):
    monkeypatch.setattr(projecting, "_SAMPLE_ROWS", 100)

    projection = project(load_recipe(recipe), workers=2)

    assert not projection.is_whole
    assert projection.sampled == 100
    # The first hundred rows hold a quarter of long answers, as all eight hundred do.
    assert projection.rows == 200


def test_more_workers_need_more_memory_and_no_other_result(recipe):
    one, two = (project(load_recipe(recipe), workers) for workers in (1, 2))

    assert two.memory_mb > one.memory_mb
    assert (two.rows, two.bytes) == (one.rows, one.bytes)
