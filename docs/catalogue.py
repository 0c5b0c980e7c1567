"""Write the catalogues and the recipe schema from the code; with `--check`, say which are stale."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any, get_args

from click.testing import CliRunner

from dataforge.cli.main import VERBS, forge
from dataforge.core import params, registry
from dataforge.core.registry import PluginKind
from dataforge.recipe.json_schema import recipe_schema
from dataforge.recipe.model import Output, Split, WhereClause

ROOT = Path(__file__).resolve().parents[1]
HEAD = "<!-- made by `just docs`: change the code, not this file -->\n\n"


def main() -> None:
    """Write all pages, or say which are stale."""
    pages = all_pages()
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run `just docs`", file=sys.stderr)
        sys.exit(1 if stale else 0)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path], encoding="utf-8")
        print(path.relative_to(ROOT))


def all_pages() -> dict[Path, str]:
    """Give every generated page by its path."""
    reference = ROOT / "docs" / "reference"
    pages = {reference / f"{kind}s.md": HEAD + _plugins(kind) for kind in get_args(PluginKind)}
    pages[reference / "recipe.md"] = HEAD + _recipe()
    pages[reference / "codes.md"] = HEAD + _codes()
    pages[reference / "cli.md"] = HEAD + _cli()
    pages[ROOT / "recipes" / "recipe.schema.json"] = json.dumps(recipe_schema(), indent=1, ensure_ascii=True) + "\n"
    return pages


def _plugins(kind: PluginKind) -> str:
    parts = [f"# {kind.capitalize()}s\n"]
    for name in registry.names(kind):
        plugin = registry.load(kind, name)
        parts.append(f"## {name}\n\n{inspect.cleandoc(plugin.__doc__ or '')}\n")
        rows = _field_rows(plugin)
        if rows:
            parts.append("| key | type | default | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _field_rows(plugin: type[Any]) -> list[str]:
    schema = params.json_schema(plugin)
    thresholds = params.threshold_names(plugin)
    rows: list[str] = []
    for name, about in schema.get("properties", {}).items():
        default = "required" if name in schema.get("required", []) else f"`{json.dumps(about.get('default'))}`"
        mark = " *Threshold: moving it measures nothing again.*" if name in thresholds else ""
        rows.append(f"| `{name}` | {_type(about, schema)} | {default} | {_cell(about.get('description', ''))}{mark} |")
    return rows


def _type(about: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in about:
        about = schema["$defs"][about["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in about:
        return " or ".join(_type(option, schema) for option in about["anyOf"] if option.get("type") != "null")
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}), schema)}"
    if about.get("type") == "object" and isinstance(about.get("additionalProperties"), dict):
        return f"table of {_type(about['additionalProperties'], schema)}"
    return str(about.get("type", about.get("const", "any")))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _recipe() -> str:
    parts = ["# Recipe keys\n"]
    parts.append("The tables that are not plugins. The keys of each plugin stand in the other catalogues.\n")
    for title, model in (("[split]", Split), ("[output]", Output), ("where and data", WhereClause)):
        schema = model.model_json_schema()
        parts.append(f"## {title}\n\n{inspect.cleandoc(model.__doc__ or '')}\n")
        parts.append("| key | type | default | |\n|---|---|---|---|")
        for name, about in schema["properties"].items():
            default = json.dumps(about.get("default"))
            parts.append(f"| `{name}` | {_type(about, schema)} | `{default}` | {_cell(about.get('description', ''))} |")
        parts.append("")
    return "\n".join(parts)


def _codes() -> str:
    parts = [
        "# Codes and reasons\n",
        "Stable names for what can be wrong with a record, and for why a row is dropped.\n",
    ]
    for name in registry.names("source"):
        codes = registry.load("source", name).codes
        parts.append(f"## {name}\n\n| code | what | repair |\n|---|---|---|")
        parts += [f"| `{code.name}` | {_cell(code.what)} | {_cell(code.repair or 'rejected')} |" for code in codes]
        parts.append("")
    for name in registry.names("step"):
        reasons = getattr(registry.load("step", name), "reasons", {})
        if reasons:
            parts.append(f"## {name}\n\n| reason | what |\n|---|---|")
            parts += [f"| `{reason}` | {_cell(what)} |" for reason, what in reasons.items()]
            parts.append("")
    return "\n".join(parts)


def _cli() -> str:
    parts = ["# The command line\n", _help([])]
    parts += [f"## forge {verb}\n\n{_help([verb])}" for verb in VERBS]
    return "\n".join(parts)


def _help(args: list[str]) -> str:
    text = CliRunner().invoke(forge, [*args, "--help"], prog_name="forge", terminal_width=100).output
    return f"```text\n{text.rstrip()}\n```\n"


if __name__ == "__main__":
    main()
