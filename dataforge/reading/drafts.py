"""What a source says of one record: the rows in it, what was repaired, or why it is no good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

OnError = Literal["repair", "reject", "fail"]


class RawRecord(NamedTuple):
    """One raw record: its bytes, and where they stand in the (uncompressed) file."""

    data: bytes
    byte: int
    line: int | None = None


class Message(NamedTuple):
    """One message of a prompt or of a response; roles are those of `core.schema.ROLES`."""

    role: str
    content: str
    name: str | None = None
    tool_calls: str | None = None
    tool_call_id: str | None = None
    train: bool | None = None


class Response(NamedTuple):
    """One response to a prompt; rank 0 is the best, ties share a rank."""

    messages: Sequence[Message]
    rank: int = 0
    score: float | None = None
    author: str | None = None
    url: str | None = None
    license: str | None = None


class RowDraft(NamedTuple):
    """A row without identity. `group` is the source's own name for what must not be split apart."""

    group: str
    prompt: Sequence[Message]
    responses: Sequence[Response]
    tools: str | None = None
    url: str | None = None
    author: str | None = None
    license: str | None = None


@dataclass(slots=True)
class Parsed:
    """The rows of one record, and the codes of what had to be repaired to get them."""

    rows: list[RowDraft] = field(default_factory=list[RowDraft])
    repairs: list[str] = field(default_factory=list[str])


class RecordFaultError(Exception):
    """A record that cannot be used; a value on its way to the ledger, never shown as a traceback.

    Args:
        code: The name of one of the source's codes.
        detail: What exactly is wrong with this record, in a few words.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
