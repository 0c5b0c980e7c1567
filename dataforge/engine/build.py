"""`forge build`: the recipe's stages in order, then the shards, the run record, and the report's numbers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from dataforge import __version__
from dataforge.engine.books import check_whole
from dataforge.engine.examples import examples
from dataforge.engine.executor import Executor, TaskWatcher, make_executor, run_or_reuse
from dataforge.engine.flow import Bench, Part, Result, StageRecord
from dataforge.engine.plan import input_bytes
from dataforge.engine.publish import Published, publish
from dataforge.engine.stages import read_source, run_step
from dataforge.engine.task import Task
from dataforge.recipe.model import Recipe
from dataforge.store.disk import held
from dataforge.store.home import Store
from dataforge.store.runs import last_run, put_run

RUN_SCHEMA = "dataforge.build/1"


class Watcher(TaskWatcher, Protocol):
    """Is told how a build goes."""

    def begin(self, stage: str) -> None:
        """A stage begins."""
        ...

    def end(self, record: StageRecord) -> None:
        """A stage is done."""
        ...


class Unwatched:
    """Watches nothing."""

    def begin(self, stage: str) -> None:
        """Ignore it."""

    def tasks(self, size: int) -> None:
        """Ignore it."""

    def under_way(self, size: int) -> None:
        """Ignore it."""

    def done(self, size: int) -> None:
        """Ignore it."""

    def end(self, record: StageRecord) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class Built:
    """A build that is done.

    Args:
        run: The run record, schema `dataforge.build/1`.
        published: The shards.
        records: The stages' records.
    """

    run: dict[str, Any]
    published: Published
    records: list[StageRecord] = field(default_factory=list[StageRecord])


def build(
    store: Store,
    recipe: Recipe,
    *,
    workers: int | None = None,
    watcher: Watcher | None = None,
    executor: Executor | None = None,
) -> Built:
    """Build a recipe: every stage that is not stored already, then the shards.

    Args:
        store: The project's store.
        recipe: A checked recipe.
        workers: Worker processes; None chooses. It changes no byte of the result.
        watcher: Is told how it goes.
        executor: Runs the tasks instead of one made here.

    Returns:
        The run record, the shards and the stages' records.

    Raises:
        DataError: The data is wrong in a way that the recipe's policies do not let pass.
        MachineError: The machine failed; what was done is kept, and the same command goes on.
    """
    with held(store.root / "locks" / recipe.name, f"a build of {recipe.name}"):
        return _build(store, recipe, workers, watcher or Unwatched(), executor)


def _build(store: Store, recipe: Recipe, workers: int | None, watcher: Watcher, executor: Executor | None) -> Built:
    began = time.perf_counter()
    started = datetime.now(UTC)
    runner = executor or make_executor(store, workers, input_bytes(recipe))
    try:
        parts, records, uses = run_stages(store, recipe, runner, watcher)
    finally:
        if executor is None:
            runner.close()
    watcher.begin("shards")
    published = publish(store, recipe, parts, records, uses, watcher)
    check_whole(records, sum(published.rows.values()))
    run = _same_as_last(store, recipe, records, published)
    if run is None:
        run = _run_record(store, recipe, records, published)
        run["started"] = started.isoformat(timespec="seconds")
        run["workers"] = runner.workers
        run["seconds"] = round(time.perf_counter() - began, 3)
        run["cpu_seconds"] = round(sum(os.times()[:4]), 3)
        put_run(store, recipe.name, run)
    return Built(run, published, records)


def _same_as_last(
    store: Store, recipe: Recipe, records: Sequence[StageRecord], published: Published
) -> dict[str, Any] | None:
    """Find the record of the run that made all this, when nothing at all was done."""
    if not (published.reused and all(record.reused for record in records)):
        return None
    last = last_run(store, recipe.name)
    if last is None or last["digest"] != published.digest or last["recipe_text"] != recipe.text:
        return None
    if [stage["fingerprint"] for stage in last["stages"]] != [record.fingerprint for record in records]:
        return None
    for stage, record in zip(last["stages"], records, strict=True):
        stage["reused"] = True
        stage["seconds"] = round(record.seconds, 3)
    return last


def run_stages(
    store: Store, recipe: Recipe, runner: Executor, watcher: Watcher
) -> tuple[list[Part], list[StageRecord], set[str]]:
    """Run sources and steps.

    Args:
        store: The project's store.
        recipe: A checked recipe.
        runner: Runs the tasks whose results are not stored.
        watcher: Is told how it goes.

    Returns:
        The rows as parts, a record for each stage, and the optional fields that some row uses.
    """

    def do(tasks: Sequence[Task]) -> list[Result]:
        return run_or_reuse(store, runner, tasks, watcher)

    bench = Bench(store, do, recipe)
    parts: list[Part] = []
    records: list[StageRecord] = []
    for entry in recipe.sources:
        read, record = _timed(watcher, entry.name, lambda entry=entry: read_source(bench, entry))
        parts.extend(read)
        records.append(record)
    for entry in recipe.steps:
        rows = parts
        parts, record = _timed(watcher, entry.name, lambda entry=entry, rows=rows: run_step(bench, entry, rows))
        records.append(record)
    uses = {use for record in records for use in record.uses}
    return [part for part in parts if part.kept], records, uses


def _timed(
    watcher: Watcher, name: str, run: Callable[[], tuple[list[Part], StageRecord]]
) -> tuple[list[Part], StageRecord]:
    watcher.begin(name)
    began = time.perf_counter()
    parts, record = run()
    record.seconds = time.perf_counter() - began
    watcher.end(record)
    return parts, record


def _run_record(store: Store, recipe: Recipe, records: Sequence[StageRecord], published: Published) -> dict[str, Any]:
    folder = published.folder.relative_to(store.project).as_posix()
    return {
        "schema": RUN_SCHEMA,
        "recipe": recipe.name,
        "recipe_file": recipe.label,
        "recipe_digest": recipe.digest,
        "recipe_text": recipe.text,
        "overrides": list(recipe.overrides),
        "seed": recipe.seed,
        "digest": published.digest,
        "datasets": [{"folder": folder, "rows": published.rows, "views": published.views}],
        "report": f"reports/{recipe.name}/build.html",
        "stages": [{**record.to_json(), "examples": examples(store, record, recipe.seed)} for record in records],
        "profile": published.profile,
        "dataforge": __version__,
    }
