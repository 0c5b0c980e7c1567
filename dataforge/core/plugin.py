"""What a plugin is: it is shown something and answers; only the engine acts.

A plugin is one frozen dataclass in one file: its fields are its recipe keys, its methods its work, and the
file's last line declares it (`STEP: type[Filter] = LengthFilter`). Each field is
`Annotated[type, Field(description=…), …]`; `THRESHOLD` among the annotations says that the field is used by
`decide` alone, so that moving it measures nothing again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import polars as pl

from dataforge.core.codes import Code


class _Threshold:
    """Marks a field that only `decide` reads."""

    def __repr__(self) -> str:
        return "THRESHOLD"


THRESHOLD = _Threshold()


@dataclass(frozen=True, slots=True)
class RawFile:
    """One input file, as a source is shown it.

    Args:
        path: Where to open it.
        label: How the recipe calls it; this goes into `origin.path` and into messages.
        corpus: The name of the source in the recipe.
    """

    path: Path
    label: str
    corpus: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of a file's records: the drafts made from them, and what became of each.

    Args:
        drafts: Rows without identity, schema `core.schema.DRAFT`.
        records: One line for each raw record, schema `core.schema.RECORD`.
    """

    drafts: pl.DataFrame
    records: pl.DataFrame


@runtime_checkable
class Source(Protocol):
    """Reads raw records: every one of them ends in a draft or in a reject, none is skipped, none raises."""

    version: ClassVar[int]
    codes: ClassVar[tuple[Code, ...]]

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Hand out a file's records, a bounded number at a time."""
        ...


@runtime_checkable
class Mapper(Protocol):
    """Rewrites rows: the same ids in the same order."""

    version: ClassVar[int]

    def rewrite(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the rows back, changed; columns `row_id`, `group_id`, `split` and `origin` stay as they are."""
        ...


@runtime_checkable
class Filter(Protocol):
    """Looks at one row at a time: measures it, then decides on the measurements alone.

    `reasons` declares every reason a drop may carry, with a sentence for people.
    """

    version: ClassVar[int]
    reasons: ClassVar[Mapping[str, str]]

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give one line of evidence for each row, in order; no threshold is read here."""
        ...

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Give the drops (`core.schema.DROPS`), at most one a row; `index` counts lines of the evidence.

        A line whose column `stays` is true drops nothing: it is a finding, which the ledger notes.
        """
        ...


@runtime_checkable
class CorpusFilter(Protocol):
    """A filter whose decision needs the whole corpus: dedup, balance, sampling.

    `is_corpus_wide` tells it from a `Filter`. The engine shows `decide` the evidence of all rows, in flow
    order, with the columns `row_id`, `group_id`, `split`, `corpus` and `kind` of each row put before its own.
    """

    version: ClassVar[int]
    reasons: ClassVar[Mapping[str, str]]
    is_corpus_wide: ClassVar[bool]

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give one line of evidence for each row, in order; no threshold is read here."""
        ...

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Give the drops; `because_of` names the surviving row where there is one."""
        ...


@runtime_checkable
class Trainer(Protocol):
    """Trains a model from the shards into the one folder it is handed."""

    version: ClassVar[int]
    view: ClassVar[str]

    def train(self, inputs: TrainInputs, log: TrainLog) -> Mapping[str, Any]:
        """Train, and write the checkpoint to `inputs.out`, which is empty.

        Args:
            inputs: Rows, model and seed, and the folder to write to.
            log: Is told of the steps.

        Returns:
            What goes into the run record, among it `rows`: how many were `shown`, `kept` and `truncated`, and how
            many `dropped`, by reason; every row shown is in one of these.
        """
        ...


class TrainLog(Protocol):
    """Where a trainer says how it goes."""

    def __call__(self, step: int, of: int, values: Mapping[str, float]) -> None:
        """Note the values of one step, and how many steps there will be."""
        ...


@dataclass(frozen=True, slots=True)
class TrainInputs:
    """What a trainer is given.

    Args:
        train: Parquet files of the training rows, in the shape that the trainer's `view` names.
        validation: The same of the validation rows; may be empty.
        out: The folder to write the checkpoint to.
        model: "tiny", a folder, or a hub id.
        seed: The recipe's seed.
    """

    train: tuple[Path, ...]
    validation: tuple[Path, ...]
    out: Path
    model: str
    seed: int


@dataclass(frozen=True, slots=True)
class Samples:
    """What a metric is asked to score.

    Args:
        rows: Columns `prompt` and `completion`, lists of messages.
        model: The model that is measured: a folder, or a hub id.
    """

    rows: pl.DataFrame
    model: str


@dataclass(frozen=True, slots=True)
class Scored:
    """What a metric found out.

    Args:
        lines: One line a sample, in order: `unscored`, null or the reason why there is no score, and columns of
            numbers that may be added up over samples, such as a score and its weight.
        signature: All that the numbers depend on besides rows and model, in one line, for people to compare.
    """

    lines: pl.DataFrame
    signature: str


@runtime_checkable
class Metric(Protocol):
    """Scores samples one by one; what it reports is computed from sums over samples.

    The engine adds up the lines, over all samples for the value and over resampled ones for its interval, so that a
    metric needs no statistics of its own; it also adds n and the reasons of the unscored.
    """

    version: ClassVar[int]

    def score(self, samples: Samples) -> Scored:
        """Score each sample, or say why not."""
        ...

    def summarize(self, sums: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]) -> Mapping[str, Any]:
        """Compute the numbers of the report, the most important one first.

        Args:
            sums: For each column of numbers its sum, and `n`, the scored samples; arrays with an entry for each
                resampling.

        Returns:
            Arrays of the same length, by the names of the numbers.
        """
        ...
