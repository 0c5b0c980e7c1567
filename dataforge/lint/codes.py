"""What `forge lint` finds in sound records: codes, what they mean, and what can be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

# A message of about 8,000 tokens; of those who train small models, few have room for more.
LONG_CHARACTERS = 32_000
# Short answers such as "yes" may well repeat a short question.
MIN_ECHO_CHARACTERS = 20
# Shares are told only where there is enough to tell them from; the interval of a share says the rest.
MIN_PAIRS = 20
MIN_MESSAGES = 100
BIASED_SHARE = 0.6
SMALL_ROLE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class DataCode:
    """One kind of trouble that only shows in the rows, not in a record's form.

    Args:
        name: Stable and unique, in kebab case.
        severity: `error` makes `forge lint` exit with 3.
        what: One sentence on what is wrong.
        build: What a build does about it.
    """

    name: str
    severity: Severity
    what: str
    build: str


DATA_CODES: tuple[DataCode, ...] = (
    DataCode(
        "flipped-pair",
        "error",
        "The same pair stands in an earlier record with chosen and rejected exchanged.",
        "both are kept; which one is right, only a person can say",
    ),
    DataCode(
        "duplicate-record",
        "warning",
        "The record says the same as an earlier one.",
        "the step exact_dedup keeps one of them",
    ),
    DataCode(
        "same-but-for-blanks",
        "warning",
        "The best and the worst answer differ in blanks or letter case alone.",
        "kept; exact_dedup compares rows, not the answers of one row",
    ),
    DataCode(
        "echoed-prompt",
        "warning",
        f"The answer repeats the question word for word ({MIN_ECHO_CHARACTERS} characters or more).",
        "kept",
    ),
    DataCode("empty-message", "warning", "A message has no text that can be seen, and calls no tool.", "kept"),
    DataCode(
        "length-bias",
        "warning",
        f"In clearly more than {BIASED_SHARE:.0%} of the pairs the better answer is the longer one, or the shorter one:"
        " a reward model can learn length instead of worth.",
        "kept",
    ),
    DataCode(
        "mojibake",
        "warning",
        "A text looks like UTF-8 that was read as Windows-1252, such as 'Ã©' for 'é'.",
        "kept; the step normalize mends it with mojibake = true",
    ),
    DataCode(
        "replacement-character",
        "warning",
        "A text holds U+FFFD: a character was lost before the file was written.",
        "kept; what is lost cannot be mended",
    ),
    DataCode(
        "unprintable-character",
        "note",
        "A text holds control characters other than tabs and line ends.",
        "the step normalize takes them out",
    ),
    DataCode(
        "zero-width-character",
        "note",
        "A text holds characters that nobody sees: zero-width spaces, soft hyphens, byte-order marks.",
        "the step normalize takes them out",
    ),
    DataCode("not-nfc", "note", "A text is not in the Unicode form NFC.", "the step normalize writes it in that form"),
    DataCode(
        "long-message",
        "note",
        f"A message has more than {LONG_CHARACTERS:,} characters, about {LONG_CHARACTERS // 4:,} tokens.",
        "kept; the step length_filter can set a limit",
    ),
    DataCode(
        "shared-prompt",
        "note",
        "An earlier record has the same prompt, and other answers.",
        "kept; the step group puts them on one side of the split",
    ),
    DataCode(
        "uneven-roles",
        "note",
        f"Of the messages by users and assistants, fewer than {SMALL_ROLE_SHARE:.0%} are by one of the two.",
        "kept",
    ),
)

DATA_CODE: dict[str, DataCode] = {code.name: code for code in DATA_CODES}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found.

    Args:
        path: The file, as the command line has it.
        line: Its line, from 1; None where the format has none.
        byte: Its byte in the unpacked file, from 0.
        detail: What exactly is wrong there.
        excerpt: A piece of the record, or of the text.
    """

    path: str
    line: int | None
    byte: int | None
    detail: str = ""
    excerpt: str = ""


@dataclass(slots=True)
class Finding:
    """One code, how many records of a file it holds for, and the first of them.

    Args:
        code: Its name.
        severity: How bad it is.
        records: How many records of the file; 0 for a finding on the file as a whole.
        what: What it means.
        build: What a build does about it.
        places: The first places.
    """

    code: str
    severity: Severity
    records: int
    what: str
    build: str
    places: list[Place] = field(default_factory=list[Place])
