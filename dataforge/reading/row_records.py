"""Takes rows that are Python objects, as tables hold them, for records: what names them is their canonical JSON."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, cast

from dataforge.core.fingerprint import canonical_json
from dataforge.core.plugin import Batch
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import Parsed, RawRecord, RecordFaultError


def read_rows(
    rows: Iterable[dict[str, Any]], builder: BatchBuilder, parse: Callable[[Any], Parsed], first_line: int = 1
) -> Iterator[Batch]:
    """Take rows that are Python objects for records; the last batch stays open in the builder."""
    for line, row in enumerate(rows, first_line):
        add_row(row, builder, parse, line)
        if builder.is_full:
            yield builder.finish()


def add_row(row: dict[str, Any], builder: BatchBuilder, parse: Callable[[Any], Parsed], line: int) -> None:
    """Take one row for a record."""
    value = plain(row)
    raw = RawRecord(canonical_json(value), 0, line)
    try:
        builder.add(raw, parse(value))
    except RecordFaultError as fault:
        builder.reject(raw, fault.code, fault.detail)


def plain(value: Any) -> Any:
    """Write what JSON does not have in JSON's terms: NaN as null, dates and times as ISO 8601, bytes as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("Sequence[Any]", value)]
    return _written(value)


def _written(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)
