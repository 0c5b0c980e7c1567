"""Takes out what a web page left in copied answers: its wrappers, its buttons and its counters."""

from __future__ import annotations

import re

import polars as pl

from dataforge.core.codes import Code
from dataforge.reading.html_markdown import to_markdown

RESIDUE_CODES: tuple[Code, ...] = (
    Code(
        "html-residue",
        "An answer holds parts of the web page it was copied from.",
        repair="HTML becomes Markdown; copy buttons, length notes and regenerate counters are left out.",
    ),
)

# The first two thirds of "2 / 3" above a regenerated answer; a fraction within a sentence stays.
_COUNTER = re.compile(r"\s*(\d{1,3}) / (\d{1,3})[ \t]*(?:\r?\n|$)")
_COPY_NOTE = re.compile(r"\s*^[ \t]*Copy\d+ chars / \d+ words[ \t]*$", re.MULTILINE)
_COPY_BUTTON = re.compile(r"^([ \t]*```[\w+#.-]*?)[ \t]*(?:\r?\n[ \t]*)?Copy code[ \t]*$", re.MULTILINE)
_EMPTY_FENCE = re.compile(r"^[ \t]*```[\w+#.-]*[ \t]*\n```[ \t]*\n?", re.MULTILINE)
_FENCE = re.compile(r"(^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z))", re.MULTILINE | re.DOTALL)

_WRAPPER = re.compile(r"""\s*<(div|span|p)(?:\s[^<>]*?class=(["'])(?P<classes>[^"'<>]*)\2[^<>]*)?\s*>""")
_PAGE_CLASSES = {"markdown", "prose", "flex", "text-base", "whitespace-pre-wrap", "message"}


# Which texts `without_residue` looks at at all, said of a column `content`: the same three questions.
MAY_BE_RESIDUE = (
    pl.col("content").str.contains("Copy", literal=True)
    | pl.col("content").str.head(1).is_in([*"0123456789 \n\r\t"])
    | pl.col("content").str.head(40).str.contains("<", literal=True)
)


def without_residue(text: str) -> str:
    """Clean an answer; the same string comes back where there is nothing to clean.

    HTML is converted only where it wraps the whole answer as the page did, and never within a code fence: an answer
    that shows HTML code stays as it is.
    """
    # Substring searches first: they cost a tenth of the patterns, and nearly every answer stops here.
    if "Copy" in text:
        text = _without_buttons(text)
    if text[:1] in "0123456789 \n\r\t":
        text = _without_counter(text)
    if "<" in text[:40]:
        text = _without_wrapper(text)
    return text


def _without_buttons(text: str) -> str:
    if "Copy code" in text:
        text = _EMPTY_FENCE.sub("", bare) if (bare := _COPY_BUTTON.sub(r"\1", text)) != text else text
    return _COPY_NOTE.sub("", text) if " chars / " in text else text


def _without_counter(text: str) -> str:
    match = _COUNTER.match(text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        return text
    return text[match.end() :].lstrip()


def _without_wrapper(text: str) -> str:
    match = _WRAPPER.match(text)
    if match is None or not text.rstrip().endswith(f"</{match[1]}>"):
        return text
    classes = match["classes"]
    if classes is not None and not _PAGE_CLASSES & set(classes.split()):
        return text
    parts = _FENCE.split(text)
    # Every second part is a fence. What stands around it may be an unclosed half of a wrapper.
    return "\n\n".join(
        part.strip("\n") if place % 2 else to_markdown(part) for place, part in enumerate(parts) if part.strip()
    ).strip()
