"""Reads a page as a browser does, strictly: every element that is opened must be closed, in order."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """The elements, texts and tables of a page."""

    def __init__(self, html: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.source = html.decode("utf-8")
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.mistakes: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] | None = None
        self.feed(self.source)
        self.close()
        self.mistakes += [f"{name} is never closed" for name in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if len(attributes) != len(attrs):
            self.mistakes.append(f"{tag} has an attribute twice")
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._rows = self.tables.setdefault(str(attributes.get("id")), [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in {"td", "th"} and self._rows:
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.mistakes.append(f"</{tag}> closes {self.open[-1:]}")
            return
        self.open.pop()
        if tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        where = self.open[-1] if self.open else ""
        self.texts.append((where, data))
        if self._rows and {"td", "th"} & set(self.open):
            self._rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(text for where, text in self.texts if where not in {"style", "script"}).split())

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    def one(self, tag: str) -> str:
        """The text of the one element of this name."""
        return "".join(text for where, text in self.texts if where == tag)

    def values(self, attribute: str) -> list[Any]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def number(cell: str) -> int:
    return int(cell.replace(",", "").strip())
