"""Trees of messages in which prompter and assistant take turns: who answers whom, and in what rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from dataforge.core.codes import Code
from dataforge.reading.drafts import Message, Response, RowDraft

# The longest known conversation has some twenty messages. Every answered message repeats all before it in its row,
# so hostile depth would cost the square.
MAX_DEPTH = 100

_LEFT_OUT = "It is left out, with all that follows it."

TREE_CODES: tuple[Code, ...] = (
    Code("bad-message", "A message is no object, or its text or role is missing or no text.", repair=_LEFT_OUT),
    Code(
        "bad-role", "A message is not by whom its place asks for: prompter and assistant take turns.", repair=_LEFT_OUT
    ),
    Code("empty-message", "A message has no text.", repair=_LEFT_OUT),
    Code("too-deep", f"A message has {MAX_DEPTH} or more before it.", repair=_LEFT_OUT),
    Code("deleted-message", "A message is marked as deleted.", repair=_LEFT_OUT, is_fault=False),
    Code("spam-message", "A message was found to be spam (review_result is false).", repair=_LEFT_OUT, is_fault=False),
    Code("synthetic-message", "The message was written by a model, and keep_synthetic is false.", is_fault=False),
    Code("other-language", "The message is in none of the languages of `lang`.", is_fault=False),
    Code("unranked-reply", "A reply has no rank, and others to the same message have.", repair="It is not compared."),
    Code("no-reply", "No reply is there, or none that can be used.", is_fault=False),
)
_REPAIRABLE = {code.name for code in TREE_CODES if code.repair is not None}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are asked for: these languages (all where there are none), and those of models or not."""

    languages: tuple[str, ...] = ()
    keep_synthetic: bool = True


@dataclass(slots=True, eq=False)
class Node:
    """A message in its tree.

    Args:
        parent: What it answers; None for the root.
        depth: How many messages stand before it; a person asks at the even ones.
        fault: Why it cannot be used, as one of `TREE_CODES`.
        text: What it says.
        rank: Its rank among its siblings, 0 for the best; None where it has none.
        replies: The messages that answer it, in file order.
    """

    parent: Node | None
    depth: int
    fault: str | None = None
    text: str = ""
    rank: int | None = None
    replies: list[Node] = field(default_factory=list["Node"])

    @property
    def is_prompter(self) -> bool:
        """Say whether a person asks here, and no assistant answers."""
        return self.depth % 2 == 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A prompter's message and the replies to it that can be compared, with their ranks, best first."""

    prompter: Node
    replies: list[tuple[Node, int]]
    unranked: list[Node]

    def path(self) -> list[Node]:
        """Give all messages from the root to the prompter's."""
        path: list[Node] = []
        node: Node | None = self.prompter
        while node is not None:
            path.append(node)
            node = node.parent
        return path[::-1]

    def row(self, group: str, license_name: str) -> RowDraft:
        """Make a row: the prompt is the path to the prompter's message."""
        prompt = [Message("user" if node.is_prompter else "assistant", node.text) for node in self.path()]
        responses = [Response([Message("assistant", reply.text)], rank) for reply, rank in self.replies]
        return RowDraft(group, prompt, responses, license=license_name)


def grow(value: Any, parent: Node | None, wanted: Wanted) -> Node:
    """Make a node of a message and hang it under what it answers."""
    node = Node(parent, 0 if parent is None else parent.depth + 1)
    if parent is not None:
        parent.replies.append(node)
    if node.depth >= MAX_DEPTH:
        node.fault = "too-deep"
    elif isinstance(value, dict):
        message = cast("dict[str, Any]", value)
        node.fault = _form_fault(message, node) or _choice_fault(message, wanted)
        text, rank = message.get("text"), message.get("rank")
        node.text = text if isinstance(text, str) else ""
        node.rank = rank if isinstance(rank, int) and not isinstance(rank, bool) and rank >= 0 else None
    else:
        node.fault = "bad-message"
    return node


