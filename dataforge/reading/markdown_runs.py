"""Running text on its way from HTML to Markdown: what stands in a paragraph, and the inline elements around it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from dataforge.reading.markdown_text import code_span, escape, image, link

# Hostile pages open a thousand; each mark writes its text once more.
_MAX_MARKS = 12

_SPACE = re.compile(r"[ \t\r\n\f]+")
# Names without a value are taken too, so that none is looked at twice.
_ATTRIBUTE = re.compile(r"""([^\s=/"'>]++)(?:\s*+=\s*+(?:"([^"]*)"?|'([^']*)'?|([^\s>]*)))?""")
# Python refuses int() of thousands of digits; no character's number has more than seven.
_HUGE_REFERENCE = re.compile(r"&#[0-9]{20,};?")
# An empty line would end the paragraph, and with it the mark around it.
_BREAKS = re.compile(r"\n[ \n]*\n")

MARKS = {
    "strong": "**", "b": "**", "em": "*", "i": "*", "s": "~~", "strike": "~~", "del": "~~",
    "sup": "sup", "sub": "sub", "kbd": "kbd", "a": "a", "code": "`", "tt": "`", "samp": "`",
}  # fmt: skip
# Markdown has no sign of its own for these, and passes HTML on.
_AS_HTML = {"sup", "sub", "kbd"}


def unescaped(text: str) -> str:
    """Resolve the character references of HTML text."""
    if "&" not in text:
        return text
    return html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))


def attributes_of(source: str) -> dict[str, str]:
    """Read the attributes of a tag; of two with one name the first counts, as in browsers."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(source):
        found.setdefault(name.lower(), unescaped(double or single or bare))
    return found


@dataclass(slots=True)
class _Mark:
    """An inline element that is open: its sign, where its content begins, and where a link leads."""

    sign: str
    start: int = 0
    url: str = ""
    title: str = ""


class Run:
    """Collects running text. In its parts a newline stands for a line break and for nothing else."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._pending: list[str] = []
        self._marks: list[_Mark] = []
        self._last_code = ("", "")

    def text(self, text: str) -> None:
        """Take text; outside of code, white space collapses."""
        if self._is_in_code():
            self._parts.append(text)
            return
        text = _SPACE.sub(" ", text)
        before = self._pending or self._parts
        if text[0] == " " and (not before or before[-1].endswith((" ", "\n"))):
            text = text[1:]
        if text:
            self._pending.append(text)

    def line_break(self) -> None:
        """Take a `<br>`."""
        self._settle()
        self._parts.append("\n")

    def image(self, attributes: dict[str, str]) -> None:
        """Take an image; in code, or without an address, it is its alternative text."""
        alt, url = _SPACE.sub(" ", attributes.get("alt", "")).strip(" "), attributes.get("src", "").strip()
        if url and not self._is_in_code():
            self._settle(is_before_link=True)
            self._parts.append(image(alt, url, attributes.get("title", "")))
        elif alt:
            self.text(alt)

    def open(self, name: str, attributes: str) -> None:
        """Open an inline element, one of `MARKS`."""
        sign = MARKS[name]
        if sign == "a":
            self.close("a")
        elif self._has(sign):
            return
        if self._is_in_code() or len(self._marks) >= _MAX_MARKS:
            return
        mark = _Mark(sign)
        if sign == "a":
            known = attributes_of(attributes)
            mark.url, mark.title = known.get("href", "").strip(), known.get("title", "")
            if not mark.url:
                return
        self._settle(is_before_link=sign == "a")
        self._push(mark)

    def close(self, name: str) -> None:
        """Close an inline element; those opened after it go on behind it, as in browsers."""
        sign = MARKS[name]
        if not self._has(sign):
            return
        above: list[_Mark] = []
        while self._marks[-1].sign != sign:
            above.append(self._wrap())
        self._wrap()
        for mark in reversed(above):
            self._push(mark)

    def end(self) -> list[str]:
        """End the run and give its lines; the marks that are open go on in the next one."""
        if not self._parts and not self._pending:
            return []
        marks = [self._wrap() for _ in range(len(self._marks))]
        self._settle()
        lines = [line.strip(" ") for line in "".join(self._parts).split("\n")]
        self._parts.clear()
        for mark in reversed(marks):
            self._push(mark)
        return lines

    def _push(self, mark: _Mark) -> None:
        mark.start = len(self._parts)
        self._marks.append(mark)

    def _has(self, sign: str) -> bool:
        return any(mark.sign == sign for mark in self._marks)

    def _is_in_code(self) -> bool:
        return bool(self._marks) and self._marks[-1].sign == "`"

    def _settle(self, *, is_before_link: bool = False) -> None:
        if not self._pending:
            return
        text = escape("".join(self._pending), in_link=self._has("a"))
        self._pending.clear()
        if is_before_link and text.endswith("!"):  # it would make an image of the link
            text = text[:-1] + "\\!"
        self._parts.append(text)

    def _wrap(self) -> _Mark:
        """Close the innermost mark: its parts become one, with the white space at its ends outside."""
        self._settle()
        mark = self._marks.pop()
        content = "".join(self._parts[mark.start :])
        del self._parts[mark.start :]
        if mark.sign == "`":
            if content.strip() or "\n" not in content:  # not the line ends between two blocks
                self._add_code(content)
            return mark
        inner = content.strip(" \n")
        if inner:
            start = content.index(inner)
            parts = [content[:start], _marked(mark, _BREAKS.sub("\n", inner)), content[start + len(inner) :]]
            self._parts += [part for part in parts if part]
        elif content:
            self._parts.append(content)
        return mark

    def _add_code(self, code: str) -> None:
        span, before = self._last_code
        start = self._marks[-1].start if self._marks else 0
        if len(self._parts) > start and self._parts[-1] is span:  # side by side they would read as one broken span
            self._parts.pop()
            code = before + code
        if code:
            self._parts.append(code_span(code))
            self._last_code = (self._parts[-1], code)


def _marked(mark: _Mark, text: str) -> str:
    if mark.sign == "a":
        return link(text, mark.url, mark.title)
    if mark.sign in _AS_HTML:
        return f"<{mark.sign}>{text}</{mark.sign}>"
    return f"{mark.sign}{text}{mark.sign}"
