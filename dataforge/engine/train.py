"""`forge train`: carries the plan on from the shards to checkpoints, one for each `[[train]]`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from dataforge import __version__
from dataforge.core.errors import DataError, InvariantError, RecipeError
from dataforge.core.fingerprint import fingerprint
from dataforge.core.plugin import TrainInputs
from dataforge.engine.build import Watcher, build
from dataforge.engine.checkpoints import checkpoint_folder, find_checkpoint, keep_checkpoint
from dataforge.engine.publish import Published
from dataforge.engine.task import PluginRef, resolved
from dataforge.engine.training_rows import takes_view, training_rows
from dataforge.recipe.model import Recipe, TrainEntry, clause_values
from dataforge.store.disk import held
from dataforge.store.folders import fresh_folder
from dataforge.store.home import Store
from dataforge.store.runs import put_run

RUN_SCHEMA = "dataforge.train/1"
TINY = "tiny"


class TrainWatcher(Protocol):
    """Is told how training goes."""

    def step(self, name: str, step: int, of: int, values: Mapping[str, float]) -> None:
        """A trainer has come this far."""
        ...

    def trained(self, trained: Trained) -> None:
        """A trainer is done."""
        ...


@dataclass(frozen=True, slots=True)
class Trained:
    """A checkpoint that is there.

    Args:
        name: The trainer's name in the recipe.
        folder: Where the checkpoint lies.
        base: What it was trained from: a folder, or a hub id.
        run: The run record, schema `dataforge.train/1`.
        reused: True when it was there already, made from the very same.
    """

    name: str
    folder: Path
    base: str
    run: dict[str, Any]
    reused: bool


@dataclass(slots=True)
class _Log:
    """Keeps what a trainer says, and passes it on."""

    name: str
    watcher: TrainWatcher
    curve: list[dict[str, float]] = field(default_factory=list[dict[str, float]])

    def __call__(self, step: int, of: int, values: Mapping[str, float]) -> None:
        self.curve.append({"step": step, **values})
        self.watcher.step(self.name, step, of, values)


def train(
    store: Store,
    recipe: Recipe,
    watcher: TrainWatcher,
    *,
    workers: int | None = None,
    building: Watcher | None = None,
    only: Sequence[str] | None = None,
) -> tuple[Published, list[Trained]]:
    """Build what is not built, then train what is not trained.

    Args:
        store: The project's store.
        recipe: A checked recipe.
        watcher: Is told how training goes.
        workers: Worker processes of the build; None chooses.
        building: Is told how the build goes.
        only: The trainers that are wanted; None wants all. Those that they start from are trained too.

    Returns:
        The dataset, and the checkpoints in the order of the recipe.

    Raises:
        RecipeError: The recipe trains nothing, or asks a trainer for what it cannot do; nothing has run.
        DataError: A trainer is left without rows.
        MachineError: Packages are missing, or the machine failed.
    """
    from dataforge.models.environment import check_installed, quiet

    entries = _needed(recipe.train, only)
    for entry in entries:
        _check(entry)
    check_installed()
    with quiet():
        for entry in entries:
            _check_start(entry)
    published = build(store, recipe, workers=workers, watcher=building).published
    done: dict[str, Trained] = {}
    for entry in entries:
        with quiet(), held(store.root / "locks" / f"{recipe.name}.train", f"a training of {recipe.name}"):
            done[entry.name] = _train(store, recipe, published, entry, done, watcher)
        watcher.trained(done[entry.name])
    return published, list(done.values())


def _needed(entries: Sequence[TrainEntry], only: Sequence[str] | None) -> list[TrainEntry]:
    wanted = {entry.name for entry in entries} if only is None else set(only)
    for entry in reversed(entries):  # a trainer stands after the one it starts from
        if entry.name in wanted and entry.policy is not None:
            wanted.add(entry.policy)
    return [entry for entry in entries if entry.name in wanted]


def _check(entry: TrainEntry) -> None:
    view: str = entry.plugin.view
    if entry.data is not None and entry.data.kind not in {None, view}:
        raise RecipeError(
            f"trainer '{entry.use}' reads {view} rows, and data asks for {entry.data.kind} rows",
            where=entry.place,
            fix=f'write data = {{ kind = "{view}" }}, or leave kind out',
        )
    if entry.reward is not None and not getattr(entry.plugin, "takes_reward", False):
        raise RecipeError(
            f"trainer '{entry.use}' takes no reward model", where=entry.place, fix="remove the key 'reward'"
        )


def _check_start(entry: TrainEntry) -> None:
    """See that the model a trainer begins with is there, before the build begins."""
    from dataforge.models.load import check_model

    if entry.policy is None and entry.model != TINY:
        check_model(_start(entry, {}))


def _train(
    store: Store,
    recipe: Recipe,
    published: Published,
    entry: TrainEntry,
    done: Mapping[str, Trained],
    watcher: TrainWatcher,
) -> Trained:
    start = _start(entry, done)
    folder = checkpoint_folder(store, recipe.name, entry.name)
    base = str(folder / "base") if start == TINY else start
    made_from = fingerprint(_key(recipe, published, entry, start, done))
    found = find_checkpoint(folder, made_from)
    if found is not None:
        return Trained(entry.name, folder, base, found, reused=True)
    fresh = fresh_folder(folder)
    run = {"schema": RUN_SCHEMA, "recipe": recipe.name, "name": entry.name, "fingerprint": made_from}
    run |= {"dataset_digest": published.digest, "started": datetime.now(UTC).isoformat(timespec="seconds")}
    run |= _run_trainer(recipe, published, entry, start, fresh, watcher)
    run["folder"] = folder.relative_to(store.project).as_posix()
    keep_checkpoint(fresh, folder, run)
    put_run(store, f"{recipe.name}/train", run)
    return Trained(entry.name, folder, base, run, reused=False)


def _start(entry: TrainEntry, done: Mapping[str, Trained]) -> str:
    name = entry.policy or entry.model
    if name in done:
        return str(done[name].folder)
    return str(entry.base / name) if (entry.base / name).is_dir() else name


def _key(
    recipe: Recipe, published: Published, entry: TrainEntry, start: str, done: Mapping[str, Trained]
) -> dict[str, Any]:
    """All that a checkpoint depends on.

    Threads and instruction set are not in it: they move the last bits, and a checkpoint does not become wrong when it
    is carried to another machine. They stand in the record.
    """
    from dataforge.models.environment import versions
    from dataforge.models.load import model_digest

    earlier = done.get(entry.policy or "")
    digest = start if start == TINY or earlier is not None else model_digest(start)
    wanted = f"views/{entry.plugin.view}/" if takes_view(published, entry) else "data/"
    return {
        "schema": RUN_SCHEMA,
        "plugin": PluginRef.of("trainer", entry.use, entry.plugin, entry.base).key(),
        "model": earlier.run["fingerprint"] if earlier is not None else digest,
        "data": clause_values(entry.data),
        "rows": {name: file["sha256"] for name, file in published.files.items() if name.startswith(wanted)},
        "seed": recipe.seed,
        "versions": versions(),
    }


def _run_trainer(
    recipe: Recipe, published: Published, entry: TrainEntry, start: str, out: Path, watcher: TrainWatcher
) -> dict[str, Any]:
    from dataforge.models.environment import versions

    inputs = TrainInputs(
        train=training_rows(published, entry, "train", out),
        validation=training_rows(published, entry, "validation", out),
        out=out,
        model=start,
        seed=recipe.seed,
    )
    if not inputs.train:
        raise DataError(
            f"trainer '{entry.name}' is left without rows: the build has no {entry.plugin.view} rows in train",
            where=entry.place,
            fix="forge show RECIPE --split train shows what there is; or change the key 'data'",
        )
    log = _Log(entry.name, watcher)
    began, cpu = time.perf_counter(), sum(os.times()[:4])
    summary = dict(resolved(entry.plugin, entry.base).train(inputs, log))
    _check_rows(entry.name, summary["rows"])
    if not summary["rows"]["kept"] + summary["rows"]["truncated"]:
        raise DataError(
            f"trainer '{entry.name}' is left without rows: {summary['rows']['dropped']}",
            where=entry.place,
            fix="raise max_length, or change the key 'data'",
        )
    ref = PluginRef.of("trainer", entry.use, entry.plugin, entry.base)
    return {
        "use": entry.use,
        "version": ref.version,
        "params": ref.params,
        "model": entry.policy or entry.model,
        "data": clause_values(entry.data),
        "seed": recipe.seed,
        **summary,
        "curve": log.curve,
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(sum(os.times()[:4]) - cpu, 3),
        "versions": versions(),
        "dataforge": __version__,
    }


def _check_rows(name: str, rows: Mapping[str, Any]) -> None:
    ended = rows["kept"] + rows["truncated"] + sum(rows["dropped"].values())
    if rows["shown"] != ended:
        msg = f"trainer '{name}' was shown {rows['shown']} rows, and says what became of {ended}"
        raise InvariantError(msg)
