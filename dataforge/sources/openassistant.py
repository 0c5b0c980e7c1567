"""OpenAssistant: exported conversations, as trees, as threads, or as single messages that name what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import OnError, Parsed, RawRecord, RecordFaultError
from dataforge.reading.json_records import JSON_CODES, Broken, json_records, parse_json
from dataforge.reading.message_trees import (
    TREE_CODES,
    Exchange,
    Node,
    Wanted,
    best_exchange,
    exchanges,
    fate_of,
    grow,
    grow_thread,
    grow_tree,
    repairs_of,
)
from dataforge.reading.tree_join import Stored, TreeJoin

_LICENSE = "apache-2.0"


@dataclass(frozen=True, kw_only=True)
class OpenAssistant:
    """OpenAssistant exports: every prompter's message with its ranked replies makes one row.

    The three kinds of objects are told apart by their keys and may be mixed: `message_tree_id` with `prompt`,
    `thread_id` with `thread`, and single messages with `message_id`. The prompt is the path from the root; a tree is a
    group. A lone reply has rank 0; where only some replies have a rank, the others are left out of the row; where none
    has, all share rank 0. Deleted messages and spam are left out with what follows them. Rows carry the license
    apache-2.0, as the data set states it.
    """

    version: ClassVar[int] = 1
    gives: ClassVar[frozenset[str]] = frozenset({"preference", "sft"})
    codes: ClassVar[tuple[Code, ...]] = (
        *JSON_CODES,
        *TREE_CODES,
        Code("not-openassistant", "The record is neither a tree, nor a thread, nor a message."),
        Code("bad-id", "An id is missing or no text."),
        Code("duplicate-message", "A message of this id came before."),
        Code("missing-parent", "An ancestor of the message is not in the file, or it is its own ancestor."),
        Code("below-left-out", "The message follows one that was left out.", is_fault=False),
        Code("off-best-path", "The message does not lie on its tree's best path.", is_fault=False),
    )

    rows: Annotated[
        Literal["all", "best_path"],
        Field(description="A row for every answered message, or one a tree: the last exchange along the best replies."),
    ] = "all"
    lang: Annotated[
        tuple[str, ...], Field(description="Languages of the messages to keep, as `en` or `pt-BR`; none means all.")
    ] = ()
    keep_synthetic: Annotated[bool, Field(description="Keep messages that a model wrote.")] = True
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read an export: trees and threads as they come, then the trees that single messages make."""
        builder = BatchBuilder(file, self.codes, self.on_error)
        for _ in self._enter_all(builder, file.path):
            if builder.is_full:
                yield builder.finish()
        if not builder.is_empty:
            yield builder.finish()

    def _enter_all(self, builder: BatchBuilder, path: Path) -> Iterator[None]:
        """Enter all records, and stop after each record or tree that is whole."""
        with closing(TreeJoin()) as join:
            for item in json_records(path):
                if isinstance(item, Broken):
                    builder.reject(item.raw, item.code, item.detail)
                else:
                    self._take(builder, join, item)
                yield
            for tree in join.trees():
                self._add_messages(builder, tree)
                yield
            for stray in join.strays():
                builder.reject(stray.raw, "missing-parent", f"parent_id is '{stray.parent_id}'")
                yield

    @property
    def _wanted(self) -> Wanted:
        return Wanted(self.lang, self.keep_synthetic)

    def _chosen(self, root: Node) -> list[Exchange]:
        if self.rows == "all":
            return list(exchanges(root))
        best = best_exchange(root)
        return [] if best is None else [best]

    def _take(self, builder: BatchBuilder, join: TreeJoin, raw: RawRecord) -> None:
        try:
            record, repairs = _parse(raw)
            tree = self._tree_of(record)
            if tree is not None:
                parsed = self._rows_of(*tree)
                parsed.repairs[:0] = repairs
                builder.add(raw, parsed)
                return
            _put(join, record, raw, repairs)
        except RecordFaultError as fault:
            builder.reject(raw, fault.code, fault.detail)

    def _tree_of(self, record: dict[str, Any]) -> tuple[Node, str] | None:
        """Give the tree and its group where the record is a tree or a thread."""
        if "message_tree_id" in record and "prompt" in record:
            return grow_tree(record["prompt"], self._wanted), _text(record, "message_tree_id")
        messages = record.get("thread")
        if "thread_id" not in record or not isinstance(messages, list) or not messages:
            return None
        first = cast("list[Any]", messages)[0]
        # A thread is called by its last message, and its tree by the first.
        if not isinstance(first, dict):
            raise RecordFaultError("bad-message", "the first message")
        group = _text(cast("dict[str, Any]", first), "message_id")
        return grow_thread(cast("list[Any]", messages), self._wanted), group

    def _rows_of(self, root: Node, group: str) -> Parsed:
        if root.fault is not None:
            raise RecordFaultError(root.fault, "the first message")
        chosen = self._chosen(root)
        if not chosen:
            raise RecordFaultError("no-reply")
        return Parsed([exchange.row(group, _LICENSE) for exchange in chosen], repairs_of(root, chosen))

    def _add_messages(self, builder: BatchBuilder, tree: list[Stored]) -> None:
        """Enter a tree of single messages: a prompter's brings its row, the others go into the rows they stand in."""
        nodes: dict[str, Node] = {}
        for message in tree:
            parent = None if message.parent_id is None else nodes[message.parent_id]
            nodes[message.message_id] = grow(parse_json(message.raw.data)[0], parent, self._wanted)
        group = tree[0].message_id
        chosen = {exchange.prompter: exchange for exchange in self._chosen(nodes[group])}
        rows: dict[Node, list[int]] = {}
        for message in tree:
            exchange = chosen.get(nodes[message.message_id])
            if exchange is not None:
                places = builder.add(message.raw, Parsed([exchange.row(group, _LICENSE)]))
                for part in (*exchange.path(), *(reply for reply, _ in exchange.replies)):
                    rows.setdefault(part, []).extend(places)
        for message in tree:
            node = nodes[message.message_id]
            if node in chosen:
                continue
            if node in rows:
                builder.merge(message.raw, rows[node])
            else:
                builder.reject(message.raw, self._fate_of(node, chosen))

    def _fate_of(self, node: Node, chosen: dict[Node, Exchange]) -> str:
        fate = fate_of(node)
        if self.rows == "best_path" and fate == "unranked-reply" and node.parent not in chosen:
            return "off-best-path"
        if self.rows == "best_path" and fate == "no-reply" and any(reply.fault is None for reply in node.replies):
            return "off-best-path"
        return fate


def _parse(raw: RawRecord) -> tuple[dict[str, Any], list[str]]:
    value, repairs = parse_json(raw.data)
    if not isinstance(value, dict):
        raise RecordFaultError("not-an-object")
    return cast("dict[str, Any]", value), repairs


def _put(join: TreeJoin, record: dict[str, Any], raw: RawRecord, repairs: list[str]) -> None:
    message_id, parent_id = _ids(record)
    # Its rows hang together with those of other records, so a mended message would taint sound ones.
    if repairs:
        raise RecordFaultError(repairs[0])
    if not join.put(message_id, parent_id, raw):
        raise RecordFaultError("duplicate-message", message_id)


def _ids(record: dict[str, Any]) -> tuple[str, str | None]:
    if "message_id" not in record:
        raise RecordFaultError("not-openassistant", f"its keys are {', '.join(sorted(record)[:8]) or 'none'}")
    parent_id = record.get("parent_id")
    if parent_id is not None and not isinstance(parent_id, str):
        raise RecordFaultError("bad-id", "parent_id is no text")
    return _text(record, "message_id"), parent_id or None


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise RecordFaultError("bad-id", f"{name} is missing or no text")
    return value


SOURCE: type[Source] = OpenAssistant
