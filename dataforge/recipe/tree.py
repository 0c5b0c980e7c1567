"""A recipe's values, each with its place: what is left to do after TOML has been read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dataforge.core.errors import Where
from dataforge.recipe.locate import KeyPath, Position


@dataclass(slots=True)
class Node:
    """A value of a recipe and where it was written.

    Args:
        value: A table (dict of nodes), an array (list of nodes), or what TOML calls a primitive.
        place: Where its key stands, or the `--set` that gave it.
        base: The folder of its file; relative paths start there.
    """

    value: Any
    place: Where
    base: Path

    @property
    def is_table(self) -> bool:
        """True for a table."""
        return isinstance(self.value, dict)

    @property
    def is_array(self) -> bool:
        """True for an array."""
        return isinstance(self.value, list)

    @property
    def table(self) -> dict[str, Node]:
        """Its keys; it must be a table."""
        return cast("dict[str, Node]", self.value)

    @property
    def items(self) -> list[Node]:
        """Its items; it must be an array."""
        return cast("list[Node]", self.value)

    def children(self) -> list[Node]:
        """Give the values right below it."""
        return list(self.table.values()) if self.is_table else list(self.items) if self.is_array else []

    def plain(self) -> Any:
        """Give the value without places."""
        if self.is_table:
            return {key: child.plain() for key, child in self.table.items()}
        return [child.plain() for child in self.items] if self.is_array else self.value

    def at(self, path: KeyPath) -> Node:
        """Follow a path of keys as far as it goes."""
        node = self
        for part in path:
            if node.is_table and part in node.table:
                node = node.table[str(part)]
            elif node.is_array and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
            else:
                break
        return node

    def text(self, key: str) -> str | None:
        """Give a key's value if it is there and a string."""
        child = self.table.get(key)
        return child.value if child is not None and isinstance(child.value, str) else None


def grow(value: Any, places: dict[KeyPath, Position], path: Path, base: Path) -> Node:
    """Make the tree of a parsed file.

    Args:
        value: What `tomllib` gave.
        places: What `locate` gave for the same text.
        path: The file, as messages call it.
        base: Its folder.

    Returns:
        The root, a table.
    """

    def node(part: Any, at: KeyPath) -> Node:
        line, column = places.get(at, (1, 1))
        place = Where(path, line, column)
        if isinstance(part, dict):
            table = cast("dict[str, Any]", part)
            return Node({key: node(child, (*at, key)) for key, child in table.items()}, place, base)
        if isinstance(part, list):
            array = cast("list[Any]", part)
            return Node([node(child, (*at, number)) for number, child in enumerate(array)], place, base)
        return Node(part, place, base)

    return node(value, ())


def take_unfit_values(node: Node) -> list[Node]:
    """Take out the values that JSON cannot hold: dates, times, infinities and `nan`."""
    found = [unfit for child in node.children() for unfit in take_unfit_values(child)]
    found += [child for child in node.children() if _is_unfit(child)]
    if node.is_table:
        node.value = {key: child for key, child in node.table.items() if not _is_unfit(child)}
    elif node.is_array:
        node.value = [child for child in node.items if not _is_unfit(child)]
    return found


def _is_unfit(node: Node) -> bool:
    if isinstance(node.value, float):
        return not math.isfinite(node.value)
    return not (node.is_table or node.is_array or isinstance(node.value, str | int))
