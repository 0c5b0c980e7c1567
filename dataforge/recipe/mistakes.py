"""The mistakes of a recipe, collected as they are found."""

from __future__ import annotations

from pathlib import Path

from dataforge.core.errors import RecipeError, RecipeMistakesError, Where


class Mistakes:
    """A list of mistakes; reading goes on after each, so that one run shows them all."""

    def __init__(self) -> None:
        self._found: list[RecipeError] = []
        self._files: list[str] = []

    def add(self, message: str, *, fix: str, where: Where) -> None:
        """Note one."""
        self._found.append(RecipeError(message, fix=fix, where=where))

    def note_file(self, path: Path) -> None:
        """Note a file in the order in which its mistakes are to be shown."""
        self._files.append(str(path))

    def raise_if_any(self) -> None:
        """Raise them all, sorted by place; those of the command line come last.

        Raises:
            RecipeMistakesError: There is at least one.
        """
        if self._found:
            raise RecipeMistakesError(sorted(self._found, key=self._place))

    def _place(self, problem: RecipeError) -> tuple[int, int, int]:
        where = problem.where
        assert where is not None
        path = str(where.path)
        file = self._files.index(path) if path in self._files else len(self._files)
        return file, where.line or 0, where.column or 0


def did_you_mean(near: str | None, otherwise: str) -> str:
    """Offer the nearest name, or say something else."""
    return f"did you mean '{near}'?" if near else otherwise


def listed(names: list[str]) -> str:
    """Name what there is, for a person."""
    return ", ".join(names) if names else "none"
