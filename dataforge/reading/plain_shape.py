"""Says which columns of a table can become rows as they are: plain texts, or lists of turns of the common form."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from dataforge.reading.mapping import Columns
from dataforge.reading.paths import FieldPath, parse_column

_WORDS = ("system", "group", "url", "author", "license_column")
_TEXTS = ("prompt", "response", "chosen", "rejected")
_NOT_NEEDED = frozenset([*_WORDS, "tools", "score"])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainShape:
    """Which columns hold what, where each is a column of its own.

    Args:
        prompt: The prompt's text.
        replies: The responses' texts, the best one first.
        messages: Whole conversations.
        words: Short texts or numbers that may be null: `system`, `group`, `url`, `author`, `license_column`.
        needed: Columns that no record may lack.
    """

    prompt: str | None = None
    replies: tuple[str, ...] = ()
    messages: str | None = None
    words: dict[str, str] = field(default_factory=dict[str, str])
    needed: frozenset[str] = frozenset()

    @property
    def columns(self) -> list[str]:
        """All columns, each once."""
        messages = () if self.messages is None else (self.messages,)
        return list(dict.fromkeys([*self.texts, *messages, *self.words.values()]))

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that must hold text."""
        return self.replies if self.prompt is None else (self.prompt, *self.replies)


# Given the names of a table's columns, or None where each record has names of its own, says what is plain in it.
FindShape = Callable[[Collection[str] | None], PlainShape | None]


def nothing_plain(names: Collection[str] | None) -> None:
    """Find no shape: every record is looked at by itself."""
    del names


def plain_shape(columns: Columns, names: Collection[str] | None) -> PlainShape | None:
    """Find out whether rows can be made of whole columns.

    Args:
        columns: Which column holds what.
        names: The columns there are; None where each record says so for itself.

    Returns:
        The shape; None where a template, a path into a value, or a list of responses is asked for.
    """
    found: dict[str, str] = {}
    needed: set[str] = set()
    for asked in dataclasses.fields(Columns):
        written = getattr(columns, asked.name)
        if written is None:
            continue
        path = parse_column(written) if isinstance(written, str) else None
        if not isinstance(path, FieldPath) or (names is None and path.steps != (path.name,)):
            return None
        if names is None or path.name in names:
            found[asked.name] = path.name
            needed |= set() if path.may_be_missing else {path.name}
        elif not (path.may_be_missing and asked.name in _NOT_NEEDED) or path.steps[0] in names:
            return None
    return _shape(found, frozenset(needed))


def _shape(found: dict[str, str], needed: frozenset[str]) -> PlainShape | None:
    if found.keys() - {*_WORDS, *_TEXTS, "messages"}:
        return None
    words = {name: found[name] for name in _WORDS if name in found}
    if "messages" in found:
        return PlainShape(messages=found["messages"], words=words, needed=needed)
    prompt = found.get("prompt")
    if "chosen" in found or "rejected" in found:
        if not {"prompt", "chosen", "rejected"} <= found.keys():
            return None  # what two whole texts share must be looked for, pair by pair
        return PlainShape(prompt=prompt, replies=(found["chosen"], found["rejected"]), words=words, needed=needed)
    replies = (found["response"],) if "response" in found else ()
    if prompt is None and not replies:
        return None
    return PlainShape(prompt=prompt, replies=replies, words=words, needed=needed)
