"""Makes rows of records by naming their columns: which one holds the prompt, which one the response."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

import orjson
from pydantic import Field

from dataforge.core.codes import Code
from dataforge.reading.drafts import Message, Parsed, RecordFaultError, Response, RowDraft
from dataforge.reading.fields import Fields, a_number, kind_of
from dataforge.reading.paths import FieldPath, Template, parse_column, parse_path
from dataforge.reading.replies import REPLY_CODES, group_of, pair, prompt_of, ranked, reply_of, split_pair, with_system
from dataforge.reading.structure import in_order, split_at_answer, without_open_end
from dataforge.reading.turns import read_tools, read_turns

MAPPING_CODES: tuple[Code, ...] = (
    *REPLY_CODES,
    Code("unequal-lengths", "There are more responses than scores or ranks, or fewer."),
    Code(
        "response-left-out",
        "One of several responses is blank, or its score or rank is no number.",
        repair="That response is left out.",
    ),
    Code("too-few-responses", "Fewer than two responses can be compared."),
)

PromptColumn = Annotated[str | None, Field(description="Column, path or template of the prompt: text or turns.")]
ResponseColumn = Annotated[str | None, Field(description="Column of the one response: text or turns.")]
ChosenColumn = Annotated[str | None, Field(description="Column of the better response of a pair.")]
RejectedColumn = Annotated[str | None, Field(description="Column of the worse response of a pair.")]
ResponsesColumns = Annotated[
    str | tuple[str, ...] | None, Field(description="Column with a list of responses, or several columns.")
]
ScoresColumns = Annotated[
    str | tuple[str, ...] | None, Field(description="A number for each response; more is better, ties share a rank.")
]
RanksColumns = Annotated[
    str | tuple[str, ...] | None, Field(description="A number for each response; less is better, ties share a rank.")
]
MessagesColumn = Annotated[str | None, Field(description="Column of a whole conversation: a list of turns.")]
SystemColumn = Annotated[str | None, Field(description="Column of a system message.")]
ToolsColumn = Annotated[str | None, Field(description="Column of the tools that may be called: a JSON list.")]
GroupColumn = Annotated[
    str | None, Field(description="Column that says which rows no split may part; else the first question does.")
]
UrlColumn = Annotated[str | None, Field(description="Column of the URL that a row came from.")]
AuthorColumn = Annotated[str | None, Field(description="Column of the author.")]
LicenseColumn = Annotated[str | None, Field(description="Column of the license; else the license of the source.")]
ScoreColumn = Annotated[str | None, Field(description="Column of a score of the one response.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Which column holds what; each name is a path or a template as `reading.paths` reads them."""

    prompt: str | None = None
    response: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    responses: str | tuple[str, ...] | None = None
    scores: str | tuple[str, ...] | None = None
    ranks: str | tuple[str, ...] | None = None
    messages: str | None = None
    system: str | None = None
    tools: str | None = None
    group: str | None = None
    url: str | None = None
    author: str | None = None
    license_column: str | None = None
    score: str | None = None


def columns_of(plugin: Any) -> Columns:
    """Take the columns from a source whose fields have the same names."""
    return Columns(**{field.name: getattr(plugin, field.name) for field in dataclasses.fields(Columns)})


