"""A plugin's parameters: made from recipe keys, checked strictly, told apart from thresholds."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from dataforge.core.plugin import THRESHOLD


@dataclass(frozen=True, slots=True)
class ParamProblem:
    """One thing wrong with a plugin's parameters: the path of keys that leads to it, and what it is."""

    path: tuple[str | int, ...]
    message: str
    is_unknown_key: bool = False
    is_missing_key: bool = False


def param_names(plugin: type[Any]) -> list[str]:
    """List the recipe keys of a plugin."""
    return [field.name for field in dataclasses.fields(plugin)]


def threshold_names(plugin: type[Any]) -> set[str]:
    """List the keys that only `decide` reads."""
    hints = get_type_hints(plugin, include_extras=True)
    return {name for name in param_names(plugin) if THRESHOLD in getattr(hints[name], "__metadata__", ())}


def build(plugin: type[Any], values: Mapping[str, Any]) -> tuple[Any | None, list[ParamProblem]]:
    """Make a plugin from recipe values; or say everything that is wrong with them.

    The values are checked as JSON: a TOML integer may stand for a float, an array for a tuple, and nothing else
    is converted.

    Args:
        plugin: The plugin's class.
        values: Recipe keys and their values.

    Returns:
        The plugin and no problems, or None and the problems.
    """
    from pydantic import ValidationError  # 0.1 s of import that `forge --help` does not pay

    try:
        text = json.dumps(dict(values), allow_nan=False)
    except (TypeError, ValueError) as error:
        return None, [ParamProblem((), f"a value is not a string, number, boolean, array or table: {error}")]
    try:
        return _adapter(plugin).validate_json(text, strict=True), []
    except ValidationError as failure:
        return None, [_problem(error) for error in failure.errors(include_url=False)]


def params_of(instance: Any) -> dict[str, Any]:
    """Give all parameters of a plugin as JSON values, defaults included."""
    return _adapter(_class_of(instance)).dump_python(instance, mode="json")


def measured_params(instance: Any) -> dict[str, Any]:
    """Give the parameters that a measurement depends on: all but the thresholds."""
    hidden = threshold_names(_class_of(instance))
    return {name: value for name, value in params_of(instance).items() if name not in hidden}


def json_schema(plugin: type[Any]) -> dict[str, Any]:
    """Give the JSON Schema of a plugin's keys."""
    return _adapter(plugin).json_schema()


def _class_of(instance: object) -> type[Any]:
    return type(instance)


@functools.cache
def _adapter(plugin: type[Any]) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    if "__pydantic_config__" not in vars(plugin):
        plugin.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(plugin)


def _problem(error: Any) -> ParamProblem:
    kind = error["type"]
    path = tuple(error["loc"])
    unknown = kind in {"unexpected_keyword_argument", "extra_forbidden"}
    missing = kind in {"missing", "missing_argument"}
    cause = error.get("ctx", {}).get("error")
    message = str(cause) if kind == "value_error" and cause is not None else error["msg"][0].lower() + error["msg"][1:]
    return ParamProblem(path, message, unknown, missing)
