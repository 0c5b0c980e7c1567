"""Brings text into one form: one way to write each character, plain spaces, no controls, tidy lines.

The rules, in the order in which they are applied:

1. characters that nobody sees go: controls, zero-width spaces, byte-order marks, soft hyphens. The joiners
   U+200C and U+200D stay, for Persian, Indic scripts and emoji are written with them;
2. every line break becomes a line feed, every kind of space a plain one; tabs stay;
3. Unicode form NFC, or NFKC;
4. outside fenced code: no spaces at the end of a line, no more than two blank lines in a row, none at the ends.

Applying them twice gives what applying them once gives.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

import polars as pl

from dataforge.core.errors import MachineError

Form = Literal["NFC", "NFKC"]

_UNSEEN = r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u2060\ufeff"
_BREAKS = r"\x0b\x0c\r\x85\u2028\u2029"
_SPACES = r"\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"

_unseen = re.compile(f"[{_UNSEEN}]")
_break = re.compile(f"\r\n|[{_BREAKS}]")
_space = re.compile(f"[{_SPACES}]")
_odd = re.compile(f"[{_UNSEEN}{_BREAKS}{_SPACES}]")

# The Rust engine of polars wants `\u{a0}` where Python writes `\u00a0`.
_ODD = re.sub(r"\\u([0-9a-f]{4})", r"\\u{\1}", f"[{_UNSEEN}{_BREAKS}{_SPACES}]")
_LOOSE_LINES = r" \n|\t\n|\n\n\n\n"

_blank_lines = re.compile(r"\n{4,}")

# A fence may stand in a quote or a list. A line of backticks with text and backticks again is code within a line.
_opening = re.compile(r"[ \t>]*(?:(?:[-*+]|[0-9]+[.)])[ \t]+)*(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_closing = re.compile(r"[ \t>]*(?P<fence>`{3,}|~{3,})[ \t]*")


def normalizer(form: Form, *, mojibake: bool) -> Callable[[pl.Series], pl.Series]:
    """Make the function that normalizes many texts.

    Args:
        form: The Unicode form.
        mojibake: Whether to mend text that was decoded with the wrong encoding, before everything else.

    Returns:
        A function from strings (or nulls) to as many strings.

    Raises:
        MachineError: Mojibake is to be mended, and the package that can is not installed.
    """
    mend = _mojibake_mender() if mojibake else None

    def normalize(texts: pl.Series) -> pl.Series:
        if mend is not None:
            texts = _changed(texts, _is_beyond_ascii(texts), mend)
        return _changed(texts, _is_untidy(texts, form), lambda text: tidy(text, form))

    return normalize


def tidy(text: str, form: Form) -> str:
    """Apply the rules of this module to one text."""
    # Most texts break one rule, and looking is cheaper than rewriting.
    if _odd.search(text):
        text = _unseen.sub("", text)
        text = _space.sub(" ", _break.sub("\n", text))
    if not text.isascii():
        text = unicodedata.normalize(form, text)
    return _with_tidy_fences(text) if "```" in text or "~~~" in text else _with_tidy_lines(text)


def _with_tidy_lines(text: str) -> str:
    tidied = "\n".join([line.rstrip(" \t") for line in text.split("\n")]).strip("\n")
    return _blank_lines.sub("\n\n\n", tidied) if "\n\n\n\n" in tidied else tidied


def _with_tidy_fences(text: str) -> str:
    """Tidy the lines outside of fenced code, and keep what is inside as it is."""
    lines: list[str] = []
    blank = 0
    fence = ""
    for raw in text.split("\n"):
        if fence:
            lines.append(raw)
            fence = "" if _closes(raw, fence) else fence
            continue
        line = raw.rstrip(" \t")
        blank = 0 if line else blank + 1
        if line or (lines and blank <= 2):
            lines.append(line)
        if "```" in line or "~~~" in line:
            opened = _opening.match(line)
            fence = opened["fence"] if opened else ""
    tidied = "\n".join(lines)
    return tidied if fence else tidied.rstrip("\n")


def _closes(line: str, fence: str) -> bool:
    closed = _closing.fullmatch(line)
    return closed is not None and closed["fence"].startswith(fence)


def _changed(texts: pl.Series, chosen: pl.Series, change: Callable[[str], str]) -> pl.Series:
    """Change the chosen texts one by one; the others, nearly all of them, are not copied to Python."""
    places = chosen.fill_null(value=False).arg_true()
    if places.is_empty():
        return texts
    new = pl.Series([change(text) for text in texts.gather(places)], dtype=pl.String)
    return texts.clone().scatter(places, new)


def _is_beyond_ascii(texts: pl.Series) -> pl.Series:
    return texts.str.len_bytes() != texts.str.len_chars()


def _is_untidy(texts: pl.Series, form: Form) -> pl.Series:
    """Say which texts a rule would change; some that would stay as they are may be among them."""
    untidy = texts.str.contains(_ODD) | texts.str.contains(_LOOSE_LINES) | texts.str.starts_with("\n")
    for end in (" ", "\t", "\n"):
        untidy |= texts.str.ends_with(end)
    return untidy | _is_denormalized(texts, form)


def _is_denormalized(texts: pl.Series, form: Form) -> pl.Series:
    beyond = _is_beyond_ascii(texts).fill_null(value=False).arg_true()
    wrong = [not unicodedata.is_normalized(form, text) for text in texts.gather(beyond)]
    flags = pl.Series([False]).new_from_index(0, len(texts))
    return flags.scatter(beyond, pl.Series(wrong, dtype=pl.Boolean)) if wrong else flags


def _mojibake_mender() -> Callable[[str], str]:
    try:
        from ftfy import fix_encoding
    except ImportError as error:
        msg = "mending mojibake needs the package ftfy, which is not installed"
        raise MachineError(msg, fix="pip install 'dataforge[mojibake]', or leave out mojibake") from error
    return fix_encoding
