# pyright: standard
"""From messages to token ids: one rendering for training and scoring, and which tokens are the response's.

A conversation is rendered once, whole, by the tokenizer's chat template. Which characters belong to which response is
found by rendering what comes before it as at inference (`add_generation_prompt`): where that is not a prefix of the
whole, the model would be trained on a text it never meets, and the row says so instead of being used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# ChatML. It works with any tokenizer that has an end-of-sequence token, which ends each turn of the assistant; it is
# what "tiny" speaks, and what a model without a template of its own is taught.
TEMPLATE = (
    "{{ bos_token if bos_token else '' }}"
    "{% for message in messages %}"
    "{% set said = message.content or (message.tool_calls | tojson if message.tool_calls else '') %}"
    "{% if message.role == 'assistant' %}"
    "{{ '<|im_start|>assistant\\n' }}{% generation %}{{ said + eos_token }}{% endgeneration %}{{ '\\n' }}"
    "{% else %}"
    "{{ '<|im_start|>' + message.role + '\\n' + said + '<|im_end|>\\n' }}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """The characters of one response in a rendered conversation.

    Args:
        start: First character the model is to write.
        content_start: First character of the message's content; what a template puts before it is no content.
        content_end: Character after the last of the content.
        end: Character after the turn's end marker: what is learnt ends here.
    """

    start: int
    content_start: int
    content_end: int
    end: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """A conversation as a model reads it.

    Args:
        ids: Token ids of the whole, special tokens included once.
        is_learnt: True where the model is to have written the token: content and end of turn.
        is_content: True where the token begins inside a response's content.
        scored: The text that the content tokens stand for, one string a response.
    """

    ids: list[int]
    is_learnt: list[bool]
    is_content: list[bool]
    scored: list[str]


def encode(tokenizer: Any, prompt: Sequence[Message], completion: Sequence[Message]) -> Encoded | str:
    """Render and tokenize a prompt and its completion.

    Args:
        tokenizer: A fast tokenizer of transformers with a chat template.
        prompt: The messages before the response.
        completion: The messages of the response; those of the assistant are the targets.

    Returns:
        The tokens, or the reason why there are none: `no_response`, `control_token_in_text` (it would end a turn
        that the data does not end), `template_refuses`, `template_not_prefix`, `content_not_found`.
    """
    before = [_plain(message) for message in prompt]
    after = [_plain(message) for message in completion]
    if not any(message["role"] == "assistant" for message in after):
        return "no_response"
    if _says_control_token(tokenizer, [*before, *after]):
        return "control_token_in_text"
    try:
        text, turns = _rendered(tokenizer, before, after)
    except _NotRenderedError as error:
        return error.reason
    tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in tokens["offset_mapping"]]
    learnt = [any(turn.start <= start < turn.end for turn in turns) for start in starts]
    content = [any(turn.content_start <= start < turn.content_end for turn in turns) for start in starts]
    scored = [text[first : turn.content_end] for turn in turns if (first := _first(starts, turn)) is not None]
    return Encoded(list(tokens["input_ids"]), learnt, content, scored)


def _says_control_token(tokenizer: Any, messages: list[Any]) -> bool:
    tokens = [token for token in tokenizer.all_special_tokens if token]
    return any(token in str(value) for message in messages for value in message.values() for token in tokens)


class _NotRenderedError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _rendered(tokenizer: Any, before: list[Any], after: list[Any]) -> tuple[str, list[Turn]]:
    messages = [*before, *after]
    whole = _render(tokenizer, messages)
    turns: list[Turn] = []
    for place in range(len(before), len(messages)):
        if messages[place]["role"] != "assistant":
            continue
        opened = _render(tokenizer, messages[:place], add_generation_prompt=True)
        closed = _render(tokenizer, messages[: place + 1])
        if not (whole.startswith(opened) and closed.startswith(opened) and whole.startswith(closed)):
            raise _NotRenderedError("template_not_prefix")
        turns.append(_turn(tokenizer, closed, len(opened), messages[place].get("content") or ""))
    return whole, turns


def _turn(tokenizer: Any, closed: str, start: int, content: str) -> Turn:
    # Templates may strip a content, and may write something before it: an empty thought, for example.
    content_start = closed.find(content.strip(), start)
    if content_start < 0:
        raise _NotRenderedError("content_not_found")
    content_end = content_start + len(content.strip())
    if closed.startswith(content, start):
        content_start, content_end = start, start + len(content)
    stop = tokenizer.eos_token
    marked = closed.find(stop, content_end) if stop else -1
    end = marked + len(stop) if marked >= 0 else len(closed.rstrip())
    return Turn(start, content_start, content_end, max(end, content_end))


def _first(starts: list[int], turn: Turn) -> int | None:
    return next((start for start in starts if turn.content_start <= start < turn.content_end), None)


def _render(tokenizer: Any, messages: list[Any], **options: bool) -> str:
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, **options)
    except TemplateError as error:  # such as two user messages in a row, for a template that forbids them
        raise _NotRenderedError("template_refuses") from error


def _plain(message: Message) -> dict[str, Any]:
    """Leave out what is not set, and make tool calls the objects that templates expect."""
    plain = {name: value for name, value in message.items() if value is not None}
    plain.setdefault("content", "")
    if isinstance(plain.get("tool_calls"), str):
        plain["tool_calls"] = json.loads(plain["tool_calls"])
    return plain
