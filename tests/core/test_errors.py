"""Errors say what, where and what to do, also after a trip between processes."""

import pickle
from pathlib import Path

import pytest

from dataforge.core.errors import DataError, MachineError, RecipeError, RecipeMistakesError, Where


def test_an_error_names_its_place_and_its_fix():
    error = RecipeError("min (40) is above max (3)", where=Where(Path("a.toml"), 12, 5), fix="swap them")

    assert str(error) == "a.toml:12:5: error: min (40) is above max (3)\n  fix: swap them"


def test_a_place_without_a_line_names_its_byte():
    assert str(Where("dump.json", byte=125_000)) == "dump.json at byte 125,000"


@pytest.mark.parametrize(("kind", "code"), [(RecipeError, 2), (DataError, 3), (MachineError, 4)])
def test_an_error_survives_pickling_whole(kind, code):
    error = kind("broken", where=Where("x", 3), fix="mend it")

    back = pickle.loads(pickle.dumps(error))

    assert (type(back), str(back), back.exit_code) == (kind, str(error), code)


def test_all_mistakes_of_a_recipe_survive_pickling():
    both = RecipeMistakesError([RecipeError("one", fix="a"), RecipeError("two", fix="b")])

    assert str(pickle.loads(pickle.dumps(both))) == "error: one\n  fix: a\nerror: two\n  fix: b"
