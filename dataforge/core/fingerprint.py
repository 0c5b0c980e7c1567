"""Names made from content: the same thing has the same name on every machine."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Write JSON in the one form that is hashed: sorted keys, no spaces, UTF-8.

    Args:
        value: Objects, lists, text, numbers, booleans and null; keys are text.

    Returns:
        UTF-8 bytes; lone surrogates, which UTF-8 has no place for, are kept as their three bytes.

    Raises:
        ValueError: For NaN and infinities, which JSON cannot hold.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", errors="surrogatepass")


def fingerprint(value: Any) -> str:
    """Hash a JSON value to 64 hex digits of SHA-256."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def short_id(*parts: str | bytes) -> str:
    """Hash parts to the 32 hex digits that name rows, records and groups.

    Each part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ.
    """
    whole = b""
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", errors="surrogatepass")
        whole += len(data).to_bytes(8, "little") + data
    return hashlib.sha256(whole).hexdigest()[:32]


def unit_interval(*parts: str | bytes) -> float:
    """Draw a number in [0, 1) that depends on the parts alone."""
    return int(short_id(*parts)[:13], 16) / 16.0**13
