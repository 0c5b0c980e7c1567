"""Builders of rows and frames for the tests of steps and of text; a builder names only what matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from dataforge.core.schema import ROLES, ROW, kind_of_row

ROLE_OF = {"human": "user", "gpt": "assistant", "system": "system"}
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"

# A frame costs polars milliseconds where plain text costs microseconds: half of the profile's examples, and no deadline.
DEAR = settings(max_examples=settings.default.max_examples // 2, deadline=None)

# Letters, marks and spaces of many kinds, so that the rules of Unicode meet one another.
ODD_TEXT = st.text(
    st.sampled_from(
        "ab AB.\t\n\r\x00\x0b\x1f`~-1é\u0301\u0308\u00a0\u200b\u200d\u2028\u3000\ufeffÅΣς中文のß😀\u1fef\uff40"
    ),
    max_size=24,
)


def message(role: str, content: str | None, **known: str | None) -> dict[str, Any]:
    empty = dict.fromkeys(("name", "tool_calls", "tool_call_id", "train"))
    return {"role": role, "content": content, **empty, **known}


def response(*contents: str, rank: int = 0, messages: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    said = [message("assistant", content) for content in contents] if messages is None else messages
    return {"messages": said, "rank": rank, "score": None, "author": None, "url": None, "license": None}


def row(prompt: Any = "Hello?", responses: Any = "Hi.", **known: Any) -> dict[str, Any]:
    """Make a row from strings, or from messages and responses where these matter."""
    said = [message("user", prompt)] if isinstance(prompt, str) else prompt
    answers = [response(responses)] if isinstance(responses, str) else responses
    origin = {"corpus": known.pop("corpus", "chat"), "path": "chat.json"}
    named = {"row_id": "r", "group_id": "g", "split": "train", "license": "cc0-1.0", "tools": None, "parent_id": None}
    return {**named, "prompt": said, "responses": answers, "origin": origin, **known}


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """Put rows into a frame; a row that got no id is named by its place."""
    named = [
        {**each, "row_id": f"r{place}" if each["row_id"] == "r" else each["row_id"]} for place, each in enumerate(rows)
    ]
    named = [{**each, "group_id": each["row_id"] if each["group_id"] == "g" else each["group_id"]} for each in named]
    return pl.DataFrame(named, schema=ROW)


def frame_of(*prompts: str) -> pl.DataFrame:
    return frame(*(row(prompt) for prompt in prompts))


def evidence(step: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Give the evidence of a corpus filter as the engine shows it: what the row is, before what was measured."""
    who = rows.select(
        "row_id", "group_id", "split", pl.col("origin").struct.field("corpus").alias("corpus"), kind_of_row()
    )
    return pl.concat([who, step.measure(rows)], how="horizontal")


def dropped(step: Any, rows: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Run a corpus filter, or a filter, on whole rows: row_id of each dropped row, and its drop."""
    shown = evidence(step, rows) if getattr(step, "is_corpus_wide", False) else step.measure(rows)
    return {rows["row_id"][drop["index"]]: drop for drop in step.decide(shown).iter_rows(named=True)}


def messages(texts: st.SearchStrategy[str] = ODD_TEXT) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(message, st.sampled_from(ROLES), texts)


@st.composite
def frames(draw: st.DrawFn, texts: st.SearchStrategy[str] = ODD_TEXT, max_rows: int = 6) -> pl.DataFrame:
    """Draw frames of rows with several messages, several responses and shared groups, in three splits."""
    said = st.lists(messages(texts), max_size=4)
    answers = st.lists(
        st.builds(lambda said, rank: response(messages=said, rank=rank), said, st.integers(0, 2)), max_size=3
    )
    rows = st.builds(
        row,
        prompt=said,
        responses=answers,
        group_id=st.sampled_from(["a", "b", "c", "d"]),
        split=st.sampled_from(["train", "validation", "test"]),
        corpus=st.sampled_from(["chat", "forum"]),
    )
    return frame(*draw(st.lists(rows, max_size=max_rows)))


def real_pairs() -> pl.DataFrame:
    """Read the real preference pairs kept beside the repository; the test skips where they are not."""
    file = DATA / "llama-factory-demos" / "dpo_en_demo.json"
    if not file.is_file():
        pytest.skip("no real pairs beside the repository")
    rows = []
    for place, record in enumerate(orjson.loads(file.read_bytes())):
        said = [message(ROLE_OF[turn["from"]], turn["value"]) for turn in record["conversations"]]
        answers = [response(record["chosen"]["value"]), response(record["rejected"]["value"], rank=1)]
        rows.append(row(said, answers, row_id=f"{place:05}"))
    return frame(*rows)
