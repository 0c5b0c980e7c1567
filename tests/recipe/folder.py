"""A folder of recipes for tests to change: a copy of this one's plugins and data."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from dataforge.core.errors import RecipeError, RecipeMistakesError
from dataforge.recipe.load import load_recipe
from dataforge.recipe.model import Recipe

HERE = Path(__file__).parent

SOURCE = """
[[source]]
use = "./plugins/a_source.py"
files = "data/*.json"
"""


def a_folder(folder: Path) -> Path:
    """Copy what recipes need to stand on."""
    for name in ("plugins", "data"):
        shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "base.toml", folder)
    return folder


def load(folder: Path, text: str, *overrides: str) -> Recipe:
    """Write a recipe and load it; it need not name itself, nor have a source."""
    path = folder / "recipe.toml"
    start = "" if "name =" in text.partition("[")[0] else 'name = "recipe"\n'
    path.write_text(start + text + ("" if "[[source]]" in text else SOURCE), encoding="utf-8")
    return load_recipe(path, overrides)


def mistakes_of(folder: Path, text: str, *overrides: str) -> list[str]:
    """Give the mistakes of a recipe, each on one line, without the folder."""
    try:
        load(folder, text, *overrides)
    except RecipeMistakesError as error:
        return [_in_one_line(problem, folder) for problem in error.problems]
    return []


def problems_of(path: Path, *overrides: str) -> Sequence[RecipeError]:
    """Give the mistakes of a recipe file."""
    try:
        load_recipe(path, overrides)
    except RecipeMistakesError as error:
        return error.problems
    return ()


def told_of(path: Path) -> list[str]:
    """Give the mistakes of a recipe file, each on one line, without the folder."""
    return [_in_one_line(problem, path.parent) for problem in problems_of(path)]


def _in_one_line(problem: RecipeError, folder: Path) -> str:
    return str(problem).replace(f"{folder}/", "").replace("\n  fix:", " |")
