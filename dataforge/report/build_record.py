"""The record of a build, as its report reads it: what an older or a broken record lacks counts as nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataforge.report.fields import lines, table
from dataforge.report.figures import sentence


class Anchors:
    """Gives each thing of a page its own id, the same one in every run that has the thing."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def give(self, prefix: str, *names: str) -> str:
        """Make an id of names."""
        words = [re.sub(r"[^a-z0-9_]+", "-", name[:200].lower()).strip("-")[:48] for name in names]
        anchor = "-".join([prefix, *(word or "x" for word in words)])
        self._given[anchor] += 1
        again = self._given[anchor]
        return anchor if again == 1 else f"{anchor}-{again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one stage did.

    Args:
        anchor: Its id in the page.
        is_source: It reads records; every other stage is shown rows.
    """

    anchor: str
    name: str
    kind: str
    use: str
    version: str
    params: dict[str, Any]
    where: dict[str, Any]
    fingerprint: str
    is_source: bool
    rows_in: int
    rows_out: int
    added: int
    changed: int
    dropped: dict[str, int]
    rejected: dict[str, int]
    repaired: dict[str, int]
    meanings: dict[str, str]
    records: int
    used: int
    merged: int
    files: list[dict[str, Any]]
    examples: list[dict[str, Any]]
    reused: bool
    seconds: float

    @property
    def n_dropped(self) -> int:
        """Rows that it let go."""
        return sum(self.dropped.values())

    @property
    def n_rejected(self) -> int:
        """Records that it could not use."""
        return sum(self.rejected.values())

    @property
    def n_repaired(self) -> int:
        """Repairs that it made; one record may need two."""
        return sum(self.repaired.values())

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(int(file.get("bytes") or 0) for file in self.files)

    @classmethod
    def of(cls, stage: Mapping[str, Any], anchors: Anchors) -> Stage:
        """Read a stage's record."""
        name = str(stage.get("name", ""))
        kind = str(stage.get("kind", ""))
        return cls(
            anchor=anchors.give("stage", name),
            name=name,
            kind=kind,
            use=str(stage.get("use", "")),
            version=str(stage.get("version", "")),
            params=table(stage, "params"),
            where=table(stage, "where"),
            fingerprint=str(stage.get("fingerprint", "")),
            is_source=kind == "source",
            **{number: int(stage.get(number) or 0) for number in _NUMBERS},
            dropped=table(stage, "dropped"),
            rejected=table(stage, "rejected"),
            repaired=table(stage, "repaired"),
            meanings={name: sentence(str(what)) for name, what in table(stage, "meanings").items()},
            files=lines(stage, "files"),
            examples=lines(stage, "examples"),
            reused=bool(stage.get("reused")),
            seconds=float(stage.get("seconds") or 0.0),
        )


_NUMBERS = ("rows_in", "rows_out", "added", "changed", "records", "used", "merged")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRun:
    """One run of `forge build`: its stages, and sums over them.

    Args:
        record: The run record itself, for what is shown as it stands.
        rows: Published rows by split.
        views: Rows by view and split.
        profile: Counts over the published rows; empty in a record that has none.
    """

    record: Mapping[str, Any]
    name: str
    digest: str
    folder: str
    stages: list[Stage]
    rows: dict[str, int]
    views: dict[str, dict[str, int]]
    profile: dict[str, Any]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> BuildRun:
        """Read a run record, schema `dataforge.build/1`."""
        anchors = Anchors()
        datasets = lines(record, "datasets")
        rows: Counter[str] = Counter()
        views: dict[str, Counter[str]] = {}
        for dataset in datasets:
            rows.update(table(dataset, "rows"))
            for view, by_split in table(dataset, "views").items():
                views.setdefault(view, Counter()).update(by_split)
        return cls(
            record=record,
            name=str(record.get("recipe", "")),
            digest=str(record.get("digest", "")),
            folder=", ".join(str(dataset.get("folder", "")) for dataset in datasets),
            stages=[Stage.of(stage, anchors) for stage in lines(record, "stages")],
            rows=dict(rows),
            views={view: dict(by_split) for view, by_split in views.items()},
            profile=table(record, "profile"),
        )

    @property
    def sources(self) -> list[Stage]:
        """The stages that read files."""
        return [stage for stage in self.stages if stage.is_source]

    @property
    def published(self) -> int:
        """Rows of all splits."""
        return sum(self.rows.values())

    @property
    def made(self) -> int:
        """Rows that sources and steps made."""
        return self.total("added")

    def total(self, what: str) -> int:
        """Sum a number over all stages, as in `total("records")`."""
        return sum(getattr(stage, what) for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Loss:
    """One reason for which records were rejected or rows dropped.

    Args:
        anchor: The id of its examples in the page.
        stage: The stage that let them go.
        name: The code or the reason.
        meaning: What it means, in a sentence; empty where the record does not say.
        amount: How many went.
        whole: How many the stage was shown.
        examples: Some of them.
    """

    anchor: str
    stage: Stage
    name: str
    meaning: str
    amount: int
    whole: int
    examples: list[dict[str, Any]]

    @property
    def unit(self) -> str:
        """What went: records are rejected, rows are dropped."""
        return "record" if self.stage.is_source else "row"

    @property
    def fate(self) -> str:
        """What happened to them."""
        return "rejected" if self.stage.is_source else "dropped"


def losses(run: BuildRun) -> list[Loss]:
    """List every reason of every stage, the largest first."""
    anchors = Anchors()
    found: list[Loss] = []
    for stage in run.stages:
        counts, whole, key = (
            (stage.rejected, stage.records, "code") if stage.is_source else (stage.dropped, stage.rows_in, "reason")
        )
        for name, amount in counts.items():
            chosen = [example for example in stage.examples if str(example.get(key)) == name]
            anchor = anchors.give("lost", stage.name, name)
            found.append(Loss(anchor, stage, name, stage.meanings.get(name, ""), amount, whole, chosen))
    return sorted(found, key=lambda loss: -loss.amount)


def open_books(run: BuildRun) -> list[str]:
    """Say where the record does not balance; a sound record gives nothing."""
    wrong: list[str] = []
    for stage in run.stages:
        fates = stage.used + stage.merged + stage.n_rejected
        if stage.records != fates:
            wrong.append(f"{stage.name}: {stage.records:,} records were read, and {fates:,} are accounted for")
        into, out = stage.rows_in + stage.added, stage.rows_out + stage.n_dropped
        if into != out:
            wrong.append(f"{stage.name}: {into:,} rows came in or were added, and {out:,} went on or were dropped")
    left = run.made - run.total("n_dropped")
    if left != run.published:
        wrong.append(f"{left:,} rows were left after the last stage, and {run.published:,} were published")
    return wrong
