"""From the tables of a recipe to its entries, each with its plugin built and its files found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataforge.core import params, registry
from dataforge.core.registry import BadPluginError, PluginKind, UnknownPluginError, nearest
from dataforge.recipe.inputs import find_inputs
from dataforge.recipe.keys import check, mend_keys
from dataforge.recipe.mistakes import Mistakes, did_you_mean, listed
from dataforge.recipe.model import EvalEntry, GateEntry, InputFile, SourceEntry, StepEntry, TrainEntry
from dataforge.recipe.names import entry_names, name_of_use
from dataforge.recipe.tables import ARRAYS, PLUGIN_KINDS
from dataforge.recipe.tree import Node


@dataclass(slots=True)
class Draft:
    """One table on its way to an entry; what could not be made of it is None.

    Args:
        kind: The table's key: source, step, train, eval or gate.
        node: The table.
        name: What it is called.
        keys: Its own keys, an instance of the class in `recipe.tables`.
        plugin_class: The plugin that it names.
        plugin: The plugin, built; of an eval, the metrics by name.
        inputs: Its files.
    """

    kind: str
    node: Node
    name: str | None = None
    keys: Any = None
    plugin_class: type[Any] | None = None
    plugin: Any = None
    inputs: tuple[InputFile, ...] = field(default=())

    def place_of(self, *path: str) -> Any:
        """Find where a key stands, or the nearest place around it."""
        return self.node.at(path).place


def read_entries(kind: str, root: Node, mistakes: Mistakes) -> list[Draft]:
    """Check all tables of one kind.

    Args:
        kind: The table's key.
        root: The recipe's tree.
        mistakes: Takes what is wrong.

    Returns:
        One draft a table, in file order, also where it has mistakes.
    """
    array = root.table.get(kind)
    drafts = [_draft(kind, item, mistakes) for item in (array.items if array else [])]
    names = entry_names(kind, [draft.node for draft in drafts])
    for draft, name in zip(drafts, names, strict=True):
        draft.name = name
    return drafts


def _draft(kind: str, node: Node, mistakes: Mistakes) -> Draft:
    draft = Draft(kind, node)
    own = [key.name for key in dataclasses.fields(ARRAYS[kind])]
    has_params = kind in {"source", "step", "train"}
    if has_params:
        _mend_use(draft, mistakes)
        draft.plugin_class = _find_plugin(PLUGIN_KINDS[kind], node.table.get("use"), node.base, mistakes)
    fields = params.param_names(draft.plugin_class) if draft.plugin_class else []
    if draft.plugin_class or not has_params:
        mend_keys(node, [*own, *(name for name in fields if name not in own)], _called(draft), mistakes)
    draft.keys = check(ARRAYS[kind], _part(node, own), _called(draft), mistakes)
    if draft.plugin_class:
        part = Node({key: child for key, child in node.table.items() if key not in own}, node.place, node.base)
        draft.plugin = check(draft.plugin_class, part, _called(draft), mistakes)
        _check_paths(draft, mistakes)
    if kind == "source" and draft.plugin_class:
        _find_files(draft, mistakes)
    if kind == "eval" and draft.keys is not None:
        _find_metrics(draft, mistakes)
    return draft


def _called(draft: Draft) -> str:
    name = draft.node.text("name") or draft.node.text("use")
    return f"{draft.kind} '{name_of_use(name)}'" if name else f"this [[{draft.kind}]]"


def _part(node: Node, keys: Sequence[str]) -> Node:
    return Node({key: child for key, child in node.table.items() if key in keys}, node.place, node.base)


def _mend_use(draft: Draft, mistakes: Mistakes) -> None:
    """Look for a misspelled `use` first: without it nothing is known of the other keys."""
    table = draft.node.table
    if "use" in table:
        return
    own = [key.name for key in dataclasses.fields(ARRAYS[draft.kind])]
    texts = [key for key in table if draft.node.text(key) is not None and key not in own]
    near = nearest("use", texts)
    if near is not None:
        child = table.pop(near)
        mistakes.add(f"this [[{draft.kind}]] has no key '{near}'", fix="did you mean 'use'?", where=child.place)
        table["use"] = child


def _find_plugin(kind: PluginKind, use: Node | None, base: Path, mistakes: Mistakes) -> type[Any] | None:
    if use is None or not isinstance(use.value, str):
        return None  # the check of the table's own keys says so
    if registry.is_local(use.value) and not (base / use.value).is_file():
        _, wrong = find_inputs([use.value], base)
        mistakes.add(wrong[0].message, fix=wrong[0].fix, where=use.place)
        return None
    try:
        plugin = registry.load(kind, use.value, base)
    except UnknownPluginError as error:
        known = f"there are: {listed(registry.names(kind))}; a file of your own begins with ./ and ends in .py"
        mistakes.add(str(error), fix=did_you_mean(error.suggestion, known), where=use.place)
    except BadPluginError as error:
        fix = f"mend the file; its last line declares the {kind}, as in {kind.upper()} = MyClass"
        mistakes.add(f"'{use.value}' cannot be used: {error}", fix=fix, where=use.place)
    except ImportError as error:
        mistakes.add(f"'{use.value}' needs what is not installed: {error}", fix="install it", where=use.place)
    else:
        if dataclasses.is_dataclass(plugin):
            return plugin
        mistakes.add(f"'{use.value}' declares no dataclass", fix="make the plugin a frozen dataclass", where=use.place)
    return None


def _check_paths(draft: Draft, mistakes: Mistakes) -> None:
    """See that the files are there that a plugin's parameters name."""
    named = [*getattr(draft.plugin_class, "path_fields", ()), *getattr(draft.plugin_class, "reference_fields", ())]
    for name in named:
        written = draft.node.table.get(name)
        for path in [] if written is None else written.items if written.is_array else [written]:
            if isinstance(path.value, str) and not (draft.node.base / path.value).exists():
                _, wrong = find_inputs([path.value], draft.node.base)
                mistakes.add(f"{name}: {wrong[0].message}", fix=wrong[0].fix, where=path.place)


