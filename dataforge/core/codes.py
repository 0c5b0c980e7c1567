"""Stable codes for what can be wrong with a record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of trouble with a raw record, as `forge lint` and the ledger name it.

    Args:
        name: Stable and unique, in kebab case: `unknown-role`.
        what: One sentence on what is wrong, for a person.
        repair: What the policy `repair` does about it; None where nothing can be done and the record
            is rejected under every policy but `fail`.
        is_fault: False for records that are sound but not ours (a tag wiki in a dump of posts): they are
            counted as rejects, and neither `fail` nor `forge lint` takes offence.
    """

    name: str
    what: str
    repair: str | None = None
    is_fault: bool = True
