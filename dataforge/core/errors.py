"""Errors that say what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file; lines and columns count from 1, bytes from 0."""

    path: Path | str
    line: int | None = None
    column: int | None = None
    byte: int | None = None

    def __str__(self) -> str:
        """Write the place as compilers do, so that editors can jump to it."""
        text = str(self.path)
        if self.line is not None:
            text += f":{self.line}"
            if self.column is not None:
                text += f":{self.column}"
        elif self.byte is not None:
            text += f" at byte {self.byte:,}"
        return text


def seen_from_here(path: Path) -> Path:
    """Give a path as a person in this folder would type it."""
    path = path.absolute()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class ForgeError(Exception):
    """A mistake that a person can mend; never shown as a traceback.

    Args:
        message: What is wrong, with both values when two disagree.
        fix: What to do about it.
        where: The place in the user's file, if there is one.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, fix: str, where: Where | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.where = where

    def __str__(self) -> str:
        """Two lines: place and message, then the fix."""
        place = f"{self.where}: " if self.where is not None else ""
        return f"{place}error: {self.message}\n  fix: {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes: keyword-only arguments defeat the default."""
        return (_rebuild, (type(self), self.message, self.fix, self.where))


def _rebuild(kind: type[ForgeError], message: str, fix: str, where: Where | None) -> ForgeError:
    return kind(message, fix=fix, where=where)


class RecipeError(ForgeError):
    """The recipe or the command line is wrong; nothing has run."""

    exit_code = 2


class RecipeMistakesError(RecipeError):
    """All mistakes of one recipe at once."""

    def __init__(self, problems: Sequence[RecipeError]) -> None:
        first = problems[0]
        super().__init__(first.message, fix=first.fix, where=first.where)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """One mistake after the other, in file order."""
        return "\n".join(str(problem) for problem in self.problems)

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes whole."""
        return (type(self), (self.problems,))


class DataError(ForgeError):
    """The data is wrong in a way that no policy allows to pass."""

    exit_code = 3


class MachineError(ForgeError):
    """The machine or the store failed: disk, permissions, a missing package."""

    exit_code = 4


class GateError(ForgeError):
    """A gate of the recipe failed."""

    exit_code = 5


class UndecidedError(ForgeError):
    """A gate could not be decided, under --strict."""

    exit_code = 6


class InvariantError(ForgeError):
    """A promise of dataforge was broken: a bug in it, or in a plugin."""

    exit_code = 70

    def __init__(self, message: str, *, fix: str = "", where: Where | None = None) -> None:
        super().__init__(message, fix=fix or "please report this, with the recipe", where=where)
