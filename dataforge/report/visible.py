"""Text from data, made safe to look at: what the eye cannot see is written out, what is endless is cut."""

from __future__ import annotations

import unicodedata
from typing import Any

from markupsafe import Markup, escape

# Long enough for every honest name and path; a page must survive a name of a megabyte.
NAME_CHARACTERS = 300

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_hidden(letter: str) -> bool:
    """Say whether a character shows nothing by itself, or turns the text around it: controls, bidi, zero width."""
    if letter in "\n\t":
        return False
    # Noncharacters: HTML does not allow them. Private and unassigned letters show as a box, which is seen.
    point = ord(letter)
    return unicodedata.category(letter) in _HIDDEN or point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF


def code_point(letter: str) -> str:
    """Name a character, as in U+202E."""
    return f"U+{ord(letter):04X}"


def clipped(text: str, limit: int = NAME_CHARACTERS) -> str:
    """Cut a text, and say how long it was."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def visible(text: str) -> str:
    """Write hidden characters out in plain text, fit for element text and attributes alike."""
    if text.isprintable():
        return text
    return "".join(f"⟨{code_point(letter)}⟩" if is_hidden(letter) else letter for letter in text)


def marked(text: str) -> Markup:
    """Escape a text for an element, with each hidden character in a mark that the style sets apart."""
    mark = Markup('<span class="mark">{}</span>')
    pieces: list[str] = []
    plain = 0
    for place, letter in enumerate(text):
        if is_hidden(letter):
            pieces += [escape(text[plain:place]), mark.format(code_point(letter))]
            plain = place + 1
    return Markup("").join([*pieces, escape(text[plain:])])


def shown(value: Any) -> Any:
    """Finish every value a template prints: markup of ours as it is, text visible, cut and escaped."""
    if value is None:
        return "–"
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape(visible(clipped(value)))
    return value
