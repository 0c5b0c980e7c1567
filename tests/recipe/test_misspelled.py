"""Delete any one letter of any key or table name: the recipe is refused, with the place and the right key."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from dataforge.core.errors import RecipeMistakesError
from dataforge.recipe.load import load_recipe
from dataforge.recipe.locate import locate
from dataforge.recipe.model import Output, Split, WhereClause
from dataforge.recipe.tables import EvalKeys, GateKeys, RecipeKeys, SourceKeys, StepKeys, TrainKeys
from tests.recipe.folder import a_folder

HERE = Path(__file__).parent
SHIPPED = sorted((HERE.parents[1] / "recipes").glob("*.toml"))

HEADER = re.compile(r"^\[{1,2}(.*?)\]{1,2}[ \t]*(?:#.*)?$", re.MULTILINE)
KEY = re.compile(r'^([\w."-]+)\s*=|[{,]\s*(\w+)\s*=', re.MULTILINE)
FILES = re.compile(r"^files = (?:\[[^\]]*\]|\".*?\")", re.MULTILINE)  # they may not be on this machine
WORD = re.compile(r"[\w-]+")


def keys_of(text: str) -> list[tuple[int, str]]:
    """Find every table name and key, and where it begins."""
    groups = [(found.start(1), found[1]) for found in HEADER.finditer(text)]
    groups += [(found.start(found.lastindex), found[found.lastindex]) for found in KEY.finditer(text)]
    return [(start + word.start(), word[0]) for start, group in groups for word in WORD.finditer(group)]


def faults_of(path: Path, text: str, at: int, key: str, letter: int) -> list[str]:
    """Take one letter out; say in what the answer is not as promised."""
    path.write_text(text[: at + letter] + text[at + letter + 1 :], encoding="utf-8")
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    column -= text[at - 1] == '"'  # a quoted key begins with its quote
    try:
        load_recipe(path)
    except RecipeMistakesError as error:
        said = str(error)
        expected = {
            f"{path}:{line}:{column}: error: ": "no place",
            f"did you mean '{key}'?": "not the right key",
        }
        faults = [fault for words, fault in expected.items() if words not in said]
        faults += ["more than one mistake"] if len(said.splitlines()) > 2 else []
        return [f"{line}:{column} {key!r} without letter {letter}: {fault}\n{said}" for fault in faults]
    return [f"{line}:{column} {key!r} without letter {letter}: taken"]


def all_faults(path: Path, text: str) -> list[str]:
    return [
        fault
        for at, key in keys_of(text)
        for letter in range(len(key))
        for fault in faults_of(path, text, at, key, letter)
    ]


def test_every_letter_of_every_key_matters(tmp_path):
    text = (HERE / "full.toml").read_text(encoding="utf-8")
    path = a_folder(tmp_path) / "full.toml"

    faults = all_faults(path, text)

    assert not faults, "\n".join(faults)


def test_no_key_is_left_out_of_that_test():
    text = (HERE / "full.toml").read_text(encoding="utf-8")
    tried = {
        (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at) - (text[at - 1] == '"')) for at, _ in keys_of(text)
    }

    assert {place for path, place in locate(text).items() if isinstance(path[-1], str)} <= tried
    for kind in (RecipeKeys, SourceKeys, StepKeys, TrainKeys, EvalKeys, GateKeys, Split, Output, WhereClause):
        names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind.model_fields)
        assert set(names) <= {key for _, key in keys_of(text)}


@pytest.mark.slow
@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: path.stem)
def test_every_letter_of_every_key_of_a_shipped_recipe_matters(tmp_path, shipped):
    a_folder(tmp_path)
    text = FILES.sub('files = "data/chats.json"', shipped.read_text(encoding="utf-8"))

    faults = all_faults(tmp_path / shipped.name, text)

    assert not faults, "\n".join(faults)
