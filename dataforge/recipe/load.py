"""Load a recipe: all of its mistakes at once, or a recipe that has none."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataforge.core import params
from dataforge.core.fingerprint import fingerprint
from dataforge.core.registry import nearest
from dataforge.recipe.checks import cross_check
from dataforge.recipe.entries import Draft, eval_entry, gate_entry, read_entries, source_entry, step_entry, train_entry
from dataforge.recipe.files import read_with_includes
from dataforge.recipe.keys import check
from dataforge.recipe.mistakes import Mistakes, did_you_mean, listed
from dataforge.recipe.model import Recipe, clause_values
from dataforge.recipe.overrides import apply_overrides
from dataforge.recipe.tables import ARRAYS, TABLES, RecipeKeys
from dataforge.recipe.tree import Node, take_unfit_values

_OWN_KEYS = [field.name for field in dataclasses.fields(RecipeKeys)]


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, its includes and its overrides, and check all there is to check before anything runs.

    Args:
        path: The TOML file.
        overrides: `key=value`, as `--set` takes them.

    Returns:
        The recipe, with every plugin built and every file found.

    Raises:
        RecipeMistakesError: With every mistake, sorted by place.
    """
    mistakes = Mistakes()
    read = read_with_includes(path, mistakes)
    # A file that is missing or no TOML would make half of what follows look wrong.
    mistakes.raise_if_any()
    assert read is not None
    root, text = read
    _mend_top(root, mistakes)
    _shape_arrays(root, mistakes)
    _unwrap_tables(root, mistakes)
    apply_overrides(root, overrides, mistakes)
    _mend_top(root, mistakes)
    _note_unfit_values(root, mistakes)
    keys = check(RecipeKeys, _part(root), "the recipe", mistakes)
    drafts = {kind: read_entries(kind, root, mistakes) for kind in ARRAYS}
    if not drafts["source"]:
        mistakes.add("the recipe has no [[source]]", fix="add one, with use and files", where=root.place)
    cross_check(root, drafts, mistakes)
    mistakes.raise_if_any()
    assert keys is not None
    return _recipe(path, text, tuple(overrides), keys, drafts)


def _part(root: Node) -> Node:
    return Node({key: child for key, child in root.table.items() if key in _OWN_KEYS}, root.place, root.base)


def _mend_top(root: Node, mistakes: Mistakes) -> None:
    """Note unknown tables and keys, and take each for the one that was probably meant."""
    valid = [*_OWN_KEYS, *ARRAYS]
    for key in [key for key in root.table if key not in valid]:
        child = root.table.pop(key)
        near = nearest(key, [name for name in valid if name not in root.table]) or nearest(key, valid)
        fix = did_you_mean(near, f"the tables are {listed([*TABLES])}")
        what = "table" if child.is_table or child.is_array else "key"
        mistakes.add(f"a recipe has no {what} '{key}'", fix=fix, where=child.place)
        if near in ARRAYS and child.is_array:
            _join(root, near, child)
        elif near is not None and near not in ARRAYS:
            root.table.setdefault(near, child)


def _join(root: Node, kind: str, found: Node) -> None:
    """Put tables beside those of the right name, in file order: trainers may name only those before them."""
    there = root.table.get(kind)
    items = [*there.items, *found.items] if there is not None and there.is_array else found.items
    files = list(dict.fromkeys(str(item.place.path) for item in items))
    items.sort(key=lambda item: (files.index(str(item.place.path)), item.place.line or 0))
    root.table[kind] = Node(items, found.place, found.base)


def _shape_arrays(root: Node, mistakes: Mistakes) -> None:
    for kind in ARRAYS:
        node = root.table.get(kind)
        if node is None:
            continue
        found = node.items if node.is_array else [node]
        wrong = [item for item in found if not item.is_table]
        if node.is_table or wrong:
            where = (wrong or [node])[0].place
            mistakes.add(f"'{kind}' stands for several tables", fix=f"write its header as [[{kind}]]", where=where)
        tables = [item for item in found if item.is_table]
        root.table[kind] = Node(tables, node.place, node.base)


def _unwrap_tables(root: Node, mistakes: Mistakes) -> None:
    for key in [key for key in TABLES if key not in ARRAYS]:
        node = root.table.get(key)
        if node is not None and node.is_array:
            mistakes.add(f"'{key}' stands once", fix=f"write its header as [{key}]", where=node.place)
            root.table[key] = next((item for item in node.items if item.is_table), Node({}, node.place, node.base))


def _note_unfit_values(root: Node, mistakes: Mistakes) -> None:
    for node in take_unfit_values(root):
        fix = "write a number, or text in quotes"
        mistakes.add(f"a recipe has no use for the value {node.value}", fix=fix, where=node.place)


def _recipe(
    path: Path, text: str, overrides: tuple[str, ...], keys: RecipeKeys, drafts: dict[str, list[Draft]]
) -> Recipe:
    absolute = path.absolute()
    without_digest = Recipe(
        name=keys.name,
        seed=keys.seed,
        schema=keys.schema,
        path=path,
        label=f"{absolute.parent.name}/{absolute.name}",
        text=text,
        overrides=overrides,
        split=keys.split,
        output=keys.output,
        sources=tuple(source_entry(draft) for draft in drafts["source"]),
        steps=tuple(step_entry(draft) for draft in drafts["step"]),
        train=tuple(train_entry(draft) for draft in drafts["train"]),
        evals=tuple(eval_entry(draft) for draft in drafts["eval"]),
        gates=tuple(gate_entry(draft) for draft in drafts["gate"]),
        digest="",
    )
    return dataclasses.replace(without_digest, digest=fingerprint(_values(without_digest)))


def _values(recipe: Recipe) -> dict[str, Any]:
    """Give what a recipe says, defaults included, without the places and paths of this machine."""
    described: dict[str, Any] = {"name": recipe.name, "seed": recipe.seed, "schema": recipe.schema}
    described["split"] = recipe.split.model_dump(mode="json")
    described["output"] = recipe.output.model_dump(mode="json")
    described["source"] = [
        {**_entry(entry), "license": entry.license, "files": [file.label for file in entry.inputs]}
        for entry in recipe.sources
    ]
    described["step"] = [{**_entry(entry), "where": clause_values(entry.where)} for entry in recipe.steps]
    described["train"] = [
        {**_entry(entry), "data": clause_values(entry.data), "models": [entry.model, entry.policy, entry.reward]}
        for entry in recipe.train
    ]
    described["eval"] = [
        {
            "models": entry.models,
            "baseline": entry.baseline,
            "split": entry.split,
            "use": entry.use,
            "params": {name: params.params_of(metric) for name, metric in entry.plugins.items()},
        }
        for entry in recipe.evals
    ]
    described["gate"] = [{"metric": gate.metric, "max": gate.max, "min": gate.min} for gate in recipe.gates]
    return described


def _entry(entry: Any) -> dict[str, Any]:
    return {
        "use": entry.use,
        "version": entry.plugin.version,
        "name": entry.name,
        "params": params.params_of(entry.plugin),
    }
