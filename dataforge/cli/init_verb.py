"""`forge init`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataforge.cli import console
from dataforge.cli.options import json_option
from dataforge.core.errors import ForgeError

if TYPE_CHECKING:
    from dataforge.lint.recipe_text import Looked, SourceDraft

_NAMED = 3


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The recipe to write; by default recipes/NAME.toml.")
@click.option("--name", help="The name of the recipe; by default after its file, or after the first of FILES.")
@json_option
def command(files: tuple[Path, ...], out: Path | None, name: str | None, *, as_json: bool) -> int:
    """Write a short recipe for FILES: which source reads each is found out from its first records.

    Files that are read in one way become one source. Nothing is written if one of them is not understood, and no
    file is overwritten.
    """
    from dataforge.lint.draft_recipe import group_files, name_for, write_recipe

    looked, exit_code = _look(tuple(dict.fromkeys(files)))
    if exit_code:
        return exit_code
    name = name or (out.name.removesuffix(".toml") if out is not None else name_for(files))
    path = out or Path("recipes") / f"{name}.toml"
    sources = group_files(looked)
    write_recipe(path, name, sources)
    if as_json:
        console.say_json(
            {
                "schema": "dataforge.init/1",
                "recipe": str(path),
                "name": name,
                "sources": [_json(source) for source in sources],
            }
        )
        return 0
    console.say("\n".join([f"{path} written: {_counted(len(sources), 'source')}", *map(_line, sources), ""]))
    console.say(f"next: forge check {shlex.quote(str(path))}\n      forge build {shlex.quote(str(path))}")
    return 0


def _look(files: tuple[Path, ...]) -> tuple[list[Looked], int]:
    """Look at all files; say of each what is wrong with it, so that all can be mended at once."""
    from dataforge.lint.draft_recipe import look

    looked: list[Looked] = []
    exit_code = 0
    for path in files:
        try:
            looked.append(look(path))
        except ForgeError as error:
            console.complain(str(error))
            exit_code = max(exit_code, error.exit_code)
    return looked, exit_code


def _line(source: SourceDraft) -> str:
    names = [str(each.path) for each in source.looked]
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
    kinds = {kind for each in source.looked for kind in each.rows}
    return f"  {source.name:<16}  {shown}: {source.guess.why}; gives {' and '.join(sorted(kinds))} rows"


def _json(source: SourceDraft) -> dict[str, object]:
    return {
        "name": source.name,
        "use": source.guess.use,
        "params": source.guess.params,
        "why": source.guess.why,
        "files": [str(each.path) for each in source.looked],
    }


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
