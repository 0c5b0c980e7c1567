"""Quora question pairs: questions, and which of them mean the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import Message, OnError, Parsed, RecordFaultError, RowDraft
from dataforge.reading.fields import FIELD_CODES, Fields
from dataforge.reading.json_values import Broken
from dataforge.reading.paths import parse_path
from dataforge.reading.tables import TABLE_CODES, Dialect, read_table, table_records
from dataforge.reading.turns import is_blank

_DIALECT = Dialect("\t")
_PATHS = [(parse_path(f"question{number}"), parse_path(f"qid{number}")) for number in (1, 2)]


@dataclass(frozen=True, kw_only=True)
class Quora:
    """Quora question pairs (`quora_duplicate_questions.tsv`): prompts without responses.

    A pair of questions is no question with an answer, so a record gives two rows of prompts, one for each question. A
    question comes up in many pairs: exact dedup keeps one of its rows. Questions that are marked as duplicates, and
    the duplicates of those, are one group, so that no split parts them. The file is read twice for that, and the ids
    of all questions are held in memory (about 100 bytes each).

    Quora's terms of service apply and name no license: say one in the recipe.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *TABLE_CODES,
        *FIELD_CODES,
        Code(
            "question-left-out",
            "One question of the pair is blank.",
            repair="The other one alone becomes a row.",
        ),
    )
    gives: ClassVar[frozenset[str]] = frozenset({"prompt"})

    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read the tab-separated table: once for the groups, once for the rows."""
        group_of = _groups(file.path)
        told: set[str] = set()

        def parse(record: dict[str, str]) -> Parsed:
            fields = Fields(record, told)
            parsed = Parsed()
            for text_column, id_column in _PATHS:
                text = fields.text(text_column)
                group = group_of.get(fields.text(id_column), "")
                if not group:
                    raise RecordFaultError("missing-column", f"'{id_column.name}' is blank")
                if is_blank(text):
                    parsed.repairs.append("question-left-out")
                else:
                    parsed.rows.append(RowDraft(group, [Message("user", text)], []))
            if not parsed.rows:
                raise RecordFaultError("empty-prompt", "both questions are blank")
            return parsed

        return read_table(file, self.codes, self.on_error, parse, _DIALECT)


def _groups(path: Path) -> dict[str, str]:
    """Give each question the name of its group: the first question of those that are linked by duplicates."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for item in table_records(path, _DIALECT):
        if isinstance(item, Broken):
            continue
        cells = item[1]
        one, other = cells.get("qid1", ""), cells.get("qid2", "")
        for name in filter(None, (one, other)):
            leader.setdefault(name, name)
        if one and other and cells.get("is_duplicate") == "1":
            first, second = find(one), find(other)
            leader[max(first, second)] = min(first, second)
    return {name: find(name) for name in leader}


SOURCE: type[Source] = Quora
