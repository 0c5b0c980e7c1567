"""`--set key=value`: values that are laid over the recipe's own."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from dataforge.core.errors import Where
from dataforge.core.registry import nearest
from dataforge.recipe.files import parse_value
from dataforge.recipe.mistakes import Mistakes, did_you_mean, listed
from dataforge.recipe.names import entry_names
from dataforge.recipe.tables import ARRAYS
from dataforge.recipe.tree import Node, grow


def apply_overrides(root: Node, overrides: Sequence[str], mistakes: Mistakes) -> None:
    """Lay values over a tree.

    Args:
        root: The recipe's tree; it is changed.
        overrides: Each `key=value`: `seed=3`, `split.test=0.1`, `step.length_filter.max=100`. A table that stands
            several times is followed by a name, or by its number from 1.
        mistakes: Takes what is wrong with them.
    """
    for override in overrides:
        where = Where(f"--set {override}")
        path = _path(override, where, mistakes)
        value = _value(override, where, root.base, mistakes) if path else None
        if value is not None:
            _put(root, path, value, mistakes)


def _path(override: str, where: Where, mistakes: Mistakes) -> list[str]:
    key, equals, _ = override.partition("=")
    try:
        parsed: Any = tomllib.loads(f"{key.strip()} {equals} 0")
    except tomllib.TOMLDecodeError:
        parsed = {}
    if not parsed:  # a comment is TOML too
        mistakes.add("this is not key=value", fix="write it as in --set split.test=0.1", where=where)
        return []
    path: list[str] = []
    while isinstance(parsed, dict):
        name, parsed = next(iter(cast("dict[str, Any]", parsed).items()))
        path.append(name)
    if path[0] == "include":
        mistakes.add("'include' cannot be set from outside", fix="write it into the recipe", where=where)
        return []
    return path


def _value(override: str, where: Where, base: Path, mistakes: Mistakes) -> Node | None:
    try:
        node = grow(parse_value(override.partition("=")[2]), {}, Path(), base)
    except ValueError as error:
        mistakes.add(f"the value cannot be read: {error}", fix="write it as in a recipe, in shell quotes", where=where)
        return None
    _place(node, where)
    return node


def _place(node: Node, where: Where) -> None:
    node.place = where
    for child in node.children():
        _place(child, where)


def _put(root: Node, path: list[str], value: Node, mistakes: Mistakes) -> None:
    node, rest = root, path
    if path[0] in ARRAYS:
        found = _entry(root, path, value.place, mistakes)
        if found is None:
            return
        node, rest = found, path[2:]
    for key in rest[:-1]:
        node = node.table.setdefault(key, Node({}, value.place, root.base))
        if not node.is_table:
            mistakes.add(f"'{key}' is no table and has no keys", fix=f"set '{key}' itself", where=value.place)
            return
    node.table[rest[-1]] = value


def _entry(root: Node, path: list[str], where: Where, mistakes: Mistakes) -> Node | None:
    kind = path[0]
    array = root.table.get(kind)
    entries = [item for item in array.items if item.is_table] if array and array.is_array else []
    names = [name or "" for name in entry_names(kind, entries)]
    numbers = [str(number) for number in range(1, len(entries) + 1)]
    if len(path) < 3:
        mistakes.add(
            f"'{path[-1]}' is not a key of one {kind}",
            fix=f"write {kind}.NAME.key=value; names: {listed(names)}",
            where=where,
        )
        return None
    for candidates in (names, numbers):
        if path[1] in candidates:
            return entries[candidates.index(path[1])]
    near = did_you_mean(
        nearest(path[1], names), f"there are: {listed([name or n for name, n in zip(names, numbers, strict=True)])}"
    )
    mistakes.add(f"no {kind} is called '{path[1]}'", fix=near, where=where)
    return None
