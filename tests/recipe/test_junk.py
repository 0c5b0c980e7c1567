"""Whatever value stands at whatever key: a recipe, or mistakes with place and fix; never another exception."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataforge.recipe.locate import locate
from tests.recipe.folder import HERE, a_folder, problems_of

TEXT = (HERE / "full.toml").read_text(encoding="utf-8")
PATHS = sorted(locate(TEXT), key=str)
JUNK = st.one_of(
    st.sampled_from([None, True, 0, -1, 1e300, "", "x", "./x.py", "../", [], {}, [{}], [[]], {"use": "x"}, ["x", 3]]),
    st.recursive(st.integers() | st.text("ab./", max_size=3), lambda inner: st.lists(inner, max_size=2), max_leaves=4),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return a_folder(tmp_path_factory.mktemp("junk"))


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


def put(recipe: Any, path: tuple[str | int, ...], value: Any) -> None:
    for part in path[:-1]:
        recipe = recipe[part]
    if value is None:
        del recipe[path[-1]]
    else:
        recipe[path[-1]] = value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PATHS), JUNK)
def test_any_value_anywhere_is_taken_or_refused(folder, path, value):
    recipe = tomllib.loads(TEXT)
    put(recipe, path, value)
    file = folder / "recipe.toml"
    file.write_text(
        "\n".join(f"{json.dumps(key)} = {as_toml(child)}" for key, child in recipe.items()), encoding="utf-8"
    )

    for problem in problems_of(file):
        assert problem.where is not None
        assert str(problem.where).startswith(str(folder))
        assert problem.message
        assert problem.fix
