"""Writes pieces of Markdown so that a CommonMark reader gets back exactly the text that was put in."""

from __future__ import annotations

import re

_PUNCTUATION = r"!-/:-@\[-`{-~"

# Only what a reader would take for markup: `snake_case`, `2 * 3` and `[1]` stay as people write them.
_SIGNS = rf"""
      \\(?=[{_PUNCTUATION}]|[ ]?$)               # a backslash that would escape
    | `                                         # code
    | \*(?![ ]) | (?<![ ])\*                    # emphasis; a star between spaces is none
    | (?<![^\W_])_++ | _++(?![^\W_])            # emphasis; underscores inside a word are none
    | <(?=[A-Za-z/!?])                          # HTML, or a link
    | &(?=\#?\w+;)                              # an entity
    | ~(?=~)                                    # struck out
"""
_MARKUP = re.compile(_SIGNS + r"| \](?=[(:])", re.VERBOSE)  # a link, or the definition of one
_MARKUP_IN_LINK = re.compile(_SIGNS + r"| [\[\]]", re.VERBOSE)  # any bracket may end the link
_NEEDS_LOOK = re.compile(r"[\\`*_\[\]<&~]")

# TeX between dollars is not Markdown for anybody who renders it; escapes would break the formula.
_FORMULA = re.compile(r"(\$\$?[^$]+\$\$?)")
_TEX = re.compile(r"[\\^_]")

_LINE_START = re.compile(r"#{1,6}(?= |$)|>|[-+*](?= |$)|-(?=[- ]*$)|=(?==*$)|(?P<number>\d{1,9})[.)](?= |$)")

_BACKTICKS = re.compile(r"`+")
_LANGUAGE = re.compile(r"[^\w+#.-]+")
_AUTOLINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>\x00-\x20\x7f]*")
_PLAIN_URL = re.compile(r"[^\s<>()\\&\x00-\x20\x7f]+")
_URL_GAPS = re.compile(r"[\x00-\x20\x7f]")
_URL_ESCAPE = re.compile(r"[<>\\]|&(?=#?\w+;)")


def escape(text: str, *, in_link: bool = False) -> str:
    """Escape what a reader would take for markup, and nothing else.

    Args:
        text: Running text on one line.
        in_link: The text stands in a link, where brackets end it.

    Returns:
        Markdown that is read as the text; TeX between dollars is left as it is, but for links.
    """
    if in_link or "$" not in text:
        return _escape(text, _MARKUP_IN_LINK if in_link else _MARKUP)
    parts = _FORMULA.split(text)
    return "".join(part if i % 2 and _TEX.search(part) else _escape(part, _MARKUP) for i, part in enumerate(parts))


def _escape(text: str, markup: re.Pattern[str]) -> str:
    if not _NEEDS_LOOK.search(text):
        return text
    return markup.sub(lambda found: "".join("\\" + sign for sign in found[0]), text)


def escape_line_start(line: str) -> str:
    """Escape a sign at the beginning of a line that would make it a heading, a list, a quote or a rule."""
    found = _LINE_START.match(line)
    if found is None:
        return line
    sign = found.end("number") if found["number"] else 0
    return line[:sign] + "\\" + line[sign:]


def code_span(code: str) -> str:
    """Write inline code, with more backticks around it than in it."""
    if not code:
        return ""
    code = code.replace("\n", " ")
    fence = "`"
    runs = set(_BACKTICKS.findall(code))
    while fence in runs:
        fence += "`"
    needs_gap = code[0] == "`" or code[-1] == "`" or (code[0] == code[-1] == " " and code.strip(" ") != "")
    gap = " " if needs_gap else ""
    return f"{fence}{gap}{code}{gap}{fence}"


def code_block(code: str, language: str) -> str:
    """Write a fenced code block, byte for byte, with a fence longer than any inside."""
    longest = max((len(run) for run in _BACKTICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    end = "" if code.endswith("\n") or not code else "\n"
    return f"{fence}{_LANGUAGE.sub('', language)}\n{code}{end}{fence}"


def link(text: str, url: str, title: str = "") -> str:
    """Write a link; one whose text is its address becomes `<address>`."""
    if not title and _AUTOLINK.fullmatch(url) and text == escape(url, in_link=True):
        return f"<{url}>"
    return f"[{text}]({_target(url, title)})"


def image(alt: str, url: str, title: str = "") -> str:
    """Write an image."""
    return f"![{escape(alt, in_link=True)}]({_target(url, title)})"


def _target(url: str, title: str) -> str:
    if not _PLAIN_URL.fullmatch(url):
        url = _URL_GAPS.sub(lambda found: f"%{ord(found[0]):02X}", url)
        url = f"<{_URL_ESCAPE.sub(_escape_sign, url)}>"
    if title:
        title = " ".join(title.split()).replace("\\", "\\\\").replace('"', '\\"').replace("&", "\\&")
        return f'{url} "{title}"'
    return url


def _escape_sign(found: re.Match[str]) -> str:
    return "\\" + found[0]


def indented(block: str, first: str, rest: str) -> str:
    """Put `first` before the first line of a block and `rest` before the others, but for empty ones."""
    lines = block.split("\n")
    head = first + lines[0] if lines[0] else first.rstrip(" ")
    return "\n".join([head, *(rest + line if line else rest.rstrip(" ") for line in lines[1:])])


def table(rows: list[list[str]]) -> str:
    """Write a table of single-line cells; the first row is its head, as Markdown has no table without."""
    width = max(len(row) for row in rows)
    lines = [_table_row(row + [""] * (width - len(row))) for row in rows if row]
    lines.insert(1, _table_row(["---"] * width))
    return "\n".join(lines)


def _table_row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
