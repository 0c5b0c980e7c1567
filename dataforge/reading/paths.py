r"""The little language that names a value in a record: a column, a path into it, or a template of several.

One rule tells them apart: a value with braces is a template, all else is a path.

    question                 the column of that name; a column whose whole name is written so wins over any path
    meta.title               the field `title` of the object in `meta`
    answers[0].text          an item of a list, counted from 0
    completions[].text       a list: the field of each item
    /meta/a.b/0              a JSON pointer, for names with dots, brackets or question marks
    {title}\n\n{body}          a template: text with paths in braces; {{ and }} stand for the braces themselves
    system?                  a final question mark: the column may be missing from a record
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from dataforge.reading.drafts import RecordFaultError

MISSING: Final = object()

# What a path may go through. None stands for "each item of the list".
_Step = str | int | None

_PART = re.compile(r"([^\[\]]*)((?:\[\d*\])*)")
_BRACKET = re.compile(r"\[(\d*)\]")
_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A path to a value, taken apart once.

    Args:
        written: As the recipe has it.
        name: The same without the final question mark.
        steps: Names, places and "each item" (None), from the record inwards.
        may_be_missing: Whether a record without it is sound.
    """

    written: str
    name: str
    steps: tuple[_Step, ...]
    may_be_missing: bool

    def find(self, record: dict[str, Any]) -> Any:
        """Give the value, or `MISSING`."""
        if self.name in record:
            return record[self.name]
        return _follow(record, self.steps)


@dataclass(frozen=True, slots=True)
class Template:
    """Text with paths in it.

    Args:
        written: As the recipe has it.
        parts: Plain text and paths, in order.
    """

    written: str
    parts: tuple[str | FieldPath, ...]

    @property
    def paths(self) -> tuple[FieldPath, ...]:
        """The paths alone."""
        return tuple(part for part in self.parts if isinstance(part, FieldPath))


def parse_path(written: str) -> FieldPath:
    """Take a path apart.

    Args:
        written: A column, a dotted path or a JSON pointer; a final `?` lets it be missing.

    Returns:
        The path with its steps, ready for `find`.

    Raises:
        ValueError: The path is empty, or its brackets are wrong.
    """
    name = written.removesuffix("?")
    if not name:
        msg = f"'{written}' names no column"
        raise ValueError(msg)
    steps = _pointer_steps(name) if name.startswith("/") else _dotted_steps(name)
    return FieldPath(written, name, tuple(steps), may_be_missing=name != written)


def parse_template(written: str) -> Template:
    """Take a template apart.

    Args:
        written: Text with paths in braces; `{{` and `}}` are the braces themselves.

    Returns:
        The template in its parts, none of them empty.

    Raises:
        ValueError: A brace is not closed, or a path in braces is wrong.
    """
    parts: list[str | FieldPath] = []
    end = 0
    for hole in _HOLE.finditer(written):
        parts.append(written[end : hole.start()])
        end = hole.end()
        if hole[1]:
            parts.append(parse_path(hole[1]))
        elif len(hole[0]) == 2:
            parts.append(hole[0][0])
        else:
            msg = f"a brace stands alone in '{written}'; write '{hole[0] * 2}' for the brace itself"
            raise ValueError(msg)
    parts.append(written[end:])
    return Template(written, tuple(part for part in parts if part))


def parse_column(written: str) -> FieldPath | Template:
    """Take a recipe's value apart: a template where it has braces, else a path."""
    return parse_template(written) if "{" in written or "}" in written else parse_path(written)


def _pointer_steps(name: str) -> Iterable[_Step]:
    for part in name[1:].split("/"):
        yield part.replace("~1", "/").replace("~0", "~")


def _dotted_steps(name: str) -> Iterable[_Step]:
    for part in name.split("."):
        found = _PART.fullmatch(part)
        if found is None or not part:
            msg = f"'{name}' is no path: write `a.b`, `a[0].b` or `a[].b`, or a JSON pointer `/a/b`"
            raise ValueError(msg)
        if found[1]:
            yield found[1]
        for place in _BRACKET.findall(found[2]):
            yield int(place) if place else None


def _follow(value: Any, steps: tuple[_Step, ...]) -> Any:
    for number, step in enumerate(steps):
        if step is None:
            if not isinstance(value, list):
                return MISSING
            rest = steps[number + 1 :]
            found = [_follow(item, rest) for item in cast("list[Any]", value)]
            return [None if item is MISSING else item for item in found]
        value = _inside(value, step)
        if value is MISSING:
            return MISSING
    return value


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).get(str(step), MISSING)
    if isinstance(value, list) and (isinstance(step, int) or step.isdecimal()):
        items = cast("list[Any]", value)
        return items[int(step)] if int(step) < len(items) else MISSING
    return MISSING


def fill(template: Template, find: Callable[[FieldPath], str]) -> str:
    """Write a template out with the texts that its paths lead to."""
    return "".join(part if isinstance(part, str) else find(part) for part in template.parts)


def missing(path: FieldPath, record: dict[str, Any], *, list_columns: bool) -> RecordFaultError:
    """Make the fault of a record that lacks a column; the first of a file says which columns there are."""
    there = f"; there are: {', '.join(map(str, record))}" if list_columns else ""
    return RecordFaultError("missing-column", f"no '{path.name}'{there}")
