"""What is printed, and where: data on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

_PLAIN_EVERY_S = 10.0


def say(text: str) -> None:
    """Print a result on standard output."""
    print(_printable(text, sys.stdout.encoding), flush=True)


def say_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(value, indent=1, ensure_ascii=True))


def complain(text: str) -> None:
    """Print a message on standard error."""
    print(_printable(text, sys.stderr.encoding), file=sys.stderr, flush=True)


def _printable(text: str, encoding: str | None) -> str:
    """Make text harmless for a terminal: control characters and what the encoding lacks are shown as escapes."""
    safe = "".join(
        letter if letter in "\n\t" or letter.isprintable() or letter == "\u3000" else _escaped(letter)
        for letter in text
    )
    return safe.encode(encoding or "utf-8", errors="backslashreplace").decode(encoding or "utf-8")


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii") if ord(letter) < 0xA0 else f"\\u{ord(letter):04x}"


def is_terminal() -> bool:
    """Say whether a person watches standard error."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class StageProgress:
    """A bar on standard error while a stage runs; plain lines, far apart, when nobody watches."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._stage = ""
        self._done = 0
        self._total = 0
        self._spoke = time.monotonic()

    def begin(self, stage: str) -> None:
        """A stage begins."""
        self.close()
        self._stage, self._done, self._total = stage, 0, 0
        self._spoke = time.monotonic()
        if is_terminal():
            self._bar = _rich_bar()
            self._task = self._bar.add_task(stage, total=None)
            self._bar.start()

    def tasks(self, size: int) -> None:
        """This many more bytes are to be worked through."""
        self._total += size
        if self._bar is not None:
            self._bar.update(self._task, total=self._total)

    def done(self, size: int) -> None:
        """So many bytes are done for good."""
        self._done += size
        self.under_way(0)

    def under_way(self, size: int) -> None:
        """So many bytes more are half way."""
        behind = min(self._done + size, self._total)
        if self._bar is not None:
            self._bar.update(self._task, completed=behind)
        elif time.monotonic() - self._spoke > _PLAIN_EVERY_S:
            self._spoke = time.monotonic()
            complain(f"  {self._stage}: {behind / 1e6:,.0f} of {self._total / 1e6:,.0f} MB")

    def close(self) -> None:
        """The stage is over: the bar goes."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("  {task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
