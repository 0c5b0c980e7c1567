"""From a file, and perhaps the name of a source, to a source that can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataforge.core import params, registry
from dataforge.core.errors import DataError, RecipeError
from dataforge.core.plugin import Source
from dataforge.lint.sniff import Guess, sniff


def guess_source(path: Path, asked: str | None) -> Guess:
    """Take the source that was asked for, or the one that the file looks like.

    Args:
        path: The file.
        asked: The source's name; None to find out from the file.

    Returns:
        The source, with parameters where the file shows them and it is the one asked for.

    Raises:
        RecipeError: There is no such file, or no such source.
        DataError: No source was asked for, and none is known for the file.
    """
    if asked is None:
        return sniff(path)
    _plugin_class(asked)
    try:
        guess = sniff(path)
    except DataError:
        return Guess(asked, {}, "as asked")
    return Guess(asked, guess.params if guess.use == asked else {}, "as asked")


def open_source(guess: Guess) -> Source:
    """Make the source that a guess names, under the policy `repair`.

    Args:
        guess: The source's name and the parameters that the file showed.

    Returns:
        The source, ready to read.

    Raises:
        RecipeError: There is no such source, or it needs parameters that nobody gave.
    """
    plugin_class = _plugin_class(guess.use)
    policy = {"on_error": "repair"} if "on_error" in params.param_names(plugin_class) else {}
    plugin, problems = params.build(plugin_class, {**policy, **guess.params})
    if plugin is None:
        raise RecipeError(
            f"source '{guess.use}' cannot be used as it is: {problems[0].message}",
            fix="leave out --as, or say in a recipe which column is what",
        )
    return plugin


def _plugin_class(use: str) -> type[Any]:
    try:
        return registry.load("source", use)
    except registry.UnknownPluginError as error:
        names = ", ".join(registry.names("source"))
        fix = f"did you mean '{error.suggestion}'?" if error.suggestion else f"the sources are {names}"
        raise RecipeError(str(error), fix=fix) from error
