"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dataforge.engine.past import Past
    from dataforge.recipe.model import Recipe
    from dataforge.store.home import Store

recipe_argument = click.argument("recipe", type=click.Path(path_type=Path))

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a recipe key for this run; it counts as part of the recipe.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")

workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Worker processes; by default one for each core, or one where the input is small.",
)


def open_project(recipe: Path, overrides: tuple[str, ...] = ()) -> tuple[Store, Recipe]:
    """Load a recipe and find the project's store."""
    from dataforge.recipe.load import load_recipe
    from dataforge.store.home import Store, find_project

    return Store(find_project(Path.cwd())), load_recipe(recipe, overrides)


builds_option = click.option(
    "--in",
    "builds",
    multiple=True,
    metavar="BUILD",
    help="A recipe's name or file, or a folder under builds/; by default the last run of every recipe.",
)


def open_builds(called: tuple[str, ...]) -> list[Past]:
    """Find the runs that were named, or the last one of each recipe that was built here."""
    from dataforge.core.errors import RecipeError
    from dataforge.engine.past import built_names, find_run
    from dataforge.store.home import Store, find_project

    store = Store(find_project(Path.cwd()))
    names = called or tuple(built_names(store))
    if not names:
        raise RecipeError("nothing has been built here", fix="forge build RECIPE, or go to the project's folder")
    return [find_run(store, name) for name in names]