def _find_files(draft: Draft, mistakes: Mistakes) -> None:
    written = draft.node.table.get("files")
    if written is None:
        if getattr(draft.plugin_class, "needs_files", True):
            fix = 'add files = "…", a path or a pattern such as "data/*.json"'
            mistakes.add(f"{_called(draft)} has no 'files'", fix=fix, where=draft.node.place)
        return
    patterns = written.items if written.is_array else [written]
    if not patterns:
        mistakes.add("files is an empty array", fix="name at least one file", where=written.place)
    texts = [pattern.value for pattern in patterns if isinstance(pattern.value, str)]
    inputs, wrong = find_inputs(texts, draft.node.base)
    for problem in wrong:
        mistakes.add(problem.message, fix=problem.fix, where=written.place)
    draft.inputs = tuple(inputs)


def _find_metrics(draft: Draft, mistakes: Mistakes) -> None:
    written = draft.node.table["use"]
    given = draft.node.table.get("params", Node({}, draft.node.place, draft.node.base))
    names = [name_of_use(use) for use in _texts(draft.keys.use)]
    mend_keys(given, names, f"{_called(draft)}: params", mistakes)
    draft.plugin = {}
    for use in written.items if written.is_array else [written]:
        metric = _find_plugin("metric", use, draft.node.base, mistakes)
        name = name_of_use(use.value)
        if metric is not None:
            table = given.table.get(name, Node({}, draft.node.place, draft.node.base))
            mend_keys(table, params.param_names(metric), f"metric '{name}'", mistakes)
            draft.plugin[name] = check(metric, table, f"metric '{name}'", mistakes)


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def source_entry(draft: Draft) -> SourceEntry:
    """Make the entry of a draft without mistakes."""
    return SourceEntry(inputs=draft.inputs, license=draft.keys.license, **_of_plugin(draft))


def step_entry(draft: Draft) -> StepEntry:
    """Make the entry of a draft without mistakes."""
    return StepEntry(where=draft.keys.where, **_of_plugin(draft))


def train_entry(draft: Draft) -> TrainEntry:
    """Make the entry of a draft without mistakes."""
    keys = draft.keys
    return TrainEntry(model=keys.model, data=keys.data, policy=keys.policy, reward=keys.reward, **_of_plugin(draft))


def _of_plugin(draft: Draft) -> dict[str, Any]:
    own = {key.name for key in dataclasses.fields(ARRAYS[draft.kind])}
    return {
        "use": draft.keys.use,
        "name": draft.name,
        "params": {key: child.plain() for key, child in draft.node.table.items() if key not in own},
        "plugin": draft.plugin,
        "place": draft.node.place,
        "base": draft.node.base,
    }


def eval_entry(draft: Draft) -> EvalEntry:
    """Make the entry of a draft without mistakes."""
    keys = draft.keys
    return EvalEntry(
        models=_texts(keys.models),
        baseline=keys.baseline,
        split=keys.split,
        use=_texts(keys.use),
        params=keys.params,
        plugins=draft.plugin,
        place=draft.node.place,
        base=draft.node.base,
    )


def gate_entry(draft: Draft) -> GateEntry:
    """Make the entry of a draft without mistakes."""
    return GateEntry(metric=draft.keys.metric, max=draft.keys.max, min=draft.keys.min, place=draft.node.place)
