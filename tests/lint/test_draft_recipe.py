"""Drafted recipes: they load, they read the files they were made for, and they overwrite nothing."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError, RecipeError
from dataforge.lint.draft_recipe import group_files, look, name_for, write_recipe
from dataforge.recipe.load import load_recipe
from tests.make import a_conversation, built, json_lines

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT / "corpora"

PAIR = {"chosen": "\n\nHuman: Hi?\n\nAssistant: Hello.", "rejected": "\n\nHuman: Hi?\n\nAssistant: No."}


def draft(out, *files, name="drafted"):
    write_recipe(out, name, group_files([look(file) for file in files]))
    return load_recipe(out)


def chats(path, count=30):
    return json_lines(
        path, [a_conversation(f"What is {n} plus one?", f"It is {n + 1}, of course.") for n in range(count)]
    )


@settings(max_examples=25, deadline=None)
@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20).filter(
        lambda n: n not in {".", ".."}
    )
)
def test_whatever_a_file_is_called_the_recipe_reads_that_file_or_says_why_not(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    file = chats(folder / "data" / name, 2)

    if name.isprintable():
        recipe = draft(folder / "recipes" / "a.toml", file)
        assert [found.path for found in recipe.sources[0].inputs] == [file.resolve()]
    else:
        with pytest.raises(RecipeError, match="name cannot be written"):
            look(file)


@pytest.mark.parametrize("out", ["a.toml", "recipes/a.toml", "data/a.toml", "far/down/here/a.toml"])
def test_paths_are_relative_to_the_recipe_wherever_it_lies(tmp_path, out):
    file = chats(tmp_path / "data" / "x.jsonl")

    recipe = draft(tmp_path / out, file)

    assert [found.path for found in recipe.sources[0].inputs] == [file]
    assert str(tmp_path) not in recipe.text


def test_files_that_are_read_in_one_way_become_one_source(tmp_path):
    files = [chats(tmp_path / "a.jsonl"), json_lines(tmp_path / "pairs.jsonl", [PAIR]), chats(tmp_path / "b.jsonl")]

    recipe = draft(tmp_path / "r.toml", *files)

    assert [(source.name, len(source.inputs)) for source in recipe.sources] == [("sharegpt", 2), ("hh_rlhf", 1)]


def test_the_same_source_with_other_columns_gets_a_name_of_its_own(tmp_path):
    one = json_lines(tmp_path / "a.jsonl", [{"question": "Q?", "answer": "A."}])
    other = json_lines(tmp_path / "b.jsonl", [{"query": "Q?", "reply": "A."}])

    recipe = draft(tmp_path / "r.toml", one, other)

    assert [source.name for source in recipe.sources] == ["json", "json-2"]
    assert [source.params["prompt"] for source in recipe.sources] == ["question", "query"]


def test_many_files_of_one_folder_become_a_pattern_if_it_means_them_alone(tmp_path):
    files = [chats(tmp_path / "data" / f"{n}.jsonl", 1) for n in range(7)]

    whole = draft(tmp_path / "whole.toml", *files)
    part = draft(tmp_path / "part.toml", *files[:6])

    assert 'files = "data/*.jsonl"' in whole.text
    assert len(whole.sources[0].inputs) == 7
    assert "*" not in part.text
    assert len(part.sources[0].inputs) == 6


def test_a_template_with_line_ends_survives_the_way_through_toml(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["instruction", "input", "response"], ["Add.", "1 and 2", "3"]])

    recipe = draft(tmp_path / "r.toml", path)

    assert recipe.sources[0].params == {"prompt": "{instruction}\n\n{input?}", "response": "response"}


def test_the_recipe_builds_and_every_row_is_there(tmp_path):
    chats(tmp_path / "data" / "x.jsonl")
    draft(tmp_path / "recipes" / "r.toml", tmp_path / "data" / "x.jsonl")

    run = built(tmp_path / "recipes" / "r.toml", workers=1).run

    assert sum(run["datasets"][0]["rows"].values()) == 30


def test_training_is_written_for_chats_and_commented_out_for_pairs_alone(tmp_path):
    recipe = draft(tmp_path / "a.toml", chats(tmp_path / "x.jsonl"))
    pairs = draft(tmp_path / "b.toml", json_lines(tmp_path / "y.jsonl", [PAIR]))

    assert [(train.use, train.model) for train in recipe.train] == [("sft", "tiny")]
    assert [entry.use for entry in recipe.evals] == [("perplexity",)]
    assert pairs.train == ()
    assert '# use = "sft"' in pairs.text


def test_the_schema_is_named_only_where_it_is(tmp_path):
    file = chats(tmp_path / "x.jsonl")
    (tmp_path / "with").mkdir()
    (tmp_path / "with" / "recipe.schema.json").write_text("{}")

    assert draft(tmp_path / "with" / "a.toml", file).text.startswith("#:schema ./recipe.schema.json\n")
    assert "#:schema" not in draft(tmp_path / "without" / "a.toml", file).text


def test_a_license_that_comes_with_the_rows_is_not_asked_for(tmp_path):
    dolly = {"instruction": "Add.", "context": "", "response": "3", "category": "open_qa"}

    asked = draft(tmp_path / "a.toml", chats(tmp_path / "x.jsonl")).text
    known = draft(tmp_path / "b.toml", json_lines(tmp_path / "y.jsonl", [dolly])).text

    assert "# license" in asked
    assert "# license" not in known


def test_nothing_is_overwritten(tmp_path):
    file = chats(tmp_path / "x.jsonl")
    (tmp_path / "a.toml").write_text("mine")

    with pytest.raises(RecipeError, match="is there already") as caught:
        draft(tmp_path / "a.toml", file)

    assert "-o" in caught.value.fix
    assert (tmp_path / "a.toml").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "ü" * 3])
def test_a_name_that_cannot_be_a_folder_is_refused_before_anything_is_written(tmp_path, name):
    file = chats(tmp_path / "x.jsonl")

    with pytest.raises(RecipeError, match="no name for a recipe"):
        draft(tmp_path / "a.toml", file, name=name)

    assert not (tmp_path / "a.toml").exists()


def test_a_file_without_one_usable_record_is_refused(tmp_path):
    path = json_lines(tmp_path / "x.jsonl", [{"conversations": [{"from": "gpt", "value": "I begin."}]}])

    with pytest.raises(DataError, match="none of its first records is usable") as caught:
        look(path)

    assert "forge lint" in caught.value.fix


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["chats/forum.jsonl.gz"], "forum"),
        (["beer/Posts.xml"], "beer"),
        (["my set/train-00000-of-00001.parquet"], "my-set"),
        (["site/one/a.jsonl", "site/two/a.jsonl"], "site"),
        (["größe/äöü.jsonl"], "gr-e"),
    ],
)
def test_a_recipe_is_named_after_what_says_most(tmp_path, files, name):
    assert name_for([tmp_path / file for file in files]) == name


def test_the_corpora_of_the_repository_give_a_recipe_with_three_sources(tmp_path):
    files = [
        *sorted((CORPORA / "sharegpt").glob("*.js*")),
        *sorted((CORPORA / "hh-rlhf").glob("*.jsonl*")),
        *sorted((CORPORA / "stackexchange").glob("*/Posts.xml")),
    ]

    recipe = draft(tmp_path / "r.toml", *files)

    assert [(source.use, len(source.inputs)) for source in recipe.sources] == [
        ("sharegpt", 4),
        ("hh_rlhf", 3),
        ("stackexchange", 2),
    ]
    assert [step.use for step in recipe.steps] == ["normalize", "exact_dedup", "length_filter", "group"]
