"""`forge train`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataforge.cli import console
from dataforge.cli.options import json_option, open_project, recipe_argument, set_option, workers_option
from dataforge.cli.training import BuildProgress, TrainProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataforge.engine.train import Trained


@click.command()
@recipe_argument
@set_option
@workers_option
@json_option
def command(recipe: Path, overrides: tuple[str, ...], workers: int | None, *, as_json: bool) -> None:
    """Train the models of RECIPE into runs/, building its dataset first where that is needed.

    What was trained before from the same rows and keys is reused; a training that was stopped begins again.
    """
    store, checked = open_project(recipe, overrides)
    from dataforge.core.errors import RecipeError, Where
    from dataforge.engine.train import train

    if not checked.train:
        raise RecipeError(
            "this recipe trains nothing: it has no [[train]]",
            where=Where(recipe),
            fix='add [[train]] with use = "sft"',
        )
    with contextlib.closing(BuildProgress(as_json=as_json)) as building:
        if not as_json:
            console.say(f"{checked.name} · seed {checked.seed}")
        published, trained = train(store, checked, TrainProgress(as_json=as_json), workers=workers, building=building)
    if as_json:
        runs = [{**one.run, "reused": one.reused} for one in trained]
        console.say_json({"schema": "dataforge.trained/1", "recipe": checked.name, "runs": runs})
    else:
        console.say(_closing_lines(published.digest, trained))


def _closing_lines(dataset: str, trained: Sequence[Trained]) -> str:
    folders = "\n".join(f"checkpoint {one.run['folder']}" for one in trained)
    return f"trained on dataset {dataset[:12]}\n{folders}"
