"""`forge eval`."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from dataforge.cli import console
from dataforge.cli.options import json_option, open_project, recipe_argument, set_option, workers_option
from dataforge.cli.training import BuildProgress, TrainProgress


@click.command()
@recipe_argument
@set_option
@workers_option
@json_option
def command(recipe: Path, overrides: tuple[str, ...], workers: int | None, *, as_json: bool) -> None:
    """Measure the models of RECIPE on its held-out rows, and write a report into reports/.

    What is not built or trained yet is built and trained first; what was measured before is reused.
    """
    store, checked = open_project(recipe, overrides)
    from dataforge.engine.evaluate import evaluate
    from dataforge.report.eval_report import write_eval_report

    with contextlib.closing(BuildProgress(as_json=as_json)) as building:
        if not as_json:
            console.say(f"{checked.name} · seed {checked.seed}")
        runs = evaluate(store, checked, TrainProgress(as_json=as_json), workers=workers, building=building)
    for run in runs:
        write_eval_report(store, run)
    if as_json:
        console.say_json({"schema": "dataforge.evaluated/1", "recipe": checked.name, "runs": runs})
    else:
        console.say("\n".join(f"report {run['report']}" for run in runs))
