"""What records of known datasets look like: from the names and values of their columns to the source for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Record = Mapping[str, Any]
Container = Literal["json", "parquet", "csv"]


@dataclass(frozen=True, slots=True)
class Guess:
    """Which source reads a file, and how.

    Args:
        use: The source's name.
        params: Its parameters; those left out have their defaults.
        why: What in the file says so, for a person.
    """

    use: str
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Shape:
    """The mark of a known dataset: the source that reads it, a test of one record, and what it shows."""

    use: str
    fits: Callable[[Record], bool]
    why: str


TURN_LISTS = ("conversations", "messages", "conversation", "items")
_SPEAKER = re.compile(r"(?:^|\n\n)(?:Human|Assistant):")


def _has(*names: str) -> Callable[[Record], bool]:
    return lambda record: record.keys() >= {*names}


def _has_any(*shapes: Callable[[Record], bool]) -> Callable[[Record], bool]:
    return lambda record: any(shape(record) for shape in shapes)


def _is_rated(record: Record) -> bool:
    completions = objects_in(record.get("completions"))
    return "instruction" in record and bool(completions) and "annotations" in completions[0]


def _is_transcript_pair(record: Record) -> bool:
    sides = [record.get(side) for side in ("chosen", "rejected")]
    return "prompt" not in record and any(isinstance(side, str) and _SPEAKER.search(side) for side in sides)


def _is_instruction(record: Record) -> bool:
    has_output = isinstance(record.get("output"), str) or any(
        "output" in item for item in objects_in(record.get("instances"))
    )
    return isinstance(record.get("instruction"), str) and has_output and "chosen" not in record


def _is_article(record: Record) -> bool:
    return record.keys() >= {"title", "text"} and "wikipedia.org/" in str(record.get("url"))


def _is_conversation(record: Record) -> bool:
    # Whole conversations on both sides of a pair are no replies: the source `trl` finds what they share.
    return not isinstance(record.get("chosen"), list) and any(are_turns(record.get(name)) for name in TURN_LISTS)


def _is_trl(record: Record) -> bool:
    if record.keys() >= {"chosen", "rejected"}:
        return not any(are_turns(record.get(name)) for name in ("conversations", "conversation", "items"))
    return record.keys() >= {"prompt", "completion"} or record.keys() >= {"prompt", "completions", "labels"}


def _is_table_chat(record: Record) -> bool:
    return are_turns(record.get("messages"))


# The first that fits wins: the most particular stand first.
_SHAPES: tuple[_Shape, ...] = (
    _Shape(
        "openassistant",
        _has_any(_has("message_tree_id"), _has("thread_id"), _has("message_id", "parent_id", "role")),
        "its records are message trees, threads or messages, as OpenAssistant has them",
    ),
    _Shape("ultrafeedback", _is_rated, "its records have 'completions' with 'annotations', as UltraFeedback has"),
    _Shape(
        "webgpt", _has("question", "answer_0", "answer_1", "score_0"), "it has 'answer_0' and 'answer_1', as WebGPT has"
    ),
    _Shape("dolly", _has("instruction", "context", "response", "category"), "it has the four columns of Dolly 15k"),
    _Shape(
        "pubmedqa",
        _has_any(_has("QUESTION", "LONG_ANSWER"), _has("question", "long_answer", "pubid")),
        "its records have a question and a long answer, as PubMedQA has",
    ),
    _Shape("quora", _has("qid1", "qid2", "question1", "question2"), "its records are pairs of Quora questions"),
    _Shape("wikipedia", _is_article, "its records are articles with the address of a Wikipedia"),
    _Shape(
        "the_stack",
        _has_any(_has("content", "max_stars_repo_path"), _has("content", "detected_licenses")),
        "its records are source files with licenses, as The Stack has them",
    ),
    _Shape(
        "codesearchnet",
        _has_any(_has("docstring", "code", "repo"), _has("func_code_string"), _has("idx", "doc", "code")),
        "its records are functions and what they do, as CodeSearchNet or CoSQA has them",
    ),
    _Shape("hh_rlhf", _is_transcript_pair, "'chosen' and 'rejected' are transcripts with 'Human:' and 'Assistant:'"),
    _Shape("alpaca", _is_instruction, "its records have 'instruction' and 'output', as Alpaca has"),
    _Shape("sharegpt", _is_conversation, "its records have a list of turns"),
    _Shape("trl", _is_trl, "its columns are those of a dataset type of TRL"),
    _Shape("trl", _is_table_chat, "its records have 'messages', a list of turns"),
)

# Datasets that are one large object: what the file begins with, and a word in it.
_MEMBERS: tuple[tuple[str, re.Pattern[bytes], bytes, str], ...] = (
    (
        "pubmedqa",
        re.compile(rb'\{\s*"\d+"\s*:\s*\{'),
        b'"QUESTION"',
        "it is one object with a question for each PubMed id",
    ),
    ("cuad", re.compile(rb'\{\s*"(?:version|data)"'), b"aok_v1.0", "it is CUAD in the form of SQuAD"),
    ("cuad", re.compile(rb'\{\s*"(?:version|data)"'), b"of this contract", "it is CUAD in the form of SQuAD"),
)


def known_object(text: bytes) -> list[Guess]:
    """List the sources for a file that is one large object with the records inside, by its beginning."""
    return [
        Guess(use, {}, why) for use, opening, word, why in _MEMBERS if opening.match(text) is not None and word in text
    ]


def is_red_team(record: Record) -> bool:
    """Tell the red-team tranche of HH-RLHF: single transcripts with a rating, and no pairs."""
    return "transcript" in record and not {"chosen", "rejected"} & record.keys()


def known_shapes(records: Sequence[Record]) -> list[Guess]:
    """List the sources made for such records, the best first.

    Args:
        records: The first records of a file; a source fits when it fits half of them.

    Returns:
        Sources that need no parameters for these records; empty where no shape fits.
    """
    return [Guess(shape.use, {}, shape.why) for shape in _SHAPES if 2 * sum(map(shape.fits, records)) >= len(records)]


def are_turns(value: Any) -> bool:
    """Tell a list of turns, each an object that names its speaker."""
    turns = objects_in(value)
    return bool(turns) and all({"from", "role"} & turn.keys() for turn in turns[:4])


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Give the objects of a list; none where it is no list."""
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
