"""Takes texts, numbers and lists out of one record, and says in one way what is missing or of the wrong kind."""

from __future__ import annotations

import math
from typing import Any, cast

from dataforge.core.codes import Code
from dataforge.reading.drafts import RecordFaultError
from dataforge.reading.paths import MISSING, FieldPath, Template, fill, missing

FIELD_CODES: tuple[Code, ...] = (
    Code("missing-column", "The record has no column of a name that is asked for."),
    Code("wrong-type", "A value is of another kind than what is asked for, such as a list where text is wanted."),
    Code("empty-prompt", "The prompt is null or blank."),
    Code("empty-response", "A response is null or blank."),
    Code(
        "number-as-text",
        "A whole number stands where text is wanted.",
        repair="It is written as its digits; other numbers are rejected, for they could be written in many ways.",
    ),
)

_KINDS = {
    "str": "text",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "list": "a list",
    "dict": "an object",
    "NoneType": "null",
}


def kind_of(value: object) -> str:
    """Name the JSON kind of a value for a person."""
    name = type(value).__name__
    return _KINDS.get(name, name)


def a_number(value: Any) -> float | None:
    """Read a number, or the text of one; None for all else, for NaN and for infinities."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


class Fields:
    """The values of one record, and the codes of what was repaired to read them.

    Args:
        record: The record.
        told: Names of the columns whose absence was told with the list of the columns there are; it is added to, so
            that only the first record of a file says it.
    """

    def __init__(self, record: dict[str, Any], told: set[str]) -> None:
        self._record = record
        self._told = told
        self.repairs: list[str] = []

    def value(self, path: FieldPath) -> Any:
        """Give a value as it is; None where it is missing and may be.

        Args:
            path: Where the value stands.

        Returns:
            The value, unchecked; None also for a null.

        Raises:
            RecordFaultError: `missing-column`.
        """
        found = path.find(self._record)
        if found is not MISSING:
            return found
        if path.may_be_missing:
            return None
        is_first = path.name not in self._told
        self._told.add(path.name)
        raise missing(path, self._record, list_columns=is_first)

    def text(self, column: FieldPath | Template) -> str:
        """Give text, or "" for null.

        Args:
            column: A path to one value, or a template of several.

        Returns:
            A column's text as it is; a template's without blanks at its ends.

        Raises:
            RecordFaultError: `missing-column` or `wrong-type`.
        """
        if isinstance(column, Template):
            # Blank ends come from parts that are empty: "{instruction}\n\n{input}" without an input.
            return fill(column, self.text).strip()
        return self.as_text(self.value(column), column.name)

    def as_text(self, value: Any, what: str) -> str:
        """Take a value for text: null is "", and a whole number is its digits."""
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            self.repairs.append("number-as-text")
            return str(value)
        raise RecordFaultError("wrong-type", f"'{what}' is {kind_of(value)}, not text")

    def word(self, column: FieldPath | Template | None) -> str | None:
        """Give text that may be left out, without blanks around it: a URL, an author, a name that may be a number."""
        if column is None:
            return None
        if isinstance(column, FieldPath):
            value = self.value(column)
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
            return self.as_text(value, column.name).strip() or None
        return self.text(column) or None

    def items(self, path: FieldPath) -> list[Any]:
        """Give a list; null is an empty one.

        Args:
            path: Where the list stands.

        Returns:
            The items, unchecked.

        Raises:
            RecordFaultError: `missing-column` or `wrong-type`.
        """
        value = self.value(path)
        if value is None:
            return []
        if not isinstance(value, list):
            raise RecordFaultError("wrong-type", f"'{path.name}' is {kind_of(value)}, not a list")
        return cast("list[Any]", value)
