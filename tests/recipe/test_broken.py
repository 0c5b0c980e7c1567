"""Every broken recipe is refused with the words that stand beside it, all mistakes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataforge.core.errors import RecipeMistakesError
from dataforge.recipe.load import load_recipe

BROKEN = Path(__file__).parent / "broken"
NAMES = sorted(path.stem for path in BROKEN.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_recipe_is_refused_with_its_words(name):
    with pytest.raises(RecipeMistakesError) as caught:
        load_recipe(BROKEN / f"{name}.toml")

    said = str(caught.value).replace(f"{BROKEN}/", "")
    assert said == (BROKEN / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_mistakes_of_a_file_come_in_file_order(name):
    with pytest.raises(RecipeMistakesError) as caught:
        load_recipe(BROKEN / f"{name}.toml")

    places = [(str(problem.where.path), problem.where.line, problem.where.column) for problem in caught.value.problems]
    main = [place[1:] for place in places if place[0] == str(BROKEN / f"{name}.toml")]
    assert main == sorted(main)
    assert all(line >= 1 and column >= 1 for _, line, column in places)
    assert caught.value.exit_code == 2
