"""The rules of the house that no other tool holds."""

import ast
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dataforge.cli.main import VERBS, forge
from dataforge.core import registry

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted((ROOT / "dataforge").rglob("*.py"))
KINDS = ("source", "step", "trainer", "metric")
PLUGINS = [(kind, name) for kind in KINDS for name in registry.names(kind)]


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_300_lines_and_says_its_duty(path):
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text)), "no module docstring"


def test_the_engine_stays_small():
    lengths = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "dataforge/engine").glob("*.py")}

    assert {name: lines for name, lines in lengths.items() if lines > 260} == {}


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_a_plugin_ends_in_its_declaration_and_has_a_test_and_a_docs_line(kind, name):
    path = ROOT / "dataforge" / f"{kind}s" / f"{name}.py"
    last = path.read_text(encoding="utf-8").rstrip().splitlines()[-1]
    catalogue = (ROOT / "docs/reference" / f"{kind}s.md").read_text(encoding="utf-8")

    assert re.fullmatch(rf"{kind.upper()}: type\[\w+\] = \w+", last)
    assert f"## {name}\n" in catalogue
    assert any((ROOT / "tests" / f"{kind}s").glob(f"test_{name}*.py"))


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_every_key_of_a_plugin_is_described(kind, name):
    from dataforge.core.params import json_schema

    plugin = registry.load(kind, name)

    assert isinstance(plugin.version, int)
    assert [
        key for key, about in json_schema(plugin).get("properties", {}).items() if not about.get("description")
    ] == []


@pytest.mark.parametrize(("kind", "name"), [plugin for plugin in PLUGINS if plugin[0] == "source"])
def test_the_codes_of_a_source_are_unique_and_in_kebab_case(kind, name):
    codes = registry.load(kind, name).codes

    assert len({code.name for code in codes}) == len(codes)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code.name) and code.what for code in codes)


def test_only_the_console_prints():
    guilty = [
        path.name
        for path in CODE
        if path.name != "console.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert guilty == []


def test_no_file_is_a_drawer_for_everything():
    assert [path for path in CODE if path.stem in {"utils", "helpers", "common", "misc", "util"}] == []


def test_the_options_of_the_command_line_are_those_that_were_decided():
    found = {
        verb: sorted(option for param in forge.get_command(None, verb).params for option in param.opts)
        for verb in VERBS
    }
    frozen = json.loads((ROOT / "tests/architecture/options.json").read_text())

    assert found == frozen


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_that_fits_a_screen(verb):
    result = CliRunner().invoke(forge, [verb, "--help"])

    assert result.exit_code == 0
    assert len(result.output.splitlines()) <= 40


def test_every_shipped_recipe_names_the_schema():
    for path in (ROOT / "recipes").glob("*.toml"):
        assert path.read_text().startswith("#:schema ./recipe.schema.json\n")


def test_the_reader_of_the_readme_finds_both_commands():
    text = (ROOT / "README.md").read_text()

    assert re.search(r"<!-- command: build -->\n```bash\n.*forge build recipes/chat.toml\n```", text)
    assert re.search(r"<!-- command: test -->\n```bash\n.*pytest -q\n```", text)
