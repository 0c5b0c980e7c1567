"""`forge check`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataforge.cli import console
from dataforge.cli.options import json_option, open_project, recipe_argument, set_option, workers_option

if TYPE_CHECKING:
    from dataforge.engine.plan import PlannedStage
    from dataforge.engine.project import Projection


@click.command()
@recipe_argument
@set_option
@workers_option
@json_option
def command(recipe: Path, overrides: tuple[str, ...], workers: int | None, *, as_json: bool) -> None:
    """Validate RECIPE and print its plan: what would run, what is reused and why not; nothing runs.

    Rows, bytes, memory and time are projected from the beginning of each source.
    """
    store, checked = open_project(recipe, overrides)
    from dataforge.engine.executor import chosen_workers
    from dataforge.engine.plan import input_bytes, plan
    from dataforge.engine.project import project

    stages = plan(store, checked)
    projection = project(checked, chosen_workers(workers, input_bytes(checked)))
    if as_json:
        console.say_json(
            {
                "schema": "dataforge.check/1",
                "recipe": checked.name,
                "recipe_digest": checked.digest,
                "stages": [dataclasses.asdict(stage) for stage in stages],
                "projection": dataclasses.asdict(projection),
            }
        )
        return
    console.say(f"{checked.name} · seed {checked.seed} · recipe {checked.digest[:12]}")
    for stage in stages:
        console.say(_stage_line(stage))
    for train in checked.train:
        console.say(f"  {train.name:<20} train          {train.use:<16} model {train.model}")
    for number, entry in enumerate(checked.evals, 1):
        console.say(f"  {f'eval {number}':<20} eval           {', '.join(entry.use)}")
    console.say(_projection_lines(projection))


def _stage_line(stage: PlannedStage) -> str:
    state = f"reused, {stage.rows_out:,} rows" if stage.is_reused else f"runs: {stage.why}"
    line = f"  {stage.name:<20} {stage.kind:<14} {stage.fingerprint[:12]}   {state}"
    return f"{line}\n    {stage.promise}" if stage.promise else line


def _projection_lines(projection: Projection) -> str:
    basis = "all rows" if projection.is_whole else f"a sample of {projection.sampled:,} rows"
    minutes = projection.cpu_s / 60 / projection.workers
    time = f"{minutes:.1f} minutes" if minutes >= 1 else f"{minutes * 60:.0f} s"
    return (
        f"from nothing, projected from {basis}: about {projection.rows:,} rows,"
        f" {projection.bytes / 1e6:,.0f} MB on disk,"
        f" {projection.memory_mb:,} MB of memory, {projection.cpu_s:.1f} CPU s,"
        f" {time} with {projection.workers} {'worker' if projection.workers == 1 else 'workers'}"
    )
