"""What the start of a record looks like in a file of JSON objects, learned from the records seen so far."""

from __future__ import annotations

import re
from typing import Any, cast

_FIRST_FIELD = re.compile(rb'\{\s*"((?:[^"\\]|\\.)*)"\s*:')
ANY_START = re.compile(rb'\{\s*"')
_MAX_FIRST_FIELDS = 64
_ALIKE = 0.5


class Starts:
    """Finds places that look like the start of a record: an object whose first field has a known name.

    Args:
        head: The beginning of the file.

    Attributes:
        usual_bytes: How large the last record was.
    """

    def __init__(self, head: bytes) -> None:
        self._first_fields: list[bytes] = []
        self._pattern = ANY_START
        self._first: str | None = None
        self._last: frozenset[str] = frozenset()
        self.usual_bytes = 0
        self._learn_first_field(head.lstrip(b" \t\r\n["))

    def learn(self, data: bytes, value: Any) -> None:
        """Learn from a record, given as its bytes and as what the parser made of them."""
        self.usual_bytes = len(data)
        if not isinstance(value, dict):
            return
        fields = cast("dict[str, Any]", value)
        # Two records with the same fields may begin with different ones.
        first = next(iter(fields), None)
        if first != self._first or fields.keys() != self._last:
            self._first, self._last = first, frozenset(fields)
            self._learn_first_field(data)

    def _learn_first_field(self, data: bytes) -> None:
        match = _FIRST_FIELD.match(data)
        if match is not None and match[1] not in self._first_fields and len(self._first_fields) < _MAX_FIRST_FIELDS:
            self._first_fields.append(match[1])
            names = b"|".join(map(re.escape, self._first_fields))
            self._pattern = re.compile(rb'\{\s*"(?:' + names + rb')"\s*:')

    def find(self, data: bytes, start: int, end: int) -> int:
        """Find the next place that looks like the start of a record; -1 where there is none."""
        match = self._pattern.search(data, start, end)
        return match.start() if match else -1

    def are_like(self, value: Any) -> bool:
        """Say whether a value has the fields of the last good record, for the most part."""
        if not isinstance(value, dict):
            return False
        names = cast("dict[str, Any]", value).keys()
        return not self._last or len(self._last & names) >= _ALIKE * len(self._last | names)
