"""The JSON Schema of recipes, for editors: made from the same classes that check them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

from dataforge.core import params, registry
from dataforge.recipe.tables import ARRAYS, PLUGIN_KINDS, RecipeKeys

# Draft 7: taplo, which stands behind the TOML support of most editors, promises no later one.
DRAFT = "http://json-schema.org/draft-07/schema#"
_LOCAL_PLUGIN = {"type": "string", "pattern": r"^(\.\.?)?/.*\.py$", "description": "A Python file of your own."}

Schema = dict[str, Any]


def recipe_schema() -> Schema:
    """Make the schema of recipes, with the keys of every plugin that is installed.

    Returns:
        A JSON value. It holds no references, and no rule that two tables must meet together.
    """
    top = _plain(params.json_schema(RecipeKeys))
    tables = {kind: {"type": "array", "items": _table(kind)} for kind in ARRAYS}
    return {
        "$schema": DRAFT,
        "title": "dataforge recipe",
        **top,
        "properties": {**top["properties"], **tables},
        "additionalProperties": False,
    }


def _table(kind: str) -> Schema:
    own = _plain(params.json_schema(ARRAYS[kind]))
    if kind == "eval":
        return _eval_table(own)
    if kind not in PLUGIN_KINDS:
        return own
    plugins = _plugins(kind)
    keys = {name: _plain(params.json_schema(plugin)) for name, plugin in plugins.items()}
    common: Schema = own["properties"]
    return {
        **own,
        "properties": {**common, "use": _use(common["use"], plugins)},
        # Which keys are unknown depends on `use`; the base lets all pass, since a local plugin may have any.
        "additionalProperties": True,
        "allOf": [_rule(plugins[name], name, keys[name], common) for name in plugins],
        # Editors complete the keys that they find here and know nothing of if and then; {} lets everything pass.
        "anyOf": [{"properties": _all_keys(keys, common)}, {}],
    }


def _eval_table(own: Schema) -> Schema:
    plugins = _plugins("eval")
    use = _use({}, plugins)
    metrics = {name: _plain(params.json_schema(plugin)) for name, plugin in plugins.items()}
    keys: Schema = own["properties"]
    about = keys["use"]["description"]
    several = {"type": "array", "items": use, "description": about}
    given = {"type": "object", "properties": metrics, "description": keys["params"]["description"]}
    return {**own, "properties": {**keys, "use": {"anyOf": [use, several], "description": about}, "params": given}}


def _plugins(kind: str) -> dict[str, type[Any]]:
    plugin_kind = PLUGIN_KINDS[kind]
    return {name: registry.load(plugin_kind, name) for name in registry.names(plugin_kind)}


def _use(own: Schema, plugins: Mapping[str, type[Any]]) -> Schema:
    lines = [(inspect.getdoc(plugin) or "").partition("\n")[0] for plugin in plugins.values()]
    names = {"type": "string", "enum": list(plugins), "x-taplo": {"docs": {"enumValues": lines}}}
    return {**{key: value for key, value in own.items() if key != "type"}, "anyOf": [names, _LOCAL_PLUGIN]}


def _all_keys(plugins: Mapping[str, Schema], common: Schema) -> Schema:
    """Put the keys of all plugins in one place, each with all it may mean."""
    found: dict[str, list[tuple[str, Schema]]] = {}
    for name, schema in plugins.items():
        for key, value in schema["properties"].items():
            if key not in common:
                found.setdefault(key, []).append((name, value))
    return {key: _joined(uses) for key, uses in found.items()}


def _joined(uses: Sequence[tuple[str, Schema]]) -> Schema:
    first = uses[0][1]
    if all(value == first for _, value in uses):
        return first
    joined: Schema = {"description": "\n\n".join(f"{name}: {value.get('description', '')}" for name, value in uses)}
    choices = [choice for _, value in uses for choice in value.get("enum", ())]
    return {**joined, "enum": list(dict.fromkeys(choices))} if choices else joined


def _rule(plugin: type[Any], name: str, schema: Schema, common: Schema) -> Schema:
    required: list[str] = [key for key in schema.get("required", ()) if key not in common]
    if "files" in common and getattr(plugin, "needs_files", True):
        required.append("files")
    keys: Schema = {**schema["properties"], **dict.fromkeys(common, True)}
    then: Schema = {"properties": keys, "required": required, "additionalProperties": False}
    return {"if": {"properties": {"use": {"const": name}}, "required": ["use"]}, "then": then}


def _plain(schema: Schema) -> Schema:
    """Write a schema without references, titles, and null, which TOML cannot say."""
    defined = cast("Schema", schema.get("$defs", {}))

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return value
        table = cast("Schema", value)
        if "$ref" in table:
            rest = {key: part for key, part in table.items() if key != "$ref"}
            return plain({**defined[table["$ref"].rpartition("/")[2]], **rest})
        return _without_null(
            {_OLD_NAMES.get(key, key): plain(part) for key, part in table.items() if _is_kept(key, part)}
        )

    return plain({key: value for key, value in schema.items() if key not in {"$defs", "description"}})


# What draft 7 calls by another name.
_OLD_NAMES = {"prefixItems": "items"}


def _is_kept(key: str, value: Any) -> bool:
    return not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)


def _without_null(table: Schema) -> Schema:
    variants = table.get("anyOf")
    if not isinstance(variants, list):
        return table
    kept = [variant for variant in cast("list[Schema]", variants) if variant != {"type": "null"}]
    rest = {key: value for key, value in table.items() if key != "anyOf"}
    return {**kept[0], **rest} if len(kept) == 1 else {**rest, "anyOf": kept}
