"""Fields of a run record that may be missing: what is not there is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def table(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Read a field that holds names and values."""
    value = record.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def lines(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Read a field that holds a list of tables."""
    return [cast("dict[str, Any]", line) for line in values(record, name) if isinstance(line, dict)]


def values(record: Mapping[str, Any], name: str) -> list[Any]:
    """Read a field that holds a list."""
    value = record.get(name)
    return cast("list[Any]", value) if isinstance(value, list | tuple) else []
