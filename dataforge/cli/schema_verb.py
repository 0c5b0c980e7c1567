"""`forge schema`."""

from __future__ import annotations

import click

from dataforge.cli import console


@click.command()
def command() -> None:
    """Print the JSON Schema of recipes.

    A recipe whose first line is `#:schema ./recipe.schema.json` is completed and checked by editors with a TOML
    language server (taplo).
    """
    from dataforge.recipe.json_schema import recipe_schema

    console.say_json(recipe_schema())