def _form_fault(message: dict[str, Any], node: Node) -> str | None:
    text, role = message.get("text"), message.get("role")
    if not isinstance(text, str) or not isinstance(role, str):
        return "bad-message"
    if role != ("prompter" if node.is_prompter else "assistant"):
        return "bad-role"
    return None if text.strip() else "empty-message"


def _choice_fault(message: dict[str, Any], wanted: Wanted) -> str | None:
    if message.get("deleted") is True:
        return "deleted-message"
    if message.get("review_result") is False:
        return "spam-message"
    if message.get("synthetic") is True and not wanted.keep_synthetic:
        return "synthetic-message"
    if wanted.languages and message.get("lang") not in wanted.languages:
        return "other-language"
    return None


def grow_tree(value: Any, wanted: Wanted) -> Node:
    """Make a tree of a message with nested `replies`."""
    root = grow(value, None, wanted)
    ahead: list[tuple[Any, Node]] = [(value, root)]
    while ahead:
        message, node = ahead.pop()
        replies = cast("dict[str, Any]", message).get("replies") if isinstance(message, dict) else None
        if isinstance(replies, list):
            ahead += [(reply, grow(reply, node, wanted)) for reply in cast("list[Any]", replies)]
    return root


def grow_thread(messages: list[Any], wanted: Wanted) -> Node:
    """Make a tree of messages that answer each the one before."""
    root = node = grow(messages[0], None, wanted)
    for message in messages[1:]:
        node = grow(message, node, wanted)
    return root


def usable(root: Node) -> Iterator[Node]:
    """Give the messages that can be used, each after what it answers; below one that cannot, none can."""
    ahead = [root] if root.fault is None else []
    while ahead:
        node = ahead.pop()
        yield node
        ahead += [reply for reply in reversed(node.replies) if reply.fault is None]


def exchanges(root: Node) -> Iterator[Exchange]:
    """Give every message of a prompter that has a reply, with the replies to it."""
    for node in usable(root):
        exchange = _exchange(node) if node.is_prompter else None
        if exchange is not None:
            yield exchange


def best_exchange(root: Node) -> Exchange | None:
    """Follow the best reply, and the first question after it that has one, to the last exchange."""
    best = _exchange(root) if root.fault is None else None
    following = best
    while following is not None:
        best = following
        reply = best.replies[0][0]
        nexts = (_exchange(node) for node in reply.replies if node.fault is None)
        following = next((exchange for exchange in nexts if exchange is not None), None)
    return best


def _exchange(prompter: Node) -> Exchange | None:
    replies = [reply for reply in prompter.replies if reply.fault is None]
    if not replies:
        return None
    ranks = sorted({reply.rank for reply in replies if reply.rank is not None})
    if len(replies) == 1 or not ranks:  # nobody compared them: none is better than another
        return Exchange(prompter, [(reply, 0) for reply in replies], [])
    ranked = [(reply, ranks.index(reply.rank)) for reply in replies if reply.rank is not None]
    ranked.sort(key=lambda pair: pair[1])
    return Exchange(prompter, ranked, [reply for reply in replies if reply.rank is None])


def fate_of(node: Node) -> str:
    """Say why a message of a tree got into no row, where another than the best path was not asked for."""
    if node.fault is not None:
        return node.fault
    above = node.parent
    while above is not None:
        if above.fault is not None:
            return "below-left-out"
        above = above.parent
    return "no-reply" if node.is_prompter else "unranked-reply"


def repairs_of(root: Node, used: list[Exchange]) -> list[str]:
    """Name what had to be left out of a tree; what the recipe did not ask for is not among it."""
    faults = [reply.fault for node in usable(root) for reply in node.replies]
    repairs = [fault for fault in faults if fault in _REPAIRABLE]
    return repairs + ["unranked-reply" for exchange in used if exchange.unranked]
