"""Small files of every shape that the bad-input tests spoil, and the recipe that reads them all."""

from __future__ import annotations

import json
from pathlib import Path

from tests.make import a_conversation, a_recipe

# Every file holds so many things to learn from.
EACH = 6

SPLIT = "[split]\nvalidation = 0.0\ntest = 0.0\n"


def lines(records: list) -> bytes:
    """Write records one a line; bytes as they are."""
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n" for record in records
    )


def chats(name: str = "chat") -> list[dict]:
    return [a_conversation(f"What is {n} plus {n}?", f"That makes {2 * n}.", f"{name}{n}") for n in range(EACH)]


def _tree(n: int) -> dict:
    replies = [
        {"message_id": f"{name}{n}", "text": f"{text} {n}.", "role": "assistant", "rank": rank, "replies": []}
        for rank, (name, text) in enumerate([("yes", "Because of"), ("no", "Not at all")])
    ]
    prompt = {"message_id": f"ask{n}", "text": f"Why {n}?", "role": "prompter", "replies": replies}
    return {"message_tree_id": f"ask{n}", "tree_state": "ready_for_export", "prompt": prompt}


def _pair(n: int) -> dict:
    prompt = f"\n\nHuman: Where is {n}?\n\nAssistant:"
    return {"chosen": f"{prompt} Before {n + 1}.", "rejected": f"{prompt} Nowhere {n}."}


def posts() -> bytes:
    """A dump of questions, each with two answers."""
    day = 'CreationDate="2019-03-01T00:00:00.000"'
    rows = [
        f'  <row Id="{3 * n + 1}" PostTypeId="1" {day} Score="3" Title="Number {n}" Body="&lt;p&gt;Odd?&lt;/p&gt;" />\n'
        f'  <row Id="{3 * n + 2}" PostTypeId="2" ParentId="{3 * n + 1}" {day} Score="5" Body="Halve {n}." />\n'
        f'  <row Id="{3 * n + 3}" PostTypeId="2" ParentId="{3 * n + 1}" {day} Score="1" Body="No, {n}." />\n'
        for n in range(EACH)
    ]
    return f'<?xml version="1.0" encoding="utf-8"?>\n<posts>\n{"".join(rows)}</posts>\n'.encode()


def good() -> dict[str, bytes]:
    """One sound file of each shape, by its name."""
    tasks = [{"instruction": f"Count to {n}", "input": "", "output": f"One to {n}."} for n in range(EACH)]
    cells = [f'"When is {n}?","At {n} on the dot."\r\n' for n in range(EACH)]
    return {
        "lines.jsonl": lines(chats("line")),
        "array.json": json.dumps(chats("array"), indent=1).encode(),
        "pairs.jsonl": lines([_pair(n) for n in range(EACH)]),
        "trees.jsonl": lines([_tree(n) for n in range(EACH)]),
        "tasks.json": json.dumps(tasks).encode(),
        "posts.xml": posts(),
        "table.csv": f"question,answer\r\n{''.join(cells)}".encode(),
    }


_USE = {
    "lines.jsonl": "sharegpt",
    "array.json": "sharegpt",
    "pairs.jsonl": "hh_rlhf",
    "trees.jsonl": "openassistant",
    "tasks.json": "alpaca",
    "posts.xml": "stackexchange",
    "table.csv": "csv",
}


def write(folder: Path, files: dict[str, bytes], more: str = "") -> Path:
    """Write files and a recipe with one source for each, named as its file is."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    sources = []
    for name, data in files.items():
        (folder / "data" / name).write_bytes(data)
        columns = 'prompt = "question"\nresponse = "answer"\n' if name == "table.csv" else ""
        sources.append(
            f'[[source]]\nuse = "{_USE[name]}"\nname = "{name.split(".")[0]}"\nfiles = "data/{name}"\n'
            f'license = "cc0-1.0"\n{columns}'
        )
    path = folder / "small.toml"
    path.write_text(f'name = "small"\nseed = 3\n{SPLIT}{"".join(sources)}{more}', encoding="utf-8")
    return path


def chat_recipe(folder: Path, data: bytes, name: str = "a.jsonl", steps: str = "") -> Path:
    """Write a file of chats, and a recipe that reads it."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / name).write_bytes(data)
    return a_recipe(folder, files="data/*", steps=steps)
