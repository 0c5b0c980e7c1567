"""Parameters are checked strictly, and thresholds are told apart."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dataforge.core.params import build, json_schema, measured_params, params_of
from dataforge.core.plugin import THRESHOLD


@dataclass(frozen=True, kw_only=True)
class Sieve:
    """A plugin for these tests."""

    version: ClassVar[int] = 1

    on: Annotated[str, Field(description="Which messages.")] = "user"
    unit: Annotated[Literal["words", "characters"], Field(description="What is counted.")] = "words"
    min: Annotated[int | None, Field(description="The least.", ge=0), THRESHOLD] = None
    share: Annotated[float, Field(description="A share.")] = 0.5
    words: Annotated[tuple[str, ...], Field(description="Words.")] = ()

    def __post_init__(self) -> None:
        if self.min == 13:
            msg = f"min ({self.min}) is unlucky"
            raise ValueError(msg)


def problems_of(**values):
    plugin, problems = build(Sieve, values)
    assert plugin is None
    return problems


def test_toml_values_become_a_plugin():
    plugin, problems = build(Sieve, {"min": 3, "share": 1, "words": ["a", "b"]})

    assert problems == []
    assert plugin == Sieve(min=3, share=1.0, words=("a", "b"))


def test_a_string_is_no_number_and_a_boolean_no_integer():
    assert [problem.path for problem in problems_of(min="3")] == [("min",)]
    assert [problem.path for problem in problems_of(min=True)] == [("min",)]


def test_all_problems_come_at_once_and_an_unknown_key_is_marked():
    problems = problems_of(on=3, unit="lines", minimum=1)

    assert {problem.path: problem.is_unknown_key for problem in problems} == {
        ("on",): False,
        ("unit",): False,
        ("minimum",): True,
    }


def test_what_the_plugin_itself_refuses_is_a_problem_in_its_own_words():
    assert [problem.message for problem in problems_of(min=13)] == ["min (13) is unlucky"]


def test_thresholds_are_no_part_of_a_measurement():
    low, high = Sieve(min=1), Sieve(min=9)

    assert params_of(low) != params_of(high)
    assert measured_params(low) == measured_params(high)
    assert "min" not in measured_params(low)


def test_a_date_is_a_problem_and_no_traceback():
    import datetime as dt

    plugin, problems = build(Sieve, {"on": dt.date(2020, 1, 1)})

    assert plugin is None
    assert "string, number, boolean" in problems[0].message


def test_the_schema_flags_unknown_keys_and_describes_known_ones():
    schema = json_schema(Sieve)

    assert schema["additionalProperties"] is False
    assert schema["properties"]["on"]["description"] == "Which messages."
