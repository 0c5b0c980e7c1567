"""What the tables of a recipe are called, where they do not say so themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from dataforge.core.registry import is_local
from dataforge.recipe.tables import MAX_NAME, NAME_PATTERN
from dataforge.recipe.tree import Node


def name_of_use(use: str) -> str:
    """Give the name of a plugin: that of its file, without folder and ending, where it is a local one."""
    return PurePosixPath(use).stem if is_local(use) else use


def entry_names(kind: str, entries: Sequence[Node]) -> list[str | None]:
    """Name the tables of one kind.

    Args:
        kind: The table's key. Two steps of the same use are told apart by a number; other tables are not, because
            their names go into the data or the checkpoints, and must not change when one is put before them.
        entries: The tables.

    Returns:
        A name for each; None where neither `name` nor `use` gives one.
    """
    written = [entry.text("name") for entry in entries]
    taken = {name for name in written if name is not None}
    names: list[str | None] = []
    for entry, own in zip(entries, written, strict=True):
        use = entry.text("use")
        name = (
            own
            if own is not None
            else name_of_use(use)
            if use is not None and kind in {"source", "step", "train"}
            else None
        )
        if own is None and name is not None and kind == "step":
            name = _free(name, taken)
            taken.add(name)
        names.append(name)
    return names


def _free(name: str, taken: set[str]) -> str:
    number = 1
    while (name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return name if number == 1 else f"{name}_{number}"


def is_safe_name(name: str) -> bool:
    """Tell whether a name may be that of a folder on any machine."""
    return re.fullmatch(NAME_PATTERN, name) is not None and len(name) <= MAX_NAME
