"""Writes the text of a short recipe: the files as they were understood, and steps that suit nearly everybody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataforge.core import registry
from dataforge.lint.sniff import Guess

_SCHEMA_FILE = "recipe.schema.json"
_FEW_ROWS = 400
_MANY_FILES = 6


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a file's beginning shows.

    Args:
        path: The file.
        guess: The source that reads it.
        rows: Rows of its first batch, by kind.
        brings_license: Whether all of those rows carry a licence of their own.
    """

    path: Path
    guess: Guess
    rows: dict[str, int]
    brings_license: bool


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A `[[source]]` to be: files that are read in one way."""

    name: str
    looked: tuple[Looked, ...]

    @property
    def guess(self) -> Guess:
        """How they are read."""
        return self.looked[0].guess


def recipe_text(path: Path, name: str, sources: Sequence[SourceDraft]) -> str:
    """Write the text of a recipe.

    Args:
        path: Where it will lie; paths in it are relative to its folder.
        name: The recipe's name.
        sources: What it reads.

    Returns:
        TOML; what was guessed has its reason beside it, as a comment.
    """
    base = path.absolute().parent
    rows = sum(count for source in sources for each in source.looked for count in each.rows.values())
    share = 0.1 if rows < _FEW_ROWS else 0.05
    parts = [
        f"name = {_toml(name)}\nseed = 17\nschema = 1",
        "[split]                       # by group, fixed when a row is born, with a seed of its own\n"
        f"seed = 1\nvalidation = {share}\ntest = {share}",
        *(_source_text(source, base) for source in sources),
        *_step_texts(len(sources)),
        *_train_texts(sources),
    ]
    head = f"#:schema ./{_SCHEMA_FILE}\n" if (base / _SCHEMA_FILE).exists() else ""
    return head + "\n\n".join(parts) + "\n"


def _source_text(source: SourceDraft, base: Path) -> str:
    guess = source.guess
    lines = ["[[source]]", f"use = {_toml(guess.use)}"]
    lines[1] += f"{' ' * max(30 - len(lines[1]), 2)}# {_comment(guess.why)}"
    if source.name != guess.use:
        lines.append(f"name = {_toml(source.name)}")
    files = _patterns([each.path for each in source.looked], base)
    if len(files) == 1:
        lines.append(f"files = {_toml(files[0])}")
    else:
        lines += ["files = [", *(f"    {_toml(file)}," for file in files), "]"]
    lines += [f"{key} = {_toml(value)}" for key, value in guess.params.items()]
    if not all(each.brings_license for each in source.looked):
        lines.append('# license = "…"                # under which you have the data; else its rows carry "unknown"')
    return "\n".join(lines)


def _comment(text: str) -> str:
    return " ".join(text.split())


def _patterns(files: Sequence[Path], base: Path) -> list[str]:
    """Write paths relative to the recipe; one pattern for many files where it matches those alone."""
    suffixes = {"".join(file.suffixes[-2:] if file.suffix in {".gz", ".zst"} else file.suffixes[-1:]) for file in files}
    folders = {file.absolute().parent for file in files}
    if len(files) >= _MANY_FILES and len(suffixes) == len(folders) == 1 and (suffix := suffixes.pop()):
        folder = folders.pop()
        if set(folder.glob(f"*{suffix}")) == {file.absolute() for file in files}:
            return [f"{_relative(folder, base)}/*{suffix}"]
    return list(dict.fromkeys(_relative(file, base) for file in files))


def _relative(path: Path, base: Path) -> str:
    """Write a path as seen from a folder; in full where they share no more than the root."""
    # The file's own name stays, also where it is a link: sources look at endings.
    parts = (path.absolute().parent.resolve() / path.name).parts
    from_parts = base.resolve().parts
    pairs = zip(parts[:-1], from_parts, strict=False)
    shared = next(
        (place for place, (one, other) in enumerate(pairs) if one != other), min(len(parts) - 1, len(from_parts))
    )
    if shared < 2 and len(from_parts) > 1:
        return Path(*parts).as_posix()
    return Path(*[".."] * (len(from_parts) - shared), *parts[shared:]).as_posix()


def _step_texts(sources: int) -> list[str]:
    steps = [
        '[[step]]\nuse = "normalize"             # one form of Unicode, spaces and lines; invisible characters go',
        '[[step]]\nuse = "exact_dedup"           # of rows that say the same, one stays\non = "row"',
        '[[step]]\nuse = "length_filter"         # neither empty nor endless; the report shows how long rows are\n'
        'on = "conversation"\nunit = "words"\nmin = 2\nmax = 8000',
    ]
    if sources > 1:
        why = "one question from two sources stays on one side of the split"
        steps.append(f'[[step]]\nuse = "group"                 # {why}\nby = "prompt"')
    return steps


_TRAIN = """[[train]]
use = "sft"
model = "tiny"                # or a folder, or a model of the hub
data = { kind = "sft" }"""
_EVAL = """[[eval]]
models = ["sft", "base"]
baseline = "base"
split = "test"
use = ["perplexity"]"""


def _train_texts(sources: Sequence[SourceDraft]) -> list[str]:
    kinds = {kind for source in sources for each in source.looked for kind in each.rows}
    texts = [_TRAIN]
    if "sft" not in registry.names("trainer") or "sft" not in kinds:
        lacks = "no row has a single answer to learn" if "sft" not in kinds else "there is no trainer 'sft'"
        return [f"# Nothing is trained: {lacks}. What training would look like:", *map(_commented, [_TRAIN, _EVAL])]
    texts.append(_EVAL if "perplexity" in registry.names("metric") else _commented(_EVAL))
    return texts


def _commented(text: str) -> str:
    return "\n".join(f"# {line}" for line in text.splitlines())


def _toml(value: Any) -> str:
    """Write a value as TOML: its strings, arrays and numbers are those of JSON, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
