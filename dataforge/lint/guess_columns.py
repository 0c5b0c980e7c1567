"""Guesses which column of a person's own records holds the prompt, which the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from dataforge.lint.shapes import TURN_LISTS, Record, are_turns, objects_in

# Names that columns have in the wild, the surest first; compared without regard to case.
_PROMPTS = ("prompt", "question", "instruction", "query", "user", "human", "input", "problem")
_RESPONSES = ("response", "completion", "answer", "output", "assistant", "reply", "target", "solution", "gpt")
_CONTEXTS = ("input", "context")
_SIDES = (
    ("chosen", "rejected"),
    ("preferred", "rejected"),
    ("preferred", "dispreferred"),
    ("preferred_output", "non_preferred_output"),
    ("better", "worse"),
    ("response_j", "response_k"),
    ("chosen_response", "rejected_response"),
)
_LISTS = ("responses", "completions", "answers", "candidates")
_SCORES = ("scores", "ratings", "rewards")
_RANKS = ("ranks", "rank", "ranking", "rankings")
_ITEM_TEXTS = ("text", "response", "answer", "completion", "output", "content")
_ITEM_SCORES = ("score", "pm_score", "rating", "reward")
_ITEM_RANKS = ("rank",)
_CHATS = (*TURN_LISTS, "chat", "dialog", "dialogue", "turns", "conversation_history")
_TEXTS = ("text",)
_LABELS = {"label", "labels", "class", "category", "sentiment", "toxic", "toxicity"}
_EXTRAS = {"system": ("system", "system_prompt"), "tools": ("tools",), "url": ("url", "source_url", "link")}


def guess_columns(records: Sequence[Record]) -> tuple[dict[str, Any], str] | None:
    """Guess which column holds what.

    Args:
        records: The first records of a file.

    Returns:
        Parameters for the sources that are told their columns, and why; None where no name says enough.
    """
    columns = _Columns(records)
    for guess in (_pair, _several, _chat, _single, _text):
        found = guess(columns)
        if found:
            named = ", ".join(f"{key} = {_written(value)}" for key, value in found.items())
            return {**found, **_extras(columns, found)}, f"the names of its columns say {named}"
    return None


class _Columns:
    """The columns of some records: their names, and the first value of each that says something."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._values: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        for record in records:
            for name, value in record.items():
                if self._values.get(name) in (None, "", []):
                    self._values[name] = value
                self._names.setdefault(name.lower(), name)

    def find(self, names: Sequence[str], fits: Callable[[Any], bool], *, but: str | None = None) -> str | None:
        """Give the first column of these names whose value fits."""
        found = (self._names[name] for name in names if name in self._names)
        return next((name for name in found if name != but and fits(self._values[name])), None)

    def has_label(self) -> bool:
        """Say whether a column's name is that of a label."""
        return any(name in _LABELS or name.startswith("is_") for name in self._names)

    def value(self, name: str) -> Any:
        """Give a value of a column."""
        return self._values[name]


def _is_said(value: Any) -> bool:
    return (isinstance(value, str) and value != "") or are_turns(value) or _is_message(value)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"content", "value"} & cast("dict[str, Any]", value).keys() != set()


def _field(value: Any, name: str) -> Any:
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _are_texts(value: Any) -> bool:
    return (
        isinstance(value, list) and len(cast("list[Any]", value)) > 1 and all(map(_is_text, cast("list[Any]", value)))
    )


def _prompt(columns: _Columns) -> dict[str, Any]:
    prompt = columns.find(_PROMPTS, _is_said)
    if prompt is None:
        # OpenAI's preference files keep the conversation inside an object.
        inside = columns.find(("input",), lambda value: are_turns(_field(value, "messages")))
        return {"prompt": f"{inside}.messages"} if inside else {}
    context = columns.find(_CONTEXTS, lambda value: isinstance(value, str), but=prompt)
    if context and isinstance(columns.value(prompt), str):
        return {"prompt": f"{{{prompt}}}\n\n{{{context}?}}"}
    return {"prompt": prompt}


def _pair(columns: _Columns) -> dict[str, Any]:
    for better, worse in _SIDES:
        chosen, rejected = columns.find((better,), _is_said), columns.find((worse,), _is_said)
        if chosen and rejected:
            chat = columns.find(_CHATS, are_turns)
            is_whole = are_turns(columns.value(chosen)) and len(columns.value(chosen)) > 1
            before = {"prompt": chat} if chat and not is_whole else {} if is_whole else _prompt(columns)
            return {**before, "chosen": chosen, "rejected": rejected}
    return {}


def _several(columns: _Columns) -> dict[str, Any]:
    prompt = _prompt(columns)
    if not prompt:
        return {}
    texts = columns.find(_LISTS, _are_texts)
    if texts:
        by = {key: columns.find(names, _are_numbers) for key, names in (("scores", _SCORES), ("ranks", _RANKS))}
        order = next(((key, name) for key, name in by.items() if name), None)
        return {**prompt, "responses": texts, **({order[0]: order[1]} if order else {})}
    items = columns.find(_LISTS, lambda value: len(objects_in(value)) > 1)
    inside = _Columns(objects_in(columns.value(items))) if items else None
    text = inside.find(_ITEM_TEXTS, _is_text) if inside else None
    if inside is None or text is None:
        return {}
    found = {**prompt, "responses": f"{items}[].{text}"}
    for key, names in (("scores", _ITEM_SCORES), ("ranks", _ITEM_RANKS)):
        number = inside.find(names, _is_number)
        if number:
            return {**found, key: f"{items}[].{number}"}
    return found


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_number, cast("list[Any]", value)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _chat(columns: _Columns) -> dict[str, Any]:
    chat = columns.find(_CHATS, lambda value: are_turns(value) or (isinstance(value, str) and value.startswith("[{")))
    if chat:
        return {"messages": chat}
    questions = columns.find(("turns",), _are_texts)
    return {"prompt": f"{questions}[0]"} if questions else {}


def _single(columns: _Columns) -> dict[str, Any]:
    prompt = _prompt(columns)
    response = columns.find(_RESPONSES, _is_said, but=prompt.get("prompt"))
    return {**prompt, **({"response": response} if response else {})} if prompt else {}


def _text(columns: _Columns) -> dict[str, Any]:
    text = columns.find(_TEXTS, _is_text)
    # A text beside a label is there to be classified, not to be learnt.
    return {"response": text} if text and not columns.has_label() else {}


def _extras(columns: _Columns, found: Mapping[str, Any]) -> dict[str, Any]:
    extras = {key: columns.find(names, _is_text) for key, names in _EXTRAS.items()}
    used = set(map(str, found.values()))
    return {key: f"{name}?" for key, name in extras.items() if name and name not in used}


def _written(value: Any) -> str:
    return "'" + str(value).replace("\n", "\\n") + "'"
