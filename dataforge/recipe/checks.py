"""What only two tables together can get wrong: names that nothing has, rows that nobody gives, bounds that clash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dataforge.core.errors import Where
from dataforge.core.registry import nearest
from dataforge.recipe.entries import Draft
from dataforge.recipe.evidence import check_evidence
from dataforge.recipe.mistakes import Mistakes, did_you_mean, listed
from dataforge.recipe.names import is_safe_name, name_of_use
from dataforge.recipe.tree import Node

Drafts = Mapping[str, Sequence[Draft]]

RESERVED = ("base", "tiny")


def cross_check(root: Node, drafts: Drafts, mistakes: Mistakes) -> None:
    """Check what concerns more than one table.

    Args:
        root: The recipe's tree.
        drafts: All tables, by their key.
        mistakes: Takes what is wrong. What a mistake already noted may have caused is not looked at.
    """
    _check_split(root, mistakes)
    for kind in ("source", "step", "train"):
        _check_names(kind, drafts[kind], mistakes)
    for draft in [*drafts["step"], *drafts["train"]]:
        _check_clause(draft, drafts["source"], mistakes)
    for place, draft in enumerate(drafts["step"]):
        check_evidence(draft, drafts["step"][:place], mistakes)
    for place, draft in enumerate(drafts["train"]):
        _check_trainer(draft, drafts["train"][:place], drafts["train"][place:], mistakes)
    for draft in drafts["eval"]:
        _check_eval(draft, drafts["train"], mistakes)
    for draft in drafts["gate"]:
        _check_gate(draft, drafts["eval"], mistakes)


def _check_split(root: Node, mistakes: Mistakes) -> None:
    split = root.table.get("split")
    if split is None or not split.is_table:
        return
    shares = {key: split.table[key].value for key in ("validation", "test") if key in split.table}
    if len(shares) < 2 or not all(isinstance(share, int | float) and 0 <= share <= 1 for share in shares.values()):
        return
    if sum(shares.values()) > 1 + 1e-9:
        mistakes.add(
            f"validation ({shares['validation']}) and test ({shares['test']}) are more than 1 together",
            fix="lower one of them; what is left is for training",
            where=split.table["test"].place,
        )


def _check_names(kind: str, drafts: Sequence[Draft], mistakes: Mistakes) -> None:
    first: dict[str, Draft] = {}
    for draft in drafts:
        if draft.name is None or draft.keys is None:
            continue
        where = draft.place_of("name") if "name" in draft.node.table else draft.place_of("use")
        other = first.setdefault(draft.name, draft)
        if other is not draft:
            fix = f'give this one a name of its own, such as name = "{draft.name}_2"'
            line = f" (line {other.node.place.line})" if other.node.place.line else ""
            mistakes.add(f"another {kind}{line} is called '{draft.name}' too", fix=fix, where=where)
        elif not is_safe_name(draft.name) and draft.plugin_class is not None:
            fix = 'add name = "…", of letters, digits, ".", "_" and "-"'
            mistakes.add(f"'{draft.name}' is no name for a {kind}", fix=fix, where=where)
        elif kind == "train" and draft.name in RESERVED:
            mistakes.add(f"'{draft.name}' means a model already", fix="choose another name", where=where)


def _check_clause(draft: Draft, sources: Sequence[Draft], mistakes: Mistakes) -> None:
    """Check `where` or `data`: its sources must be there, and one of them give the kind of row that is wanted."""
    if draft.keys is None:
        return
    key = "where" if draft.kind == "step" else "data"
    clause = getattr(draft.keys, key)
    wanted_sources = _texts(clause.source) if clause is not None else ()
    names = [source.name for source in sources]
    if None in names:
        return
    unknown = [name for name in wanted_sources if name not in names]
    for name in unknown:
        fix = did_you_mean(nearest(name, [*map(str, names)]), f"the sources are {listed([*map(str, names)])}")
        mistakes.add(f"no source is called '{name}'", fix=fix, where=draft.place_of(key, "source"))
    if not unknown:
        asked = [source for source in sources if not wanted_sources or source.name in wanted_sources]
        _check_kind(draft, clause, asked, mistakes)
        _check_own_sources(draft, asked, mistakes)


def _check_own_sources(draft: Draft, sources: Sequence[Draft], mistakes: Mistakes) -> None:
    """Let a step that names sources in its own keys look at those whose rows reach it (`check_sources`)."""
    check_sources = getattr(draft.plugin, "check_sources", None)
    if check_sources is None:
        return
    try:
        check_sources(tuple(str(source.name) for source in sources))
    except ValueError as error:
        mistakes.add(
            str(error), fix="name the sources as the recipe does, and all of them", where=draft.place_of("use")
        )


def _check_kind(draft: Draft, clause: Any, sources: Sequence[Draft], mistakes: Mistakes) -> None:
    written = clause.kind if clause is not None else None
    kind = written or _needed_kind(draft)
    gives = {str(source.name): getattr(source.plugin_class, "gives", None) for source in sources}
    is_open = not sources or any(source.plugin_class is None for source in sources) or None in gives.values()
    if kind is None or is_open or any(kind in kinds for kinds in gives.values() if kinds):
        return
    found = "; ".join(f"{name} gives {listed(sorted(kinds))}" for name, kinds in gives.items() if kinds)
    where = draft.place_of("where" if draft.kind == "step" else "data", "kind") if written else draft.place_of("use")
    mistakes.add(
        f"{draft.kind} '{draft.name}' wants {kind} rows, and no source gives any: {found}",
        fix=f"add a source of {kind} rows, or remove this [[{draft.kind}]]",
        where=where,
    )


def _needed_kind(draft: Draft) -> str | None:
    """Tell which kind of row a plugin cannot do without; a trainer on pairs says so by its view."""
    view = getattr(draft.plugin_class, "view", None)
    return getattr(draft.plugin_class, "needs_kind", "preference" if view == "preference" else None)


def _check_trainer(draft: Draft, earlier: Sequence[Draft], later: Sequence[Draft], mistakes: Mistakes) -> None:
    if draft.keys is None:
        return
    before = [trainer.name for trainer in earlier]
    after = [trainer.name for trainer in later]
    for key in ("policy", "reward"):
        name = getattr(draft.keys, key)
        if name is None or None in before or _is_model(name, draft, before):
            continue
        if name in after:
            fix = "name an earlier one" if name == draft.name else f"move [[train]] '{name}' before this one"
            mistakes.add(f"{key} '{name}' is not trained yet at this point", fix=fix, where=draft.place_of(key))
        else:
            _note_no_model(key, name, before, draft.place_of(key), mistakes)
    model = draft.keys.model
    if model in before:
        mistakes.add(
            f"model '{model}' is a trainer",
            fix=f'to train it further, write policy = "{model}"',
            where=draft.place_of("model"),
        )
    elif not _is_model(model, draft, ()):
        _note_no_model("model", model, [], draft.place_of("model"), mistakes)


def _check_eval(draft: Draft, trainers: Sequence[Draft], mistakes: Mistakes) -> None:
    names = [trainer.name for trainer in trainers]
    if draft.keys is None or None in names:
        return
    models = _texts(draft.keys.models)
    for name in models:
        if not _is_model(name, draft, names):
            _note_no_model("model", name, names, _item_place(draft, "models", models.index(name)), mistakes)
    baseline = draft.keys.baseline
    if baseline is not None and baseline not in models:
        fix = did_you_mean(nearest(baseline, models), f'add "{baseline}" to models')
        mistakes.add(f"baseline '{baseline}' is not one of models", fix=fix, where=draft.place_of("baseline"))


def _check_gate(draft: Draft, evals: Sequence[Draft], mistakes: Mistakes) -> None:
    if draft.keys is None:
        return
    low, high = draft.keys.min, draft.keys.max
    if low is None and high is None:
        mistakes.add("this [[gate]] has no bound", fix="add max = … or min = …", where=draft.node.place)
    elif low is not None and high is not None:
        mistakes.add(
            f"this [[gate]] has min ({low}) and max ({high})",
            fix="keep one of them; write a second [[gate]] for the other",
            where=draft.place_of("min"),
        )
    if any(found.keys is None for found in evals):
        return
    metrics = [name_of_use(use) for found in evals for use in _texts(found.keys.use)]
    metric, dot, value = draft.keys.metric.partition(".")
    if metric not in metrics:
        near = nearest(metric, metrics)
        known = f"the evals measure {listed(metrics)}" if evals else f'add an [[eval]] with use = ["{metric}"]'
        fix = did_you_mean(near and f"{near}{dot}{value}", known)
        mistakes.add(f"no [[eval]] measures '{metric}'", fix=fix, where=draft.place_of("metric"))


def _is_model(name: str, draft: Draft, trainers: Sequence[str | None]) -> bool:
    if name in trainers or name in RESERVED:
        return True
    is_path = name.startswith(("./", "../", "/"))
    return ("/" in name and not is_path) or (bool(name) and (draft.node.base / name).exists())


def _note_no_model(key: str, name: str, names: Sequence[str | None], where: Where, mistakes: Mistakes) -> None:
    if name.startswith(("./", "../", "/")):
        mistakes.add(f"{key} '{name}': there is no such folder", fix="see to the path", where=where)
        return
    known = [*(trainer for trainer in names if trainer), *RESERVED]
    fix = did_you_mean(
        nearest(name, known), f"it may be {listed(known)}, a folder, or a hub id with its owner, as in owner/{name}"
    )
    mistakes.add(f"{key} '{name}' is neither a trainer nor a model", fix=fix, where=where)


def _item_place(draft: Draft, key: str, place: int) -> Where:
    node = draft.node.table[key]
    return node.items[place].place if node.is_array else node.place


def _texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else value
