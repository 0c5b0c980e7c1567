"""A few examples of what was dropped, rejected and repaired, the same ones in every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from dataforge.core.fingerprint import unit_interval
from dataforge.engine.flow import StageRecord
from dataforge.store.home import Store
from dataforge.store.shards import get_frame

PER_REASON = 4


def examples(store: Store, record: StageRecord, seed: int) -> list[dict[str, Any]]:
    """Choose examples of a stage's drops or rejects, some for each reason.

    Args:
        store: The project's store.
        record: The stage.
        seed: The recipe's seed; the choice depends on it and on ids alone.

    Returns:
        At most `PER_REASON` ledger lines for each reason, sorted by reason; none for a map.
    """
    if record.kind == "source":
        columns, name, reason = _REJECT_COLUMNS, "record_id", "code"
    elif record.kind in {"filter", "corpus_filter"}:
        columns, name, reason = _DROP_COLUMNS, "row_id", "reason"
    else:
        return []
    found: list[pl.DataFrame] = []
    for digest in record.ledger:
        lines = get_frame(store, digest, columns).drop_nulls(reason)
        draws = [unit_interval("example", str(seed), identity) for identity in lines[name]]
        lines = lines.with_columns(draw=pl.Series(draws, dtype=pl.Float64)).sort("draw")
        found.append(lines.group_by(reason, maintain_order=True).head(PER_REASON))
    return _choose(found, reason)


_DROP_COLUMNS = ["row_id", "corpus", "reason", "value", "threshold", "detail", "because_of", "excerpt"]
_REJECT_COLUMNS = ["record_id", "path", "line", "byte", "code", "detail", "excerpt"]


def _choose(found: Sequence[pl.DataFrame], reason: str) -> list[dict[str, Any]]:
    if not found:
        return []
    lines = pl.concat(found).sort(reason, "draw").group_by(reason, maintain_order=True).head(PER_REASON)
    return lines.drop("draw").to_dicts()
