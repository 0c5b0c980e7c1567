"""Numbers as people read them: thousands apart, with units, never more exact than they are."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def count(number: float) -> str:
    """Write a whole number: 12,345."""
    return f"{number:,.0f}"


def plural(number: int, noun: str) -> str:
    """Write a count with its noun: 1 row, 2 rows."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def share(part: float, whole: float) -> str:
    """Write a part of a whole in percent; only nothing is 0 % and only all is 100 %."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1\N{NO-BREAK SPACE}%"
    if 99.9 < percent < 100:
        return "> 99.9\N{NO-BREAK SPACE}%"
    if percent in {0, 100}:
        return f"{percent:.0f}\N{NO-BREAK SPACE}%"
    return f"{percent:.1f}\N{NO-BREAK SPACE}%"


def size(n_bytes: float) -> str:
    """Write a number of bytes in the unit that fits."""
    amount, unit = float(n_bytes), 0
    while amount >= 1000 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    digits = 0 if unit == 0 or amount >= 100 else 1
    return f"{amount:.{digits}f}\N{NO-BREAK SPACE}{_SIZES[unit]}"


def duration(seconds: float) -> str:
    """Write a time: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}\N{NO-BREAK SPACE}s"
    if whole < 3600:
        return f"{whole // 60}\N{NO-BREAK SPACE}min {whole % 60}\N{NO-BREAK SPACE}s"
    return f"{whole // 3600}\N{NO-BREAK SPACE}h {whole % 3600 // 60}\N{NO-BREAK SPACE}min"


def moment(written: str) -> str:
    """Write a time of day for people: 2026-03-01 20:14 UTC; what is no such time stays as it is."""
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        return written
    zone = time.tzname()
    return f"{time:%Y-%m-%d %H:%M}" + (f" {zone}" if zone else "")


def sentence(text: str) -> str:
    """Write words as a sentence: a capital first, a full stop last."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def number(value: Any) -> str:
    """Write a measured value with four significant digits; what is no number is written as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if (float(value).is_integer() and size < 1e15) or size >= 1000:
        return f"{value:,.1f}".removesuffix(".0")
    return f"{value:.4g}" if size >= 1e-4 else f"{value:.2e}"


def digits_of(low: float | None, high: float | None) -> int | None:
    """Say how many decimals an interval supports: two significant digits of half its width."""
    if low is None or high is None or not math.isfinite(high - low) or high <= low:
        return None
    return max(0, 1 - math.floor(math.log10((high - low) / 2)))
