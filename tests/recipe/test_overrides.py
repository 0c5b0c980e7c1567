"""`--set key=value` counts as if it stood in the recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.recipe.files import parse_value
from dataforge.recipe.load import load_recipe
from tests.recipe.folder import HERE, a_folder, load, mistakes_of, problems_of

FULL = HERE / "full.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_folder(tmp_path)


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("seed=3", lambda recipe: recipe.seed == 3),
        ("name=chat-2", lambda recipe: recipe.name == "chat-2"),
        (" seed = 3 ", lambda recipe: recipe.seed == 3),
        ("split.test=0.1", lambda recipe: recipe.split.test == 0.1),
        ("split.test=0", lambda recipe: recipe.split.test == 0.0),
        ('output.views=["sft"]', lambda recipe: recipe.output.views == ("sft",)),
        ("step.clean.max_chars=100", lambda recipe: recipe.steps[1].plugin.max_chars == 100),
        ("step.a_step.keep=first", lambda recipe: recipe.steps[2].plugin.keep == "first"),
        ("step.1.keep=first", lambda recipe: recipe.steps[0].plugin.keep == "first"),
        ("step.clean.where.kind=prompt", lambda recipe: recipe.steps[1].where.kind == "prompt"),
        ("step.first.where.kind=prompt", lambda recipe: recipe.steps[0].where.kind == "prompt"),
        ("step.clean.band={low = 0.5}", lambda recipe: recipe.steps[1].plugin.band.low == 0.5),
        ("source.chats.files=data/more.json", lambda recipe: len(recipe.sources[0].inputs) == 1),
        ("source.chats.encoding='a=b'", lambda recipe: recipe.sources[0].plugin.encoding == "a=b"),
        ("source.chats.encoding=a=b", lambda recipe: recipe.sources[0].plugin.encoding == "a=b"),
        ("train.ppo.epochs=7", lambda recipe: recipe.train[2].plugin.epochs == 7),
        ("gate.1.max=0.5", lambda recipe: recipe.gates[0].max == 0.5),
        ("eval.1.params.a_metric.variant=z", lambda recipe: recipe.evals[0].plugins["a_metric"].variant == "z"),
    ],
)
def test_a_value_is_set(override, found):
    recipe = load_recipe(FULL, [override])

    assert found(recipe)
    assert recipe.digest != load_recipe(FULL).digest
    assert recipe.overrides == (override,)


def test_of_two_values_for_a_key_the_last_holds():
    assert load_recipe(FULL, ["seed=3", "seed=4"]).seed == 4


def test_a_value_that_is_there_already_changes_no_digest():
    assert load_recipe(FULL, ["seed=17"]).digest == load_recipe(FULL).digest


@pytest.mark.parametrize(
    ("override", "mistake"),
    [
        ("seed", "this is not key=value | write it as in --set split.test=0.1"),
        ("=3", "this is not key=value | write it as in --set split.test=0.1"),
        ("seed seed=3", "this is not key=value | write it as in --set split.test=0.1"),
        ("seed=", "the value cannot be read: it is empty | write it as in a recipe, in shell quotes"),
        ("output.views=[3", "the value cannot be read: unclosed array | write it as in a recipe, in shell quotes"),
        (
            "seed=3\nx=1",
            "the value cannot be read: it holds more than one value | write it as in a recipe, in shell quotes",
        ),
        ("name.x=3", "'name' is no table and has no keys | set 'name' itself"),
        ("sed=3", "a recipe has no key 'sed' | did you mean 'seed'?"),
        (
            "seed=three",
            'seed is "three", a string; it should be a whole number | write a whole number, such as 0, the default',
        ),
        ("split.tset=0.1", "'split' has no key 'tset' | did you mean 'test'?"),
        (
            "seed.x=3",
            'seed is {"x": 3}, a table; it should be a whole number | write a whole number, such as 0, the default',
        ),
        ("step.claen.max_chars=3", "no step is called 'claen' | did you mean 'clean'?"),
        ("step.clean.max_char=3", "step 'clean' has no key 'max_char' | did you mean 'max_chars'?"),
        ("step.clean=3", "'clean' is not a key of one step | write step.NAME.key=value; names: clean"),
        ("step.4.max_chars=3", "no step is called '4' | there are: clean"),
        ("train.sft.epochs=3", "no train is called 'sft' | there are: none"),
        ("include=base.toml", "'include' cannot be set from outside | write it into the recipe"),
        ("seed=2024-01-01", "a recipe has no use for the value 2024-01-01 | write a number, or text in quotes"),
        (
            "step.clean.on.x=3",
            'on is {"x": 3}, a table; it should be a string | write a string, such as "conversation", the default',
        ),
    ],
)
def test_a_bad_override_is_named_as_it_was_typed(folder, override, mistake):
    found = mistakes_of(folder, '[[step]]\nuse = "./plugins/a_step.py"\nname = "clean"\n', override)

    assert found == [f"--set {override}: error: {mistake}"]


def test_mistakes_of_the_file_and_of_overrides_come_together_the_file_first(folder):
    found = mistakes_of(folder, "see = 3\n", "split.tst=0.1")

    assert [line.partition(" error: ")[0] for line in found] == ["recipe.toml:2:1:", "--set split.tst=0.1:"]


def test_an_override_may_mend_the_recipe(folder):
    assert load(folder, 'seed = "three"\n', "seed=3").seed == 3


@given(st.one_of(st.integers(), st.booleans(), st.text(max_size=20), st.lists(st.integers(), max_size=3)))
def test_a_value_as_toml_has_it_comes_back(value):
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, str):
        text = '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'

    assert parse_value(text) == value


KEYS = (
    "seed",
    "name",
    "split.test",
    "source.chats.files",
    "step.clean.on",
    "step.clean.words",
    "train.ppo.policy",
    "gate.1.metric",
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=12), st.tuples(st.sampled_from(KEYS), st.text(max_size=6)).map("=".join)))
def test_any_override_is_taken_or_refused_with_its_words(override):
    for problem in problems_of(FULL, override):
        assert str(problem).startswith(f"--set {override}: error: ")
        assert problem.fix
