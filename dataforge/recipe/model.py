"""The checked recipe: what the engine is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dataforge.core.errors import Where
from dataforge.core.schema import Kind

SplitName = Literal["train", "validation", "test"]
View = Literal["sft", "preference", "prompt", "openai"]
# OpenAI chat lines are a second copy in a form that no trainer here reads: they come when asked for.
DEFAULT_VIEWS: tuple[View, ...] = ("sft", "preference", "prompt")

_STRICT = ConfigDict(strict=True, frozen=True, extra="forbid")


class Split(BaseModel):
    """How rows are divided, by group, when they are born."""

    model_config = _STRICT

    seed: Annotated[int, Field(description="Decides which groups go where; a seed of its own.")] = 0
    validation: Annotated[float, Field(ge=0, le=1, description="Share of the groups for validation.")] = 0.0
    test: Annotated[float, Field(ge=0, le=1, description="Share of the groups for testing.")] = 0.0


class Output(BaseModel):
    """What a build publishes."""

    model_config = _STRICT

    views: Annotated[
        tuple[View, ...], Field(description="Which ready-made forms for trainers are written beside the rows.")
    ] = DEFAULT_VIEWS
    max_shard_mb: Annotated[int, Field(ge=1, description="Size at which a new shard is begun, in MiB.")] = 256


class WhereClause(BaseModel):
    """Which rows a step or trainer is shown; a row must meet every key that is given."""

    model_config = _STRICT

    source: Annotated[str | tuple[str, ...] | None, Field(description="Names of sources.")] = None
    kind: Annotated[Kind | None, Field(description="What a row can train: sft, preference or prompt.")] = None
    split: Annotated[SplitName | tuple[SplitName, ...] | None, Field(description="Names of splits.")] = None
    license: Annotated[str | tuple[str, ...] | None, Field(description="Licences, as the rows carry them.")] = None


def clause_values(clause: WhereClause | None) -> dict[str, Any] | None:
    """Give the keys of a clause that say something, as JSON values; None takes all rows."""
    return clause.model_dump(mode="json", exclude_none=True) if clause is not None else None


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a source reads.

    Args:
        path: Where it lies; absolute.
        label: How the data calls it; the same on every machine.
    """

    path: Path
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """A `[[source]]`.

    Args:
        use: The plugin's name, or the path of its file.
        name: What `where.source`, messages and the data call it.
        inputs: Its files, sorted by label.
        license: The licence of rows that bring none of their own.
        params: The plugin's keys as they were written.
        plugin: The plugin, built and checked.
        place: Where the table begins.
        base: The folder that relative paths start from.
    """

    use: str
    name: str
    inputs: tuple[InputFile, ...]
    license: str | None
    params: dict[str, Any]
    plugin: Any
    place: Where
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """A `[[step]]`; the fields are those of a source, and `where`, the rows it is shown."""

    use: str
    name: str
    where: WhereClause | None
    params: dict[str, Any]
    plugin: Any
    place: Where
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainEntry:
    """A `[[train]]`.

    Args:
        use: The plugin's name, or the path of its file.
        name: What later trainers, evals and the checkpoint's folder call it.
        model: "tiny", a folder, or a hub id.
        data: The rows it is shown.
        policy: The model it starts from: an earlier trainer, or what `model` takes.
        reward: The reward model: the same.
        params: The plugin's keys as they were written.
        plugin: The plugin, built and checked.
        place: Where the table begins.
        base: The folder that relative paths start from.
    """

    use: str
    name: str
    model: str
    data: WhereClause | None
    policy: str | None
    reward: str | None
    params: dict[str, Any]
    plugin: Any
    place: Where
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalEntry:
    """An `[[eval]]`.

    Args:
        models: Trainers of this recipe, "base", or what a trainer's `model` takes.
        baseline: The one of them that the others are compared with.
        split: The rows that are asked.
        use: The metrics, each by name or by the path of its file.
        params: Keys of the metrics, by metric, as they were written.
        plugins: The metrics, built and checked, by the names in `use`.
        place: Where the table begins.
        base: The folder that relative paths start from.
    """

    models: tuple[str, ...]
    baseline: str | None
    split: SplitName
    use: tuple[str, ...]
    params: dict[str, Any]
    plugins: dict[str, Any]
    place: Where
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEntry:
    """A `[[gate]]`: a number of an eval, and the one bound it must keep."""

    metric: str
    max: float | None
    min: float | None
    place: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe without mistakes.

    Args:
        name: The name of what it builds, and of its folder.
        seed: What is drawn depends on it, but for the split.
        schema: The version of the recipe language.
        path: The file.
        label: The file's folder and name, for records; the same on every machine.
        text: The file, as it was read.
        overrides: What `--set` was given.
        split: How rows are divided.
        output: What is published.
        sources: The sources, in file order.
        steps: The steps, in file order.
        train: The trainers, in file order.
        evals: The evals, in file order.
        gates: The gates, in file order.
        digest: Fingerprint of all values, defaults, included files and `--set` among them.
    """

    name: str
    seed: int
    schema: int
    path: Path
    label: str
    text: str
    overrides: tuple[str, ...]
    split: Split
    output: Output
    sources: tuple[SourceEntry, ...]
    steps: tuple[StepEntry, ...]
    train: tuple[TrainEntry, ...]
    evals: tuple[EvalEntry, ...]
    gates: tuple[GateEntry, ...]
    digest: str
