"""Where each key of a TOML text stands; `tomllib` gives the values and no places."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]
Position = tuple[int, int]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_COMMA = re.compile(r"(?:[ \t\n,]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
# Any value but an array or an inline table. The closing quotes of a long string may follow one or two of its own.
_SCALAR = re.compile(
    r'''"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'''
    r"""|'''(?:[^']|'{1,2}(?!'))*'{3,5}"""
    r'''|"(?:[^"\\]|\\.)*"'''
    r"""|'[^']*'"""
    r"""|[^\s,\]}#]+(?:[ ]\d[^\s,\]}#]*)?""",  # a date may have a blank before the time
    re.DOTALL,
)


def locate(text: str) -> dict[KeyPath, Position]:
    r"""Find the line and column of every key, table and array item, counted from 1 in characters.

    Args:
        text: TOML that `tomllib` takes, with `\n` as line ends.

    Returns:
        The place of a key or of the name in a table's header; of an array's item, where its value begins. The
        table of a dotted key or header has the place where it is first named.
    """
    scanner = _Scanner(text)
    scanner.document()
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    lines = {path: bisect_right(starts, at) for path, at in scanner.found.items()}
    return {path: (line, scanner.found[path] - starts[line - 1] + 1) for path, line in lines.items()}


class _Scanner:
    """Walks over a text that is known to be sound, so it checks nothing."""

    def __init__(self, text: str) -> None:
        self.found: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._items: dict[KeyPath, int] = {}

    def document(self) -> None:
        """Walk over all tables and pairs."""
        table: KeyPath = ()
        self._skip()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()

    def _header(self) -> KeyPath:
        is_item = self._text.startswith("[[", self._at)
        self._at += 2 if is_item else 1
        self._skip()
        keys = self._keys()
        name, at = keys[-1]
        path: KeyPath = ()
        for part, place in keys[:-1]:
            path = self._note(path, part, place)
            if path in self._items:
                path = self._note(path, self._items[path] - 1, place)
        path = self._note(path, name, at)
        if is_item:
            number = self._items.get(path, 0)
            self._items[path] = number + 1
            path = self._note(path, number, at)
        self._skip()
        self._at += 2 if is_item else 1
        return path

    def _pair(self, table: KeyPath) -> None:
        path = table
        for name, at in self._keys():
            path = self._note(path, name, at)
        self._skip()
        self._at += 1  # the equals sign
        self._skip()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            self._take(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        number = 0
        self._at += 1
        while not self._is_over("]"):
            self._value(self._note(path, number, self._at))
            number += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while not self._is_over("}"):
            self._pair(path)

    def _is_over(self, closing: str) -> bool:
        """Go over a comma between two items, or over the closing bracket."""
        self._take(_COMMA)
        is_over = self._text[self._at] == closing
        self._at += is_over
        return is_over

    def _keys(self) -> list[tuple[str, int]]:
        keys: list[tuple[str, int]] = []
        while not keys or self._take(_DOT):
            at = self._at
            written = self._take(_KEY)
            keys.append((tomllib.loads(f"key = {written}")["key"] if written[0] in "\"'" else written, at))
        return keys

    def _note(self, outer: KeyPath, part: str | int, at: int) -> KeyPath:
        path = (*outer, part)
        self.found.setdefault(path, at)
        return path

    def _skip(self) -> None:
        self._take(_BLANK)

    def _take(self, form: re.Pattern[str]) -> str:
        match = form.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match[0] if match else ""
