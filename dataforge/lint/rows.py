"""Checks the rows of one batch for `forge lint`, column by column; and counts what only shows over many."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import sqrt

import polars as pl

from dataforge.core.schema import KINDS, kind_of_row
from dataforge.lint.codes import (
    BIASED_SHARE,
    LONG_CHARACTERS,
    MIN_ECHO_CHARACTERS,
    MIN_MESSAGES,
    MIN_PAIRS,
    SMALL_ROLE_SHARE,
)
from dataforge.text.keys import digests
from dataforge.text.select import each_message

# Characters as such, so that one pattern serves polars (Rust) and Python.
_CONTROLS = "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
_ZERO_WIDTH = "[\u00ad\u200b\u2060\ufeff]"
# UTF-8 read as Windows-1252 or Latin-1: punctuation, accented letters, signs, emoji. Words written in capitals, as
# "NÃO", and a closing French quote after "Â" are none.
_MOJIBAKE = "â€[˜™œ\x9d“”¦¢]|â\x80[\x93\x94\x98\x99\x9c\x9d\xa6]|Ã[\xa0-\xbf]|Â[\xa0-\xba\xbc-\xbf]|ðŸ"
_LOST = "\ufffd"
_PATTERNS = {
    "unprintable-character": _CONTROLS,
    "zero-width-character": _ZERO_WIDTH,
    "mojibake": _MOJIBAKE,
    "replacement-character": _LOST,
}
_BEYOND_ASCII = {"zero-width-character", "mojibake", "replacement-character", "not-nfc"}
_BLANKS = " \t\r\n\u00a0\u200b\ufeff"
_EXCERPT_BEFORE, _EXCERPT_AFTER = 30, 60
# 95 % on both sides.
_Z = 1.96


@dataclass(slots=True)
class Counts:
    """What is counted over all rows of a file."""

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    roles: dict[str, int] = field(default_factory=dict[str, int])
    pairs: int = 0
    chosen_longer: int = 0
    chosen_shorter: int = 0

    def add(self, drafts: pl.DataFrame) -> None:
        """Count some rows."""
        kinds = drafts.select(kind_of_row())["kind"].value_counts()
        for kind, rows in kinds.iter_rows():
            self.rows[kind] += rows
        said = each_message(drafts, "conversation", pl.element().struct.field("role"))
        for role, messages in said.explode(empty_as_null=False).value_counts().iter_rows():
            self.roles[role] = self.roles.get(role, 0) + messages
        lengths = best_and_worst(drafts).select(pl.col("best", "worst").str.len_chars())
        self.pairs += lengths.height
        self.chosen_longer += int((lengths["best"] > lengths["worst"]).sum())
        self.chosen_shorter += int((lengths["best"] < lengths["worst"]).sum())

    def findings(self) -> Iterator[tuple[str, str]]:
        """Give the codes that hold for the file as a whole, each with its numbers."""
        differ = self.chosen_longer + self.chosen_shorter
        most = max(self.chosen_longer, self.chosen_shorter)
        if differ >= MIN_PAIRS and lower_bound(most, differ) > BIASED_SHARE:
            how = "longer" if most == self.chosen_longer else "shorter"
            yield "length-bias", f"the better answer is the {how} one in {most / differ:.0%} of {differ:,} pairs"
        users, assistants = (self.roles.get(role, 0) for role in ("user", "assistant"))
        both = users + assistants
        if both >= MIN_MESSAGES and min(users, assistants) < SMALL_ROLE_SHARE * both:
            yield "uneven-roles", f"{users:,} messages by users, {assistants:,} by assistants"


def lower_bound(hits: int, total: int) -> float:
    """Give the lower end of the 95 % interval of a share (Wilson 1927)."""
    share = hits / total
    middle = share + _Z**2 / (2 * total)
    spread = _Z * sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    return (middle - spread) / (1 + _Z**2 / total)


def best_and_worst(drafts: pl.DataFrame) -> pl.DataFrame:
    """Give the texts of the best and of the worst answer of every row whose answers differ in rank.

    Args:
        drafts: Rows, schema `core.schema.DRAFT`.

    Returns:
        Columns `row` (place in the drafts), `best`, `worst`.
    """
    pairs = drafts.select("responses", kind_of_row()).with_row_index("row").filter(pl.col("kind") == "preference")
    ranked = pl.col("responses").list.eval(pl.element().sort_by(pl.element().struct.field("rank"), maintain_order=True))
    return pairs.select("row", best=_text(ranked.list.first()), worst=_text(ranked.list.last()))


def _text(response: pl.Expr) -> pl.Expr:
    content = pl.element().struct.field("content").fill_null("")
    return response.struct.field("messages").list.eval(content).list.join("\n\n")


@dataclass(frozen=True, slots=True)
class Flag:
    """A code that holds for some rows of a batch.

    Args:
        code: Its name.
        rows: Places in the drafts, in order, each once.
        excerpts: What to show of the first of them.
    """

    code: str
    rows: pl.Series
    excerpts: list[str]


def check_rows(drafts: pl.DataFrame, shown: int) -> Iterator[Flag]:
    """Find what is wrong with single rows.

    Args:
        drafts: Rows, schema `core.schema.DRAFT`.
        shown: How many excerpts to make for each code.

    Yields:
        One flag for each code, in a fixed order; one that holds for no row is empty.
    """
    messages = _messages(drafts)
    beyond = messages.filter(pl.col("content").str.len_bytes() != pl.col("content").str.len_chars())
    for code, pattern in _PATTERNS.items():
        among = beyond if code in _BEYOND_ASCII else messages
        yield _flag(code, among.filter(pl.col("content").str.contains(pattern)), shown, pattern)
    denormal = [not unicodedata.is_normalized("NFC", text) for text in beyond["content"]]
    yield _flag("not-nfc", beyond.filter(pl.Series(denormal, dtype=pl.Boolean)), shown)
    says_nothing = (pl.col("content").str.strip_chars(_BLANKS) == "") & ~pl.col("calls")
    yield _flag("empty-message", messages.filter(says_nothing), shown)
    yield _flag("long-message", messages.filter(pl.col("content").str.len_chars() > LONG_CHARACTERS), shown)
    pairs = best_and_worst(drafts)
    plain = [
        pl.col(side).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars() for side in ("best", "worst")
    ]
    alike = pairs.filter((pl.col("best").str.len_bytes() > 0) & (plain[0] == plain[1]))
    yield _flag("same-but-for-blanks", alike.rename({"best": "content"}), shown)
    yield _flag("echoed-prompt", _echoes(drafts), shown)


def _messages(drafts: pl.DataFrame) -> pl.DataFrame:
    """Give all messages, one a line: `row`, `content`, and whether it calls tools."""
    rows = drafts.with_row_index("row")
    answers = rows.select("row", "responses").explode("responses", empty_as_null=False)
    said = pl.concat(
        [
            rows.select("row", said="prompt"),
            answers.select("row", said=pl.col("responses").struct.field("messages")),
        ]
    ).explode("said", empty_as_null=False)
    message = pl.col("said").struct
    return said.select(
        "row", content=message.field("content").fill_null(""), calls=message.field("tool_calls").is_not_null()
    )


def _echoes(drafts: pl.DataFrame) -> pl.DataFrame:
    answers = pl.col("responses").list.first()
    last = pl.col("prompt").list.last()
    said = drafts.with_row_index("row").select(
        "row",
        role=last.struct.field("role"),
        asked=last.struct.field("content").str.strip_chars(),
        content=_text(answers).str.strip_chars(),
    )
    is_echo = (pl.col("asked") == pl.col("content")) & (pl.col("content").str.len_chars() >= MIN_ECHO_CHARACTERS)
    return said.filter(is_echo & (pl.col("role") == "user"))


def _flag(code: str, found: pl.DataFrame, shown: int, pattern: str | None = None) -> Flag:
    """Keep each row once, the first message of it to show."""
    rows = found.unique("row", keep="first", maintain_order=True).sort("row")
    excerpts = [_around(text, pattern) for text in rows["content"].head(shown)]
    return Flag(code, rows["row"], excerpts)


def _around(text: str, pattern: str | None) -> str:
    match = re.search(pattern, text) if pattern else None
    start = max(match.start() - _EXCERPT_BEFORE, 0) if match else 0
    return ("… " if start else "") + text[start : start + _EXCERPT_BEFORE + _EXCERPT_AFTER]


def row_keys(drafts: pl.DataFrame) -> pl.DataFrame:
    """Give numbers that are equal where rows, prompts or answers are: all that is kept of a row.

    Args:
        drafts: Rows, schema `core.schema.DRAFT`.

    Returns:
        Columns `row_key`, `prompt_key`, and for pairs `chosen_key` and `rejected_key`, 64 bits each; null where
        nothing is said.
    """
    keys = {
        "row_key": digests(drafts, "row", ignore_case=False, ignore_whitespace=False),
        "prompt_key": digests(drafts, "prompt", ignore_case=False, ignore_whitespace=False),
    }
    numbers = drafts.select(kind_of_row(), answers=pl.col("responses").list.len())
    is_pair = (numbers["kind"] == "preference") & (numbers["answers"] == 2)
    for side in ("chosen", "rejected"):
        key = pl.Series([None] * drafts.height, dtype=pl.Binary)
        if is_pair.any():
            said = digests(drafts.filter(is_pair), side, ignore_case=False, ignore_whitespace=False)
            key = key.scatter(is_pair.arg_true(), said)
        keys[f"{side}_key"] = key
    frame = pl.DataFrame(keys)
    return frame.select(pl.when(pl.col(name).is_not_null()).then(pl.col(name).hash()).alias(name) for name in keys)