class RowMaker:
    """Makes one row of each record.

    Args:
        columns: Which column holds what.
        license: The license of rows that name none.
        author: The author of rows that name none.

    Raises:
        ValueError: The columns contradict each other, are too few to make a row of, or are no paths.
    """

    def __init__(self, columns: Columns, *, license: str | None = None, author: str | None = None) -> None:  # noqa: A002
        _check(columns)
        self._columns = columns
        self._license = license
        self._author = author
        self._told: set[str] = set()
        self._parsed = {
            name: _parse(name, value) for name, value in dataclasses.asdict(columns).items() if value is not None
        }
        self._make = self._shape()

    def __call__(self, record: Any) -> Parsed:
        """Make the row of a record.

        Args:
            record: A parsed JSON value.

        Returns:
            One row, and the codes of what was repaired, each once.

        Raises:
            RecordFaultError: The record is none that a row can be made of.
        """
        if not isinstance(record, dict):
            raise RecordFaultError("not-an-object", f"the record is {kind_of(record)}")
        fields = Fields(cast("dict[str, Any]", record), self._told)
        prompt, responses = self._make(fields)
        tools = read_tools(fields.value(self._path("tools"))) if self._columns.tools else None
        license_ = fields.word(self._column("license_column"))
        row = RowDraft(
            group=fields.word(self._column("group")) or group_of(prompt, responses),
            prompt=prompt,
            responses=responses,
            tools=tools,
            url=fields.word(self._column("url")),
            author=fields.word(self._column("author")) or self._author,
            license=license_.lower() if license_ else self._license,
        )
        return Parsed([row], list(dict.fromkeys(fields.repairs)))

    def _shape(self) -> Callable[[Fields], tuple[list[Message], list[Response]]]:
        columns = self._columns
        if columns.messages is not None:
            return self._conversation
        if columns.responses is not None:
            return self._several
        if columns.chosen is not None:
            return self._pair if columns.prompt is not None else self._whole_pair
        return self._one

    def _one(self, fields: Fields) -> tuple[list[Message], list[Response]]:
        prompt = self._prompt(fields)
        if self._columns.response is None:
            return prompt, []
        reply = reply_of(self._said(fields, self._parsed["response"]), fields.repairs, prompt)
        score = a_number(fields.value(self._path("score"))) if self._columns.score else None
        return prompt, [Response(reply, 0, score)]

    def _pair(self, fields: Fields) -> tuple[list[Message], list[Response]]:
        prompt = self._prompt(fields)
        chosen, rejected = (
            reply_of(self._said(fields, self._parsed[side]), fields.repairs, prompt) for side in ("chosen", "rejected")
        )
        return prompt, pair(chosen, rejected)

    def _whole_pair(self, fields: Fields) -> tuple[list[Message], list[Response]]:
        sides = [self._said(fields, self._parsed[side]) for side in ("chosen", "rejected")]
        if any(side is None for side in sides):
            raise RecordFaultError("empty-response", "null")
        prompt, chosen, rejected = split_pair(sides[0], sides[1], fields.repairs)
        return with_system(prompt, self._system(fields)), pair(chosen, rejected)

    def _conversation(self, fields: Fields) -> tuple[list[Message], list[Response]]:
        turns = fields.value(self._path("messages"))
        messages = in_order(read_turns(_turns(turns), fields.repairs), "merge", fields.repairs)
        whole = without_open_end(messages, fields.repairs)
        if not whole:
            raise RecordFaultError("no-answer")
        prompt, answer = split_at_answer(whole)
        score = a_number(fields.value(self._path("score"))) if self._columns.score else None
        return with_system(prompt, self._system(fields)), [Response(answer, 0, score)]

    def _several(self, fields: Fields) -> tuple[list[Message], list[Response]]:
        prompt = self._prompt(fields)
        values = self._values(fields, "responses")
        by = next((name for name in ("scores", "ranks") if name in self._parsed), None)
        numbers = [a_number(number) for number in self._values(fields, by)] if by else [0.0] * len(values)
        if len(numbers) != len(values):
            raise RecordFaultError("unequal-lengths", f"{len(values)} responses, {len(numbers)} {by}")
        replies: list[list[Message]] = []
        keys: list[float] = []
        for value, number in zip(values, numbers, strict=True):
            if number is None or value is None or (isinstance(value, str) and not value.strip()):
                fields.repairs.append("response-left-out")
                continue
            replies.append(reply_of(value, fields.repairs, prompt))
            keys.append(number)
        if len(replies) < 2:
            raise RecordFaultError("too-few-responses", f"{len(replies)} of {len(values)}")
        # Without scores or ranks nothing says which is better: they share rank 0, and have no score.
        return prompt, ranked(replies, keys, are_scores=by == "scores")

    def _prompt(self, fields: Fields) -> list[Message]:
        system = self._system(fields)
        if self._columns.prompt is None:
            return with_system([], system)
        return prompt_of(self._said(fields, self._parsed["prompt"]), fields.repairs, system)

    def _system(self, fields: Fields) -> str:
        return fields.word(self._column("system")) or ""

    def _said(self, fields: Fields, column: Any) -> Any:
        """Give text or turns."""
        if isinstance(column, Template):
            return fields.text(column)
        value = fields.value(column)
        if isinstance(value, list | dict):
            return cast("Any", value)
        return fields.as_text(value, column.name)

    def _values(self, fields: Fields, name: str) -> list[Any]:
        column = self._parsed[name]
        if isinstance(column, FieldPath):
            return fields.items(column)
        return [fields.value(path) for path in cast("Sequence[FieldPath]", column)]

    def _column(self, name: str) -> FieldPath | Template | None:
        return cast("FieldPath | Template | None", self._parsed.get(name))

    def _path(self, name: str) -> FieldPath:
        return cast("FieldPath", self._parsed[name])


