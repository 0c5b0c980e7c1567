"""`forge eval`: carries the plan on from checkpoints to scores, with intervals; one run for each `[[eval]]`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from dataforge import __version__
from dataforge.core.errors import DataError, RecipeError, Where
from dataforge.core.fingerprint import fingerprint
from dataforge.core.plugin import Samples
from dataforge.engine.build import Watcher
from dataforge.engine.intervals import Measured, Spread, compare, results_of
from dataforge.engine.publish import Published
from dataforge.engine.task import PluginRef, resolved
from dataforge.engine.train import TINY, Trained, TrainWatcher, train
from dataforge.engine.views import sft_view
from dataforge.recipe.model import EvalEntry, Recipe
from dataforge.store.home import Store
from dataforge.store.runs import put_run
from dataforge.store.shards import get_frame, put_frame

RUN_SCHEMA = "dataforge.eval/1"
BASE = "base"


class EvalWatcher(TrainWatcher, Protocol):
    """Is told how building, training, and then measuring go."""

    def measured(self, results: Sequence[Mapping[str, Any]], *, reused: bool) -> None:
        """A metric is done with a model."""
        ...


@dataclass(frozen=True, slots=True)
class _Model:
    """A model that is measured: its name in the recipe, where it is loaded from, and what it is by content."""

    name: str
    path: str
    digest: str


def evaluate(
    store: Store,
    recipe: Recipe,
    watcher: EvalWatcher,
    *,
    workers: int | None = None,
    building: Watcher | None = None,
) -> list[dict[str, Any]]:
    """Build and train what is not there, then measure what is not measured.

    Args:
        store: The project's store.
        recipe: A checked recipe.
        watcher: Is told how training and measuring go.
        workers: Worker processes of the build; None chooses.
        building: Is told how the build goes.

    Returns:
        A run record for each `[[eval]]`, schema `dataforge.eval/1`.

    Raises:
        RecipeError: The recipe measures nothing, or a model of another recipe; nothing has run.
        DataError: The split has no rows to measure on.
        MachineError: Packages are missing, or the machine failed.
    """
    from dataforge.models.environment import quiet

    if not recipe.evals:
        raise RecipeError(
            "this recipe measures nothing: it has no [[eval]]",
            where=Where(recipe.path),
            fix='add [[eval]] with models = ["base"] and use = ["perplexity"]',
        )
    needed = {_trainer_of(recipe, entry, name) for entry in recipe.evals for name in entry.models} - {None}
    _check_models(recipe)
    wanted = sorted(filter(None, needed))
    published, trained = train(store, recipe, watcher, workers=workers, building=building, only=wanted)
    checkpoints = {one.name: one for one in trained}
    runs: list[dict[str, Any]] = []
    with quiet():
        for number, entry in enumerate(recipe.evals, 1):
            runs.append(_evaluate(store, recipe, published, entry, checkpoints, watcher, number))
    return runs


def _check_models(recipe: Recipe) -> None:
    """See that models which no trainer makes are there, before the build begins."""
    from dataforge.models.environment import SCORING, check_installed, quiet
    from dataforge.models.load import check_model

    check_installed(SCORING)
    with quiet():
        for entry in recipe.evals:
            for name in entry.models:
                if _trainer_of(recipe, entry, name) is None:
                    check_model(_outside(entry, name))


def _outside(entry: EvalEntry, name: str) -> str:
    """Say where a model lies that no trainer makes."""
    return str(entry.base / name) if (entry.base / name).is_dir() else name


def _trainer_of(recipe: Recipe, entry: EvalEntry, name: str) -> str | None:
    """Find the trainer that a model comes from; None for a folder or a hub id.

    `base` is what the recipe's first trainer begins with. That of "tiny" is made by its trainer, tokenizer and all.
    """
    if name in {trainer.name for trainer in recipe.train}:
        return name
    if name not in {BASE, TINY}:
        return None
    starts = [trainer for trainer in recipe.train if name == BASE or trainer.model == TINY]
    if not starts:
        raise RecipeError(
            f"there is no model '{name}': no [[train]] begins with one",
            where=entry.place,
            fix="name a folder or a hub id, or add a [[train]]",
        )
    return starts[0].name


def _evaluate(
    store: Store,
    recipe: Recipe,
    published: Published,
    entry: EvalEntry,
    checkpoints: Mapping[str, Trained],
    watcher: EvalWatcher,
    number: int,
) -> dict[str, Any]:
    started = datetime.now(UTC)
    began, cpu = time.perf_counter(), sum(os.times()[:4])
    rows, rows_digest = _rows(store, published, entry)
    models = [_model(recipe, entry, name, checkpoints) for name in entry.models]
    results: list[dict[str, Any]] = []
    scores: list[dict[str, str]] = []
    for metric, plugin in entry.plugins.items():
        spreads: dict[str, Spread] = {}
        baselines = {entry.baseline} - {None}
        for model in sorted(models, key=lambda model: model.name not in baselines):
            measured, reused = _measure(store, entry, metric, plugin, model, rows, rows_digest)
            found, spreads[model.name] = results_of(measured, recipe.seed)
            if entry.baseline is not None and entry.baseline != model.name:
                compare(found, spreads[model.name], entry.baseline, spreads[entry.baseline])
            watcher.measured(found, reused=reused)
            results += found
            scores.append({"metric": metric, "model": model.name, "lines": measured.digest})
    order = [model.name for model in models]
    run: dict[str, Any] = {
        "schema": RUN_SCHEMA,
        "recipe": recipe.name,
        "recipe_file": recipe.label,
        "recipe_digest": recipe.digest,
        "recipe_text": recipe.text,
        "overrides": list(recipe.overrides),
        "seed": recipe.seed,
        "models": [{"name": model.name, "digest": model.digest, "path": _shown(store, model.path)} for model in models],
        "baseline": entry.baseline,
        "split": entry.split,
        "rows": rows.height,
        "results": sorted(results, key=lambda result: order.index(result["model"])),
        "scores": scores,
        "dataset_digest": published.digest,
        "report": f"reports/{recipe.name}/eval{'' if number == 1 else f'-{number}'}.html",
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(sum(os.times()[:4]) - cpu, 3),
        "dataforge": __version__,
    }
    put_run(store, f"{recipe.name}/eval", run)
    return run


def _rows(store: Store, published: Published, entry: EvalEntry) -> tuple[pl.DataFrame, str]:
    """Read the rows of the split that have a response and nothing to prefer it to."""
    shards = sorted((published.folder / "data").glob(f"{entry.split}-*.parquet"))
    frames = [sft_view(pl.read_parquet(shard)) for shard in shards]
    rows = pl.concat(frames) if frames else pl.DataFrame()
    if not rows.height:
        raise DataError(
            f"the split '{entry.split}' has no sft rows to measure on",
            where=entry.place,
            fix=f"raise [split] {entry.split}, or choose another split",
        )
    return rows, put_frame(store, rows)


def _model(recipe: Recipe, entry: EvalEntry, name: str, checkpoints: Mapping[str, Trained]) -> _Model:
    from dataforge.models.load import model_digest

    trainer = _trainer_of(recipe, entry, name)
    if trainer is None:
        path = _outside(entry, name)
    else:
        path = str(checkpoints[trainer].folder) if name == trainer else checkpoints[trainer].base
    return _Model(name, path, model_digest(path))


def _shown(store: Store, path: str) -> str:
    """Write a path within the project as it is on every machine."""
    inside = Path(path).is_absolute() and Path(path).is_relative_to(store.project)
    return Path(path).relative_to(store.project).as_posix() if inside else path


def _measure(
    store: Store, entry: EvalEntry, metric: str, plugin: Any, model: _Model, rows: pl.DataFrame, rows_digest: str
) -> tuple[Measured, bool]:
    """Let a metric score a model, or look up what it said of the very same."""
    from dataforge.models.environment import SCORING, versions

    ref = PluginRef.of("metric", metric, plugin, entry.base)
    key = {
        "schema": RUN_SCHEMA,
        "plugin": ref.key(),
        "model": model.digest,
        "rows": rows_digest,
        "versions": versions(SCORING),
    }
    made_from = fingerprint(key)
    found = store.result(made_from)
    if found is not None:
        lines = get_frame(store, found["lines"])
        return Measured(metric, plugin, model.name, lines, found["lines"], found["signature"]), True
    scored = resolved(plugin, entry.base).score(Samples(rows, model.path))
    digest = put_frame(store, scored.lines)
    store.put_result(made_from, {"lines": digest, "signature": scored.signature}, [digest])
    return Measured(metric, plugin, model.name, scored.lines, digest, scored.signature), False
