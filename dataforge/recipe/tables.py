"""The keys that a person may write in each table, beside those of the plugin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from dataforge.core.registry import PluginKind
from dataforge.recipe.model import Output, Split, SplitName, WhereClause

NAME_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
MAX_NAME = 100

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=MAX_NAME)]
Texts = str | tuple[str, ...]

SCHEMA = 1
NO_SPLIT = Split()
ALL_OUTPUT = Output()


@dataclass(frozen=True, kw_only=True)
class RecipeKeys:
    """The keys that stand before the first table, and the tables that stand once."""

    name: Annotated[Name, Field(description="The name of what is built, and of its folder under builds/.")]
    seed: Annotated[int, Field(description="What is drawn depends on it, but for the split.")] = 0
    schema: Annotated[Literal[1], Field(description="The version of the recipe language.")] = SCHEMA
    include: Annotated[Texts, Field(description="Recipes whose tables come before this one's.")] = ()
    split: Annotated[Split, Field(description="How rows are divided, by group, when they are born.")] = NO_SPLIT
    output: Annotated[Output, Field(description="What a build publishes.")] = ALL_OUTPUT


@dataclass(frozen=True, kw_only=True)
class SourceKeys:
    """A `[[source]]`: files, and the plugin that reads them."""

    use: Annotated[str, Field(description="The source's name, or the path of a Python file: ./my_source.py")]
    name: Annotated[Name | None, Field(description="What the data calls it; by default as in `use`.")] = None
    files: Annotated[
        Texts | None,
        Field(description="Files, relative to the recipe; *, ? and ** are wildcards; package:NAME/… is in a package."),
    ] = None
    license: Annotated[str | None, Field(description="The licence of rows that bring none of their own.")] = None


@dataclass(frozen=True, kw_only=True)
class StepKeys:
    """A `[[step]]`: something done to the rows."""

    use: Annotated[str, Field(description="The step's name, or the path of a Python file: ./my_step.py")]
    name: Annotated[Name | None, Field(description="What reports call it; by default as in `use`.")] = None
    where: Annotated[WhereClause | None, Field(description="The rows it is shown; the others pass untouched.")] = None


@dataclass(frozen=True, kw_only=True)
class TrainKeys:
    """A `[[train]]`: a model made from the rows."""

    use: Annotated[str, Field(description="The trainer's name, or the path of a Python file: ./my_trainer.py")]
    name: Annotated[Name | None, Field(description="What other tables call it; by default as in `use`.")] = None
    model: Annotated[str, Field(description='The model to begin with: "tiny", a folder, or a hub id.')] = "tiny"
    data: Annotated[WhereClause | None, Field(description="The rows it is shown.")] = None
    policy: Annotated[str | None, Field(description="An earlier trainer whose model is trained further.")] = None
    reward: Annotated[str | None, Field(description="An earlier trainer whose model gives the rewards.")] = None


@dataclass(frozen=True, kw_only=True)
class EvalKeys:
    """An `[[eval]]`: models, and what is measured of them."""

    models: Annotated[Texts, Field(description='Trainers, "base", folders or hub ids.')]
    use: Annotated[Texts, Field(description="Names of metrics, or paths of Python files.")]
    baseline: Annotated[str | None, Field(description="The model that the others are compared with.")] = None
    split: Annotated[SplitName, Field(description="The rows that are asked.")] = "test"
    params: Annotated[dict[str, dict[str, Any]], Field(description="Keys of the metrics, a table for each.")] = field(
        default_factory=dict[str, dict[str, Any]]
    )


@dataclass(frozen=True, kw_only=True)
class GateKeys:
    """A `[[gate]]`: a number that must keep a bound, or the run fails."""

    metric: Annotated[str, Field(description="Metric and value, as in safety.over_refusal.")]
    max: Annotated[float | None, Field(description="The largest value that passes.")] = None
    min: Annotated[float | None, Field(description="The smallest value that passes.")] = None


# Tables that stand any number of times, and the kind of plugin that their `use` names.
ARRAYS: dict[str, type[Any]] = {
    "source": SourceKeys,
    "step": StepKeys,
    "train": TrainKeys,
    "eval": EvalKeys,
    "gate": GateKeys,
}
TABLES = ("split", "output", *ARRAYS)
PLUGIN_KINDS: dict[str, PluginKind] = {"source": "source", "step": "step", "train": "trainer", "eval": "metric"}
