"""Finds listed words, or regular expressions, in texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from dataforge.core.errors import RecipeError, Where
from dataforge.text.words import UNSPACED

# A pattern of more words is slow to compile, and one of 20,000 is refused; 2,000 cost one pass of 0.3 s per 100 MB.
_WORDS_A_PATTERN = 2000

# Not `\b`: it makes the engine 30 times slower on text beyond ASCII. Characters of scripts that put no
# spaces are borders too, so that a Latin word within a Chinese sentence is found.
_BEFORE, _AFTER = rf"(?:^|[\W{UNSPACED}])", rf"(?:[\W{UNSPACED}]|$)"
_unspaced = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def read_words(path: Path) -> list[tuple[str, Where]]:
    """Read a word list: one word, phrase or pattern a line; blank lines and lines that begin with # say nothing.

    Args:
        path: A text file, UTF-8.

    Returns:
        The words, each with its place.

    Raises:
        RecipeError: The file is not UTF-8, or cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"a word list must be UTF-8: {error.reason}",
            where=Where(path, byte=error.start),
            fix="save the file as UTF-8",
        ) from error
    except OSError as error:
        raise RecipeError(
            f"cannot read the word list: {error.strerror}", where=Where(path), fix="mend the path"
        ) from error
    words = ((line.strip(), Where(path, number)) for number, line in enumerate(lines, start=1))
    return [(word, where) for word, where in words if word and not word.startswith("#")]


def check_pattern(pattern: str) -> None:
    """Refuse a regular expression that the engine cannot read.

    Args:
        pattern: As the recipe, or a word list, has it.

    Raises:
        ValueError: With the pattern, and what the engine says of it.
    """
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        reason = str(error).split("\n\nThis error occurred")[0].strip().split("\n")[-1].removeprefix("error: ")
        msg = f"'{pattern}' is no regular expression (Rust syntax): {reason}"
        raise ValueError(msg) from error


def word_patterns(words: Sequence[str], *, whole_words: bool, ignore_case: bool) -> list[str]:
    """Write the patterns that find the words; spaces within a phrase stand for any run of spaces or line breaks."""
    found: list[str] = []
    for start in range(0, len(words), _WORDS_A_PATTERN):
        alternatives: dict[tuple[str, str], list[str]] = {}
        for word in words[start : start + _WORDS_A_PATTERN]:
            borders = (_border(word[0], _BEFORE), _border(word[-1], _AFTER)) if whole_words else ("", "")
            alternatives.setdefault(borders, []).append(r"\s+".join(map(pl.escape_regex, word.split())))
        parts = [f"{before}({'|'.join(words)}){after}" for (before, after), words in alternatives.items()]
        found.append(_flags(ignore_case=ignore_case) + "|".join(parts))
    return found


def regex_patterns(patterns: Sequence[str], *, ignore_case: bool) -> list[str]:
    """Write the patterns as they are, each with a group around it."""
    return [f"{_flags(ignore_case=ignore_case)}({pattern})" for pattern in patterns]


def first_match(messages: pl.Series, patterns: Sequence[str]) -> pl.Series:
    """Find what the first pattern that matches finds first.

    Args:
        messages: One list of strings a row.
        patterns: From `word_patterns` or `regex_patterns`.

    Returns:
        The words as they stand in the text; null where no pattern matches.
    """
    found = pl.Series("matched", [None], dtype=pl.String).new_from_index(0, len(messages))
    for pattern in patterns:
        open_places = found.is_null().arg_true()
        has = pl.element().str.contains(pattern)
        hits = open_places.filter(messages.gather(open_places).list.eval(has).list.any())
        if len(hits):
            found = found.scatter(hits, _first_of(messages.gather(hits), pattern))
    return found


def _first_of(messages: pl.Series, pattern: str) -> pl.Series:
    groups = pl.element().str.extract_groups(pattern).struct
    named = pl.coalesce(groups.field("*"))
    return messages.list.eval(named).list.drop_nulls().list.first()


def _border(character: str, border: str) -> str:
    """Ask for a border only where there can be one: next to a letter or digit of a script that puts spaces."""
    is_of_word = character.isalnum() or character == "_"
    return border if is_of_word and not _unspaced.match(character) else ""


def _flags(*, ignore_case: bool) -> str:
    return "(?i)" if ignore_case else ""
