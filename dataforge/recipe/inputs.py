"""From the `files` of a source to the files that are there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from glob import glob, has_magic
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path, PurePosixPath

from dataforge.core.registry import nearest
from dataforge.recipe.mistakes import did_you_mean, listed
from dataforge.recipe.model import InputFile

PACKAGE = "package:"


class NoInputError(ValueError):
    """A pattern names nothing that can be read; it carries what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


def find_inputs(patterns: Iterable[str], base: Path) -> tuple[list[InputFile], list[NoInputError]]:
    """Find the files that patterns mean.

    Args:
        patterns: Paths or globs, relative to `base`; `**` goes through folders. `package:name/…` starts from an
            installed Python package, as data sets on PyPI are.
        base: The recipe's folder, absolute.

    Returns:
        The files, each once, sorted by label; and what is wrong with the patterns that name none.
    """
    found: dict[Path, InputFile] = {}
    wrong: list[NoInputError] = []
    for pattern in patterns:
        try:
            root, inner = _in_package(pattern) if pattern.startswith(PACKAGE) else (base, pattern)
            for name in _expand(inner, root):
                path = _tidy(root / name)
                _check_readable(path, name)
                found.setdefault(path, InputFile(path, _label(name)))
        except NoInputError as error:
            wrong.append(error)
    inputs = sorted(found.values(), key=lambda file: (file.label, str(file.path)))
    return inputs, wrong + _same_labels(inputs)


def _in_package(pattern: str) -> tuple[Path, str]:
    """Find the folder that holds an installed package, without importing it."""
    inner = pattern.removeprefix(PACKAGE)
    name = inner.partition("/")[0]
    try:
        spec = find_spec(name) if name.isidentifier() else None
    except ValueError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        fix = f"pip install {name.replace('_', '-')}" if name else "name one, as in package:NAME/path"
        raise NoInputError(f"no Python package '{name}' is installed", fix)
    return Path(next(iter(spec.submodule_search_locations))).parent, inner


def _expand(pattern: str, base: Path) -> list[str]:
    if not pattern or "\0" in pattern:
        raise NoInputError("an empty path is no file", "name a file, or a pattern such as data/*.json")
    if (base / pattern).exists():
        if (base / pattern).is_dir():
            raise NoInputError(f"'{pattern}' is a folder, not a file", _fix_for_folder(pattern, base))
        return [pattern]
    if has_magic(pattern):
        names = [name for name in glob(pattern, root_dir=base, recursive=True) if not (base / name).is_dir()]  # noqa: PTH207 - pathlib's own takes no absolute pattern
        if names:
            return sorted(names)
        raise NoInputError(f"'{pattern}' matches no file", _fix_for_nothing(pattern, base))
    raise NoInputError(f"there is no file '{pattern}'", _fix_for_nothing(pattern, base))


def _check_readable(path: Path, name: str) -> None:
    if not path.is_file():
        raise NoInputError(f"'{name}' is not a regular file", "copy what it gives into a file first")
    if not os.access(path, os.R_OK):
        raise NoInputError(f"'{name}' may not be read", f"give yourself the right to: chmod u+r {name}")


def _tidy(path: Path) -> Path:
    """Take `..` out; the base is free of links, so that this means the same file."""
    return Path(*_without_dots(path.parts))


def _label(name: str) -> str:
    parts = _without_dots(PurePosixPath(name).parts)
    if parts[0] == "/":
        parts = parts[1:][-2:]
    return "/".join(part for part in parts if part != "..")


def _without_dots(parts: Sequence[str]) -> list[str]:
    """Take `a/..` out of a path; Path.resolve() would follow a link to a file of another name and ending."""
    kept: list[str] = []
    for part in parts:
        if part == ".." and kept and kept[-1] != "..":
            kept = kept[:1] if kept == ["/"] else kept[:-1]
        else:
            kept.append(part)
    return kept


def _same_labels(inputs: list[InputFile]) -> list[NoInputError]:
    return [
        NoInputError(
            f"two files would both be '{one.label}' in the data: {one.path} and {other.path}",
            "put them into two sources, or rename a folder",
        )
        for one, other in pairwise(inputs)
        if one.label == other.label
    ]


def _fix_for_folder(pattern: str, base: Path) -> str:
    suffixes = [child.suffix for child in sorted((base / pattern).iterdir()) if child.is_file() and child.suffix]
    ending = max(suffixes, key=suffixes.count) if suffixes else ""
    return f"name the files in it: {pattern.rstrip('/')}/*{ending}"


def _fix_for_nothing(pattern: str, base: Path) -> str:
    """Go down the pattern as far as it holds, and offer what is nearest to the part that does not."""
    if pattern.startswith("~"):
        return "'~' has no meaning here: write the path from the root, or relative to the recipe"
    before = PurePosixPath()
    for part in PurePosixPath(pattern).parts:
        if has_magic(part) or not (base / before / part).exists():
            return _fix_for_part(part, before, pattern, base)
        before /= part
    return "see to the path"


def _fix_for_part(part: str, before: PurePosixPath, pattern: str, base: Path) -> str:
    folder = base / before
    if not folder.is_dir():
        return f"'{before}' is not a folder"
    there = sorted(child.name for child in folder.iterdir() if not child.name.startswith("."))
    candidates = sorted({f"*{Path(name).suffix}" for name in there}) if has_magic(part) else there
    near = nearest(part, candidates) if part != "**" else None
    place = "the recipe's folder" if before == PurePosixPath() else f"'{before}'"
    shown = [*there[:6], "…"] if len(there) > 6 else there
    if near is None or near == part:
        lacking = "" if has_magic(part) else f"there is no '{before / part}'; "
        return f"{lacking}{place} holds {listed(shown) if there else 'nothing'}"
    rest = PurePosixPath(pattern).parts[len((before / part).parts) :]
    return did_you_mean(str(PurePosixPath(before, near, *rest)), "")
