"""The books: what comes in goes out, is dropped or is rejected, in every stage and in the whole."""

from __future__ import annotations

from dataforge.core.errors import InvariantError
from dataforge.engine.flow import StageRecord


def check_books(record: StageRecord) -> None:
    """Check one stage.

    Args:
        record: Counts of the stage: records for a source, rows for all.

    Raises:
        InvariantError: In and out do not balance; both sums are named.
    """
    rejected = sum(record.rejected.values())
    if record.records != record.used + record.merged + rejected:
        msg = (
            f"{record.name}: {record.records} records, but {record.used} used, {record.merged} merged"
            f" and {rejected} rejected"
        )
        raise InvariantError(msg)
    dropped = sum(record.dropped.values())
    if record.rows_in + record.added != record.rows_out + dropped:
        msg = (
            f"{record.name}: {record.rows_in} rows in and {record.added} added, but {record.rows_out} out"
            f" and {dropped} dropped"
        )
        raise InvariantError(msg)


def check_whole(records: list[StageRecord], published: int) -> None:
    """Check the flow from the sources to the shards.

    Args:
        records: All stages of the build.
        published: Rows in all splits of the shards.

    Raises:
        InvariantError: A row was lost, or came from nowhere, between two stages or on the way to the shards.
    """
    added = sum(record.added for record in records)
    dropped = sum(sum(record.dropped.values()) for record in records)
    if added - dropped != published:
        msg = f"{added} rows came in and {dropped} were dropped, but {published} were published"
        raise InvariantError(msg)