_TEMPLATES = {"prompt", "response", "chosen", "rejected", "system", "group", "url", "author", "license_column"}
_ANSWERS = ("response", "responses", "chosen", "messages")


def _parse(name: str, value: str | Sequence[str]) -> FieldPath | Template | tuple[FieldPath, ...]:
    if not isinstance(value, str):
        return tuple(parse_path(item) for item in value)
    return parse_column(value) if name in _TEMPLATES else parse_path(value)


def _check(columns: Columns) -> None:
    given = {name for name, value in dataclasses.asdict(columns).items() if value is not None}
    answers = [name for name in _ANSWERS if name in given]
    if not given & {"prompt", *_ANSWERS, "rejected"}:
        msg = "no column is named: give prompt and response, or chosen and rejected, or messages, or prompt alone"
        raise ValueError(msg)
    if len(answers) > 1:
        msg = f"{answers[0]} and {answers[1]} are both named, and a row has one of them"
        raise ValueError(msg)
    for name, partner in (("chosen", "rejected"), ("rejected", "chosen"), ("responses", "prompt")):
        if name in given and partner not in given:
            msg = f"{name} is named without {partner}"
            raise ValueError(msg)
    if "messages" in given and "prompt" in given:
        msg = "messages and prompt are both named, and the prompt is a part of the messages"
        raise ValueError(msg)
    _check_numbers(columns, given)


def _check_numbers(columns: Columns, given: set[str]) -> None:
    if "scores" in given and "ranks" in given:
        msg = "scores and ranks are both named, and either is an order"
        raise ValueError(msg)
    for name, numbers in (("scores", columns.scores), ("ranks", columns.ranks)):
        if numbers is None:
            continue
        if columns.responses is None:
            msg = f"{name} is named without responses"
            raise ValueError(msg)
        if _width(numbers) != _width(columns.responses):
            msg = f"{name} names {_width(numbers)}, and responses {_width(columns.responses)}"
            raise ValueError(msg)
    if "score" in given and not given & {"response", "messages"}:
        msg = "score is named without response or messages"
        raise ValueError(msg)


def _width(names: str | tuple[str, ...]) -> str:
    return "one column" if isinstance(names, str) else f"{len(names)} columns"


def _turns(value: Any) -> list[Any]:
    """Take a list of turns; a table holds it as JSON text."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise RecordFaultError("wrong-type", f"the messages are text, and no JSON: {error}") from error
    if not isinstance(value, list):
        raise RecordFaultError("wrong-type", f"the messages are {kind_of(value)}, not a list")
    return cast("list[Any]", value)
