"""What pydantic says of a value, put into the words of a recipe, with something to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from dataforge.core.registry import nearest
from dataforge.recipe.mistakes import did_you_mean

# From pydantic's words to those of TOML. The first that matches is taken.
_WANTED = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"input should be a valid string", "a string"),
        (r"input should be a valid integer.*", "a whole number"),
        (r"input should be a valid number", "a number"),
        (r"input should be a valid boolean", "true or false"),
        (r"input should be a valid (?:array|tuple|list|set|frozenset)", "an array"),
        (r"input should be (?:an object|a valid dictionary|a dictionary.*)", "a table"),
        (r"input should be (.+)", r"\1"),
        (
            r"string should match pattern '\^\[A-Za-z0-9_-\].*",
            "letters, digits, '.', '_' and '-', not beginning with '.'",
        ),
        (r"string should match pattern (.+)", r"text that matches \1"),
        (r"\w+ should have at (least|most) (\d+) (\w+).*", r"at \1 \2 \3 long"),
    )
)


_BOUND = re.compile(r"greater|less|at least|at most|a multiple")


def wanted(message: str) -> str | None:
    """Say what should have been written; None where the message is in a plugin's own words."""
    for pattern, words in _WANTED:
        match = pattern.fullmatch(message)
        if match:
            return match.expand(words)
    return None


def wrong_value(key: str, value: Any, messages: Sequence[str], default: Any) -> tuple[str, str]:
    """Word a value of the wrong type or out of bounds.

    Args:
        key: The key, with dots where it lies deeper.
        value: What was written.
        messages: What pydantic has against it; several where several types would do.
        default: What the plugin takes where the key is left out; None where there is none.

    Returns:
        The message and the fix.
    """
    wishes = list(dict.fromkeys(wish for wish in map(wanted, messages) if wish))
    if not wishes:
        return own_words(messages[0], [key])
    wish = " or ".join(wishes)
    is_type = wish.startswith(("a ", "an ", "true"))
    message = f"{key} is {_shown(value, with_type=is_type)}; it should be {wish}"
    choices = re.findall(r"'([^']*)'", wish) if wish.startswith("'") else []
    near = nearest(value, choices) if isinstance(value, str) else None
    example = f", such as {_shown(default)}, the default" if is_type and default is not None else ""
    return message, did_you_mean(near, f"write {'a value ' if _BOUND.match(wish) else ''}{wish}{example}")


def own_words(message: str, keys: Iterable[str]) -> tuple[str, str]:
    """Part a plugin's own message from its advice: "what is wrong; what to do"."""
    head, _, advice = message.partition("; ")
    named = [key for key in keys if re.search(rf"\b{re.escape(key.rpartition('.')[2])}\b", head)]
    return head, advice or f"change {' or '.join(named) or 'the value'}"


def _shown(value: Any, *, with_type: bool = False) -> str:
    text = json.dumps(value, ensure_ascii=False, default=list)
    text = text if len(text) <= 60 else f"{text[:57]}…"
    return f"{text}, {_type_name(value)}" if with_type else text


def _type_name(value: Any) -> str:
    names = ((bool, "a boolean"), (int, "a whole number"), (float, "a number"), (str, "a string"), (list, "an array"))
    return next((name for kind, name in names if isinstance(value, kind)), "a table")
