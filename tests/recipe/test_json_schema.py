"""Editors that know the schema take what `load_recipe` takes, and flag what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dataforge.core import params, registry
from dataforge.recipe.json_schema import recipe_schema
from dataforge.recipe.locate import locate
from dataforge.recipe.tables import ARRAYS, PLUGIN_KINDS
from tests.recipe.folder import HERE

SHIPPED = sorted((HERE.parents[1] / "recipes").glob("*.toml"))
TAPLO = Path(sys.executable).with_name("taplo")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return recipe_schema()


@pytest.fixture(scope="module")
def schema_file(schema, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "recipe.schema.json"
    path.write_text(json.dumps(schema), encoding="utf-8")
    return path


def complaints(folder: Path, schema_file: Path, *texts: str) -> list[str]:
    """Give what taplo has against recipes, from its first to its last."""
    paths = [folder / f"{number}.toml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text.replace("#:schema", "# schema"), encoding="utf-8")
    found = subprocess.run(
        [TAPLO, "check", "--colors", "never", "--schema", f"file://{schema_file}", *paths],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode == 0) is ("error:" not in found.stderr)
    return re.findall(r"(?m)^error: (.*)$", found.stderr)


def test_the_schema_is_plain(schema):
    text = json.dumps(schema)

    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    for word in ("$ref", "$defs", "prefixItems", "null", "Infinity", "NaN"):
        assert f'"{word}"' not in text


def test_every_plugin_and_every_key_of_it_is_there(schema):
    for kind, plugin_kind in (("source", "source"), ("step", "step"), ("train", "trainer")):
        table = schema["properties"][kind]["items"]
        assert table["properties"]["use"]["anyOf"][0]["enum"] == registry.names(plugin_kind)
        rules = {rule["if"]["properties"]["use"]["const"]: rule["then"]["properties"] for rule in table["allOf"]}
        for name in registry.names(plugin_kind):
            own = set(params.param_names(registry.load(plugin_kind, name)))
            assert set(rules[name]) == own | set(table["properties"])
            assert own <= set(table["anyOf"][0]["properties"]) | set(table["properties"])


def test_no_plugin_has_a_key_that_its_table_keeps_for_itself(schema):
    for kind, plugin_kind in PLUGIN_KINDS.items():
        own = {field.name for field in fields(ARRAYS[kind])} if kind != "eval" else set()
        for name in registry.names(plugin_kind):
            assert not own & set(params.param_names(registry.load(plugin_kind, name))), name


def test_every_key_of_the_recipe_itself_is_described(schema):
    for kind in ("source", "step", "train", "eval", "gate"):
        for key, value in schema["properties"][kind]["items"]["properties"].items():
            assert value.get("description"), f"{kind}.{key}"
    for key in ("name", "seed", "schema", "include", "split", "output"):
        assert schema["properties"][key]["description"], key


@pytest.mark.parametrize("recipe", [HERE / "full.toml", *SHIPPED], ids=lambda path: path.stem)
def test_a_sound_recipe_passes(tmp_path, schema_file, recipe):
    assert complaints(tmp_path, schema_file, recipe.read_text(encoding="utf-8")) == []


CHAT = """
name = "chat"

[split]
test = 0.1

[[source]]
use = "sharegpt"
files = "x.json"

[[step]]
use = "length_filter"
on = "assistant"
unit = "words"
max = 3
where = { kind = "sft" }

[[eval]]
use = ["perplexity"]
models = ["base"]

[[gate]]
metric = "perplexity.mean"
max = 3
"""


def test_the_recipe_that_is_broken_below_is_sound(tmp_path, schema_file):
    assert complaints(tmp_path, schema_file, CHAT) == []


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("max = 3\nwhere", "mx = 3\nwhere", "('mx' was unexpected)"),
        ("[[source]]", "[[sorce]]", "('sorce' was unexpected)"),
        ("test = 0.1", "tset = 0.1", "('tset' was unexpected)"),
        ("test = 0.1", "test = 1.1", "greater than the maximum of 1"),
        ('name = "chat"', 'nme = "chat"', '"name" is a required property'),
        ('files = "x.json"', "", '"files" is a required property'),
        ('use = "sharegpt"', 'use = "share_gpt"', '"share_gpt" is not valid'),
        ('kind = "sft"', 'kind = "stf"', '"stf" is not one of'),
        ('kind = "sft"', 'knd = "sft"', "('knd' was unexpected)"),
        ("max = 3\nwhere", 'max = "three"\nwhere', '"three" is not of type'),
        ('use = ["perplexity"]', 'use = ["perplexty"]', '["perplexty"] is not valid'),
        ("metric =", "metrc =", "('metrc' was unexpected)"),
    ],
)
def test_a_mistake_is_flagged(tmp_path, schema_file, right, wrong, complaint):
    found = complaints(tmp_path, schema_file, CHAT.replace(right, wrong))

    assert any(complaint in text for text in found), found


def test_a_local_plugin_may_have_any_keys(tmp_path, schema_file):
    mine = CHAT.replace('use = "length_filter"', 'use = "./my_step.py"\nwords = 3\nmine = true')

    assert complaints(tmp_path, schema_file, mine) == []


@pytest.mark.slow
@pytest.mark.parametrize("recipe", SHIPPED, ids=lambda path: path.stem)
def test_no_misspelled_key_of_a_shipped_recipe_passes(tmp_path, schema_file, recipe):
    text = recipe.read_text(encoding="utf-8")
    lines = text.split("\n")
    for (*_, key), (line, column) in locate(text).items():
        if isinstance(key, str):
            changed = lines[line - 1][: column - 1] + lines[line - 1][column:]
            broken = "\n".join([*lines[: line - 1], changed, *lines[line:]])
            tomllib.loads(broken)
            assert complaints(tmp_path, schema_file, broken), changed
