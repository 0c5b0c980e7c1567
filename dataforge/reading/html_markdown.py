"""Turns rendered HTML (posts, comments) into the Markdown a person would have written for it.

Code is kept byte for byte, no text is lost, and no HTML makes it raise: tags it does not know are looked through,
tags that do not match are closed about where a browser would close them. Comments, scripts and styles are no text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dataforge.reading.markdown_runs import MARKS, Run, attributes_of, unescaped
from dataforge.reading.markdown_text import code_block, escape_line_start, indented, table

# Deeper nesting is looked through: every level writes its text once more, so hostile depth would cost the square.
MAX_DEPTH = 32

# Each alternative may end with the text too, as in browsers, so that nothing is searched twice.
_TOKEN = re.compile(
    r"""
      <!--.*?(?:-->|\Z)
    | <(?P<raw>script|style)\b[^>]*>.*?(?:</(?P=raw)\s*>|\Z)
    | <[!?][^>]*(?:>|\Z) | </(?:[^a-z>][^>]*(?:>|\Z)|>)
    | <(?P<end>/?)(?P<name>[a-z][^\s/>]*)
       (?P<attributes>(?: [^>=]+ | =\s*+"[^"]*(?:"|\Z) | =\s*+'[^']*(?:'|\Z) | = )*+)(?:>|\Z)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_CLASS_LANGUAGE = re.compile(r"(?:^|\s)(?:lang|language)-(\S+)")
_NO_LANGUAGE = {"none", "default", "plain", "text"}
# A list that may interrupt a paragraph; before any other a blank line is needed.
_LIST_AFTER_TEXT = re.compile(r"(?:[-*]|1[.)]) +\S")

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = {"ul", "ol"}
_CELLS = {"td", "th"}
_CONTAINERS = {"blockquote", "ul", "ol", "li", "pre", "table", "tr", "td", "th"}
# What an end tag does not reach through, where that is not a cell of a table.
_BARRIERS: dict[str, set[str]] = {
    "li": _LISTS | _CELLS,
    "table": set(),
    "tr": {"table"},
    "td": {"table"},
    "th": {"table"},
}
_BREAKS = {
    "p", "div", "section", "article", "aside", "header", "footer", "main", "nav", "figure", "figcaption", "details",
    "summary", "dl", "dt", "dd", "address", "center", "form", "fieldset", "thead", "tbody", "tfoot", "caption", "body",
    "html", "head", "title", *_HEADINGS,
}  # fmt: skip


@dataclass(slots=True)
class _Block:
    kind: str
    text: str


@dataclass(slots=True)
class _Frame:
    """A block element that is open, with the finished blocks in it."""

    name: str
    blocks: list[_Block] = field(default_factory=list[_Block])
    sign: str = ""
    number: int = 1
    is_loose: bool = False
    language: str = ""
    code: list[str] = field(default_factory=list[str])
    cells: list[str] = field(default_factory=list[str])
    rows: list[list[str]] = field(default_factory=list[list[str]])

    @property
    def text(self) -> str:
        return "\n\n".join(block.text for block in self.blocks)


def to_markdown(source: str) -> str:
    """Convert HTML to Markdown.

    Args:
        source: A document or a fragment of one; it need not be well formed.

    Returns:
        Markdown (CommonMark, with tables and `~~` as on GitHub), without blank lines around it.
    """
    writer = _Writer()
    place = 0
    for token in _TOKEN.finditer(source):
        if token.start() > place:
            writer.text(unescaped(source[place : token.start()]))
        place = token.end()
        name = token["name"]
        if name is None:
            continue
        if token["end"]:
            writer.end(name.lower())
        else:
            writer.start(name.lower(), token["attributes"])
    if place < len(source):
        writer.text(unescaped(source[place:]))
    return writer.finish()


class _Writer:
    """Hears the tags one after the other, and keeps the block elements that are open."""

    def __init__(self) -> None:
        self._frames = [_Frame("root")]
        self._run = Run()
        self._leaf = ""

    def text(self, text: str) -> None:
        frame = self._frames[-1]
        if frame.name == "pre":
            # The line end behind the tag itself is not part of the code.
            frame.code.append(text if frame.code else text.removeprefix("\r").removeprefix("\n"))
        elif text:
            self._run.text(text)

    def start(self, name: str, attributes: str) -> None:
        if self._frames[-1].name == "pre":
            self._start_in_pre(name, attributes)
        elif name in MARKS:
            self._run.open(name, attributes)
        elif name in _CONTAINERS:
            self._flush()
            self._open(name, attributes)
        elif name in _BREAKS:
            self._flush()
            self._leaf = name
        else:
            self._start_void(name, attributes)

    def _start_void(self, name: str, attributes: str) -> None:
        if name == "br":
            self._run.line_break()
        elif name == "img":
            self._run.image(attributes_of(attributes))
        elif name == "hr":
            self._flush()
            self._add("rule", "---" if len(self._frames) == 1 else "___")  # "- ---" would be one rule

    def _start_in_pre(self, name: str, attributes: str) -> None:
        frame = self._frames[-1]
        frame.code.append("\n" if name == "br" else "")
        if name == "code" and not frame.language:
            frame.language = _language(attributes)

    def end(self, name: str) -> None:
        if name in _CONTAINERS:
            self._close(name, _BARRIERS.get(name, _CELLS))
            self._flush()
        elif self._frames[-1].name == "pre":
            return
        elif name in MARKS:
            self._run.close(name)
        elif name in _BREAKS:
            self._flush()

    def finish(self) -> str:
        while len(self._frames) > 1:
            self._pop()
        self._flush()
        return self._frames[0].text

    def _flush(self) -> None:
        """End the running text: it becomes blocks of the innermost frame."""
        leaf, self._leaf = self._leaf, ""
        lines = self._run.end()
        if leaf in _HEADINGS:
            self._add_heading(_HEADINGS[leaf], " ".join(line for line in lines if line))
            return
        paragraph: list[str] = []
        for line in [*lines, ""]:
            if line.strip():
                paragraph.append(escape_line_start(line))
            elif paragraph:
                self._add("paragraph" if leaf else "text", "  \n".join(paragraph))
                paragraph = []

    def _add_heading(self, level: int, text: str) -> None:
        bare = text.rstrip("#")
        if text and bare[-1:] in {"", " "} and bare != text:  # closing signs would be cut off
            text = bare + "\\" + text[len(bare) :]
        if text:
            self._add("heading", f"{'#' * level} {text}")

    def _add(self, kind: str, text: str) -> None:
        if self._frames[-1].name in _LISTS:
            self._frames.append(_Frame("li"))
        self._frames[-1].blocks.append(_Block(kind, text))

    def _open(self, name: str, attributes: str) -> None:
        if name in _CELLS or name == "tr":
            self._open_in_table(name)
            return
        if name == "li":
            self._close("li", _BARRIERS["li"])
        if len(self._frames) >= MAX_DEPTH:
            return
        if self._frames[-1].name in _LISTS and name != "li":
            self._frames.append(_Frame("li"))
        frame = _Frame(name)
        if name in _LISTS:
            self._number(frame, attributes)
        elif name == "pre":
            frame.language = _language(attributes)
        self._frames.append(frame)

    def _number(self, frame: _Frame, attributes: str) -> None:
        # Two lists with one sign would run into each other.
        last = self._frames[-1].blocks[-1:]
        is_second = bool(last) and last[0].kind == frame.name
        frame.sign = ("*" if is_second else "-") if frame.name == "ul" else (")" if is_second else ".")
        start = attributes_of(attributes).get("start", "")
        if start.isascii() and start.isdigit() and len(start) <= 8:
            frame.number = int(start)

    def _open_in_table(self, name: str) -> None:
        for part in ("tr",) if name == "tr" else ("td", "th"):
            self._close(part, {"table", "tr"} - {part})
        inside = {"table": "tr", "tr": name}.get(self._frames[-1].name)
        if inside == name or (inside == "tr" and name in _CELLS):
            if inside != name:
                self._frames.append(_Frame("tr"))
            self._frames.append(_Frame(name))

    def _close(self, name: str, barriers: set[str]) -> None:
        """Close the innermost element of that name with all that is open in it, unless a barrier stands between."""
        for depth in range(len(self._frames) - 1, 0, -1):
            found = self._frames[depth].name
            if found == name:
                while len(self._frames) > depth:
                    self._pop()
                return
            if found in barriers:
                return

    def _pop(self) -> None:
        """Close the innermost frame and hand its text to the one around it."""
        self._flush()
        frame = self._frames.pop()
        if frame.name == "pre":
            code = "".join(frame.code).replace("\r\n", "\n")
            if code.strip():
                self._add("code", code_block(code, frame.language))
        elif frame.name == "blockquote" and frame.blocks:
            self._add("quote", indented(frame.text, "> ", "> "))
        elif frame.name == "li":
            self._end_item(frame)
        elif frame.name in _LISTS and frame.blocks:
            gap = "\n\n" if frame.is_loose else "\n"
            self._frames[-1].blocks.append(_Block(frame.name, gap.join(item.text for item in frame.blocks)))
        elif frame.name in {"table", "tr", *_CELLS}:
            self._end_table_part(frame)

    def _end_item(self, item: _Frame) -> None:
        if self._frames[-1].name not in _LISTS:
            self._frames.append(_Frame("ul", sign="-"))
        owner = self._frames[-1]
        first = f"{owner.sign} " if owner.name == "ul" else f"{owner.number}{owner.sign} "
        owner.number += 1
        text = item.blocks[0].text if item.blocks else ""
        for before, block in zip(item.blocks, item.blocks[1:], strict=False):
            is_tight = before.kind == "text" and (
                block.kind == "code" or (block.kind in _LISTS and _LIST_AFTER_TEXT.match(block.text) is not None)
            )
            owner.is_loose |= not is_tight
            text += ("\n" if is_tight else "\n\n") + block.text
        owner.is_loose |= any(block.kind == "paragraph" for block in item.blocks)
        owner.blocks.append(_Block("item", indented(text, first, " " * len(first))))

    def _end_table_part(self, frame: _Frame) -> None:
        around = self._frames[-1]
        if frame.name in _CELLS:
            around.cells.append(frame.text)
        elif frame.name == "tr":
            around.rows.append(frame.cells)
            around.blocks += frame.blocks
        else:
            for block in frame.blocks:
                self._add(block.kind, block.text)
            cells = [cell for row in frame.rows for cell in row]
            if any("\n" in cell for cell in cells):  # Markdown tables hold single lines
                for cell in filter(None, cells):
                    self._add("paragraph", cell)
            elif any(cells):
                self._add("table", table(frame.rows))


def _language(attributes: str) -> str:
    found = _CLASS_LANGUAGE.search(attributes_of(attributes).get("class", ""))
    return found[1] if found and found[1] not in _NO_LANGUAGE else ""
