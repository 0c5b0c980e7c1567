"""`forge init`: a short recipe for the files it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from dataforge.core.errors import DataError, ForgeError, InvariantError, RecipeError, Where
from dataforge.core.plugin import RawFile
from dataforge.core.schema import kind_of_row
from dataforge.lint.open_source import open_source
from dataforge.lint.recipe_text import Looked, SourceDraft, recipe_text
from dataforge.lint.sniff import sniff
from dataforge.recipe.load import load_recipe
from dataforge.recipe.names import is_safe_name
from dataforge.store.disk import machine_errors, write_whole

# Names of files that say nothing of what is in them; the folder's name does.
_PLAIN_NAMES = {"train", "test", "data", "dataset", "posts", "part", "default", "chat", "output", "downloads"}


def look(path: Path) -> Looked:
    """Find out which source reads a file, and try it on the file's beginning.

    Args:
        path: The file; only its beginning is read.

    Returns:
        The source, and what kinds of rows and licences the beginning holds.

    Raises:
        RecipeError: There is no such file.
        DataError: No source reads it, or none of its first records is usable.
    """
    guess = sniff(path)
    if not path.name.isprintable():
        fix = "rename it: a recipe is UTF-8 text"
        raise RecipeError("the file's name cannot be written in a recipe", where=Where(path), fix=fix)
    batch = next(iter(open_source(guess).read(RawFile(path, str(path), guess.use))), None)
    if batch is None or not batch.drafts.height:
        raise DataError(
            f"it looks like {guess.use}, and none of its first records is usable",
            where=Where(path),
            fix=f"see what is wrong: forge lint {path}",
        )
    kinds = batch.drafts.select(kind_of_row())["kind"].value_counts()
    has_license = bool(batch.drafts.select(pl.col("license").is_not_null().all()).item())
    return Looked(path, guess, dict(kinds.iter_rows()), has_license)


def group_files(looked: Sequence[Looked]) -> list[SourceDraft]:
    """Put the files that are read in one way into one source; name each source."""
    groups: dict[str, list[Looked]] = {}
    for each in looked:
        groups.setdefault(json.dumps([each.guess.use, each.guess.params], sort_keys=True), []).append(each)
    names: list[str] = []
    for group in groups.values():
        use = group[0].guess.use
        number = sum(name.rpartition("-")[0] == use or name == use for name in names) + 1
        names.append(use if number == 1 else f"{use}-{number}")
    return [SourceDraft(name, tuple(group)) for name, group in zip(names, groups.values(), strict=True)]


def name_for(files: Sequence[Path]) -> str:
    """Name a recipe after its one file, or after the folder that all are in where that says more."""
    parents = [file.absolute().parent for file in files]
    shared = next(
        folder
        for folder in (parents[0], *parents[0].parents)
        if all(folder in (parent, *parent.parents) for parent in parents)
    )
    stem = files[0].name.split(".")[0]
    says_little = re.split(r"[-_.]", stem.lower())[0] in _PLAIN_NAMES
    wanted = (shared.name if says_little or len(files) > 1 else stem, stem, shared.name)
    tidy = [re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") for name in wanted]
    return next((name for name in tidy if is_safe_name(name)), "recipe")


def write_recipe(path: Path, name: str, sources: Sequence[SourceDraft]) -> None:
    """Write the recipe, and see that it loads.

    Args:
        path: Where to; there must be nothing yet.
        name: The recipe's name.
        sources: What it reads.

    Raises:
        RecipeError: The name is no name, or there is something at the path already.
        MachineError: The file cannot be written.
    """
    if not is_safe_name(name):
        raise RecipeError(f"'{name}' is no name for a recipe", fix="use letters, digits, '.', '_' and '-': --name NAME")
    if path.is_dir():
        raise RecipeError(f"{path} is a folder", fix=f"name a file in it: -o {path / name}.toml")
    if path.exists():
        raise RecipeError(f"{path} is there already, and is not overwritten", fix="choose another file: -o FILE.toml")
    with machine_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, recipe_text(path, name, sources).encode())
    try:
        load_recipe(path)
    except ForgeError as error:
        path.unlink()
        msg = f"the recipe that was written does not load: {error.message}"
        raise InvariantError(msg) from error
