"""Builders for tests: they name only what matters."""

from __future__ import annotations

import json
from pathlib import Path

from dataforge.engine.build import Built, build
from dataforge.recipe.load import load_recipe
from dataforge.store.home import Store

STEPS = """
[[step]]
use = "normalize"

[[step]]
use = "exact_dedup"
on = "conversation"

[[step]]
use = "length_filter"
on = "assistant[-1]"
unit = "characters"
min = 4
"""


def a_conversation(question: str, answer: str, name: str | None = None) -> dict:
    """A ShareGPT record of one question and one answer."""
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {**({"id": name} if name else {}), "conversations": turns}


def json_lines(path: Path, records: list) -> Path:
    """Write records, one a line; bytes are written as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode() for record in records
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def a_recipe(
    folder: Path, *, steps: str = STEPS, files: str = "data/*.jsonl", use: str = "sharegpt", more: str = ""
) -> Path:
    """Write a recipe with one source; the split gives all three sides something."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.toml"
    path.write_text(
        f'name = "small"\nseed = 3\n{more}\n[split]\nvalidation = 0.2\ntest = 0.2\n'
        f'[[source]]\nuse = "{use}"\nname = "chats"\nfiles = "{files}"\nlicense = "cc0-1.0"\n{steps}',
        encoding="utf-8",
    )
    return path


def built(recipe: Path, *overrides: str, **options) -> Built:
    """Build a recipe in the folder it lies in."""
    return build(Store(recipe.parent), load_recipe(recipe, overrides), **options)


def stage(run: dict, name: str) -> dict:
    """Find a stage in a run record."""
    return next(found for found in run["stages"] if found["name"] == name)
