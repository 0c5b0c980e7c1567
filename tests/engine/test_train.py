"""What is wrong with a training is said before anything runs."""

import pytest

from dataforge.core.errors import DataError, MachineError, RecipeError
from dataforge.engine.evaluate import evaluate
from dataforge.engine.train import train
from dataforge.models import environment
from dataforge.recipe.load import load_recipe
from dataforge.store.home import Store
from tests.make import a_conversation, a_recipe, json_lines

SFT = '[[train]]\nuse = "sft"\n'


def loaded(folder, steps):
    json_lines(folder / "data" / "a.jsonl", [a_conversation(f"Is {n} even?", f"{n % 2 == 0} it is") for n in range(20)])
    return Store(folder), load_recipe(a_recipe(folder, steps=steps))


def nothing_ran(folder):
    return not (folder / "builds").exists() and not (folder / "runs").exists()


def test_missing_packages_are_named_before_the_build(tmp_path, monkeypatch):
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    store, recipe = loaded(tmp_path, SFT)

    with pytest.raises(MachineError, match="not installed: torch") as caught:
        train(store, recipe, watcher=None)

    assert caught.value.fix == "pip install 'dataforge[train]'"
    assert nothing_ran(tmp_path)


def test_a_trainer_is_not_given_rows_of_another_kind(tmp_path):
    store, recipe = loaded(tmp_path, SFT + 'data = { kind = "prompt" }\n')

    with pytest.raises(RecipeError, match="reads sft rows, and data asks for prompt rows"):
        train(store, recipe, watcher=None)

    assert nothing_ran(tmp_path)


def test_a_trainer_that_takes_no_reward_model_says_so(tmp_path):
    store, recipe = loaded(tmp_path, SFT + '[[train]]\nuse = "sft"\nname = "two"\nreward = "sft"\n')

    with pytest.raises(RecipeError, match="takes no reward model"):
        train(store, recipe, watcher=None)

    assert nothing_ran(tmp_path)


def test_there_is_no_base_where_nothing_is_trained(tmp_path):
    store, recipe = loaded(tmp_path, '[[eval]]\nmodels = "base"\nuse = "perplexity"\n')

    with pytest.raises(RecipeError, match="there is no model 'base'"):
        evaluate(store, recipe, watcher=None)

    assert nothing_ran(tmp_path)


def test_a_recipe_that_measures_nothing_is_told_how_to(tmp_path):
    store, recipe = loaded(tmp_path, SFT)

    with pytest.raises(RecipeError, match=r"has no \[\[eval\]\]"):
        evaluate(store, recipe, watcher=None)


def test_a_trainer_without_rows_is_an_error_of_the_data(tmp_path):
    store, recipe = loaded(
        tmp_path, '[[step]]\nuse = "length_filter"\non = "conversation"\nunit = "words"\nmin = 500\n' + SFT
    )

    with pytest.raises(DataError, match="left without rows"):
        train(store, recipe, watcher=None)


def test_a_folder_without_a_model_is_found_out_before_the_build(tmp_path):
    (tmp_path / "empty").mkdir()
    store, recipe = loaded(tmp_path, SFT + 'model = "./empty"\n')

    with pytest.raises(RecipeError, match="holds no model"):
        train(store, recipe, watcher=None)

    assert nothing_ran(tmp_path)


def test_a_measured_folder_without_a_model_is_found_out_before_the_build(tmp_path):
    (tmp_path / "empty").mkdir()
    store, recipe = loaded(tmp_path, '[[eval]]\nmodels = "./empty"\nuse = "perplexity"\n')

    with pytest.raises(RecipeError, match="holds no model"):
        evaluate(store, recipe, watcher=None)

    assert nothing_ran(tmp_path)
