"""Keys and values of one table, checked against a class: unknown keys are named and mended, so that reading goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from dataforge.core import params
from dataforge.core.params import ParamProblem
from dataforge.core.registry import nearest
from dataforge.recipe.locate import KeyPath
from dataforge.recipe.mistakes import Mistakes, did_you_mean, listed
from dataforge.recipe.tree import Node
from dataforge.recipe.wording import own_words, wanted, wrong_value

T = TypeVar("T")


def mend_keys(table: Node, valid: Sequence[str], called: str, mistakes: Mistakes) -> None:
    """Note the unknown keys of a table, and give each the name that was probably meant.

    A key that is mended so is checked like any other, and its place is not missed: one mistake is told once.

    Args:
        table: The table; it is changed.
        valid: The keys it may have.
        called: What messages call the table.
        mistakes: Takes the unknown keys.
    """
    for key in [key for key in table.table if key not in valid]:
        _mend(table, key, valid, called, mistakes)


def check(kind: type[T], table: Node, called: str, mistakes: Mistakes) -> T | None:
    """Make an instance of a class from a table.

    Args:
        kind: A plugin, or a class of `recipe.tables`.
        table: The table; nested keys that are nearly right are mended.
        called: What messages call the table.
        mistakes: Takes what is wrong.

    Returns:
        The instance, or None where a value is wrong or missing.
    """
    while True:
        instance, problems = params.build(kind, table.plain())
        unknown = {path: None for problem in problems if (path := _unknown_key(problem, table))}
        if not unknown:
            break
        for path in unknown:
            outer = _written(path[:-1])
            valid = list(_keys_at(params.json_schema(kind), path[:-1]))
            _mend(table.at(path[:-1]), str(path[-1]), valid, f"'{outer}'" if outer else called, mistakes)
    _note(kind, table, problems, called, mistakes)
    return instance


def _mend(table: Node, key: str, valid: Sequence[str], called: str, mistakes: Mistakes) -> None:
    child = table.table.pop(key)
    near = nearest(key, [name for name in valid if name not in table.table]) or nearest(key, valid)
    fix = did_you_mean(near, f"its keys are {listed(list(valid))}")
    mistakes.add(f"{called} has no key '{key}'", fix=fix, where=child.place)
    if near is not None:
        table.table.setdefault(near, child)


def _unknown_key(problem: ParamProblem, table: Node) -> KeyPath:
    path = _real_path(problem.path, table)
    is_there = problem.is_unknown_key and bool(path) and path[-1] == problem.path[-1]
    return path if is_there and table.at(path[:-1]).is_table else ()


def _real_path(path: KeyPath, table: Node) -> KeyPath:
    """Leave out of a path what pydantic adds to it: the names of the types that a value may have."""
    real: KeyPath = ()
    for part in path:
        above = table.at(real).value
        if (isinstance(above, dict) and part in above) or (isinstance(above, list) and isinstance(part, int)):
            real = (*real, part)
    return real


def _keys_at(schema: dict[str, Any], path: KeyPath) -> Iterator[str]:
    """Give the keys that a JSON Schema knows at a path."""
    places = list(_variants(schema, schema))
    for part in path:
        inner: list[dict[str, Any]] = []
        for place in places:
            below = place.get("items") if isinstance(part, int) else place.get("properties", {}).get(part)
            below = below or place.get("additionalProperties")
            inner += _variants(cast("dict[str, Any]", below), schema) if isinstance(below, dict) else ()
        places = inner
    for place in places:
        yield from place.get("properties", ())


def _variants(place: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while "$ref" in place:
        place = schema["$defs"][place["$ref"].rpartition("/")[2]]
    yield place
    for variant in place.get("anyOf", ()):
        yield from _variants(variant, schema)


def _written(path: KeyPath) -> str:
    """Write a path as in where.source[1]; items count from 0."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _note(kind: type[Any], table: Node, problems: Sequence[ParamProblem], called: str, mistakes: Mistakes) -> None:
    grouped: dict[KeyPath, list[ParamProblem]] = {}
    for problem in problems:
        grouped.setdefault(_real_path(problem.path, table), []).append(problem)
    for path, those in grouped.items():
        # Where one of several types got further into the value, what the others say of it is beside the point.
        if not any(other[: len(path)] == path and len(other) > len(path) for other in grouped if _is_union(those)):
            _note_one(kind, table, path, those, called, mistakes)


def _is_union(problems: Sequence[ParamProblem]) -> bool:
    return all(not problem.is_missing_key for problem in problems)


def _note_one(
    kind: type[Any], table: Node, path: KeyPath, problems: Sequence[ParamProblem], called: str, mistakes: Mistakes
) -> None:
    missing = [problem for problem in problems if problem.is_missing_key]
    node = table.at(path)
    key = _written(path)
    messages = [problem.message for problem in problems]
    if missing:
        for problem in missing:
            name = str(problem.path[-1])
            about = _description(kind, (*path, name))
            owner = f"'{key}'" if key else called
            mistakes.add(f"{owner} has no '{name}'", fix=f"add {name} = …{about}", where=node.place)
    elif path:
        message, fix = wrong_value(key, node.plain(), messages, _default(kind, path))
        mistakes.add(message if wanted(messages[0]) else f"{key}: {message}", fix=fix, where=node.place)
    else:
        message, fix = own_words(messages[0], table.table)
        named = [child for name, child in table.table.items() if name in fix.split() or name in message.split()]
        mistakes.add(f"{called}: {message}", fix=fix, where=named[0].place if named else node.place)


def _description(kind: type[Any], path: KeyPath) -> str:
    schema = params.json_schema(kind)
    for place in _variants(schema, schema) if len(path) == 1 else ():
        text = place.get("properties", {}).get(path[0], {}).get("description")
        if text:
            return f"  # {text}"
    return ""


def _default(kind: type[Any], path: KeyPath) -> Any:
    found = [field.default for field in dataclasses.fields(kind) if path == (field.name,)]
    return found[0] if found and isinstance(found[0], str | int | float) else None
