"""A recipe file from disk to a tree: bytes, text, TOML, and the files it includes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path, PurePath
from typing import Any

from dataforge.core.errors import Where
from dataforge.core.registry import nearest
from dataforge.recipe.locate import locate
from dataforge.recipe.mistakes import Mistakes, did_you_mean, listed
from dataforge.recipe.tables import TABLES
from dataforge.recipe.tree import Node, grow

_BOM = "\ufeff"
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BARE_WORD = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=\s*([A-Za-z.~/*][^\s\"'\[\]{}#=,]*)\s*(?:#.*)?$")
_HEADER = re.compile(r"^\s*\[{1,2}\s*([A-Za-z0-9_-]+)")
_ADVICE = (
    ("Cannot overwrite", "the key is there twice: keep one of the two"),
    ("Cannot declare", "the table is there twice: write [[name]] for each of several, or join them"),
    ("Expected '='", "write key = value"),
    ("Invalid statement", "write key = value, or a table's header as [name] or [[name]]"),
    ("Unescaped '\\'", "write the backslash twice, or put the text in 'single quotes'"),
    ("Expected newline", "one key = value stands on a line; text stands in quotes"),
    ("Expected ']", "close the bracket on the same line"),
    ('Expected "\'"', "close the quotes"),
    ("Unterminated", "close the quotes"),
    ("Unclosed array", "close the bracket"),
    ("Unclosed inline table", "close the brace; such a table stands on one line"),
    ("Illegal character", "remove the character, or write it as \\uXXXX"),
    ("Invalid value", "put text in quotes; write true, false or a number without them"),
)


def read_tree(path: Path, base: Path, mistakes: Mistakes) -> tuple[Node, str] | None:
    """Read one file.

    Args:
        path: The file, as messages are to call it.
        base: Its folder, absolute.
        mistakes: Takes what is wrong with it.

    Returns:
        The tree and the text, or None where there is no sound TOML.
    """
    mistakes.note_file(path)
    text = _read_text(base / path.name, path, mistakes)
    if text is None:
        return None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _note_syntax(str(error), path, text, mistakes)
        return None
    return grow(values, locate(text), path, base), text


def read_with_includes(path: Path, mistakes: Mistakes) -> tuple[Node, str] | None:
    """Read a recipe and the files it includes into one tree.

    Included tables come first; where a key stands in both, the including file's value holds.

    Args:
        path: The recipe.
        mistakes: Takes what is wrong with any of the files.

    Returns:
        The tree and the recipe's own text, or None where the recipe itself could not be read.
    """
    base = path.absolute().parent.resolve()
    read = read_tree(path, base, mistakes)
    if read is None:
        return None
    seen = {base / path.name}
    return _included(read[0], path, (base / path.name,), seen, mistakes), read[1]


def _included(root: Node, path: Path, chain: tuple[Path, ...], seen: set[Path], mistakes: Mistakes) -> Node:
    wanted = root.table.get("include")
    names = wanted.items if wanted is not None and wanted.is_array else [wanted] if wanted else []
    below: Node | None = None
    for name in names:
        if not isinstance(name.value, str):
            continue  # the check of the keys says so
        shown = path.parent / name.value
        real = (root.base / name.value).resolve()
        if real in seen:
            is_cycle = real in chain
            mistakes.add(
                f"'{name.value}' includes itself" if is_cycle else f"'{name.value}' is included twice",
                fix="remove it from this include",
                where=name.place,
            )
            continue
        seen.add(real)
        if not real.is_file():
            mistakes.add(
                f"there is no file '{name.value}' to include", fix=_near_file(real, name.value), where=name.place
            )
            continue
        read = read_tree(shown, real.parent, mistakes)
        if read is not None:
            child = _included(read[0], shown, (*chain, real), seen, mistakes)
            child.table.pop("include", None)
            below = child if below is None else _merged(below, child)
    return root if below is None else _merged(below, root)


def _merged(under: Node, over: Node) -> Node:
    """Lay one tree over another: arrays of tables follow each other, tables join, the rest is replaced."""
    joined = dict(under.table)
    for key, child in over.table.items():
        old = joined.get(key)
        if old is not None and old.is_table and child.is_table:
            joined[key] = _merged(old, child)
        elif old is not None and _is_array_of_tables(old) and _is_array_of_tables(child):
            joined[key] = Node([*old.items, *child.items], child.place, child.base)
        else:
            joined[key] = child
    return Node(joined, over.place, over.base)


def _is_array_of_tables(node: Node) -> bool:
    return node.is_array and all(item.is_table for item in node.items)


def _read_text(file: Path, shown: Path, mistakes: Mistakes) -> str | None:
    where = Where(shown)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        mistakes.add("there is no such recipe", fix=_near_file(file, str(shown)), where=where)
        return None
    except IsADirectoryError:
        there = sorted(child.name for child in file.glob("*.toml"))
        mistakes.add("this is a folder, not a recipe", fix=f"name a file; in it: {listed(there)}", where=where)
        return None
    except OSError as error:
        mistakes.add(f"the recipe cannot be read: {error.strerror}", fix="see to the file's permissions", where=where)
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8")) + 1
        mistakes.add(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            fix="save the file as UTF-8",
            where=Where(shown, line, column),
        )
        return None
    # Editors on Windows put a byte order mark first; it says nothing. tomllib reads \r\n as \n too.
    return text.removeprefix(_BOM).replace("\r\n", "\n")


def _near_file(file: Path, written: str) -> str:
    try:
        there = sorted(child.name for child in file.parent.iterdir() if child.suffix == ".toml")
    except OSError:
        return f"there is no folder '{file.parent.name}' either; see to the path"
    near = nearest(file.name, there)
    return did_you_mean(
        near and str(PurePath(written).parent / near),
        f"name one of these: {listed(there[:8])}" if there else "see to the path",
    )


def _note_syntax(message: str, path: Path, text: str, mistakes: Mistakes) -> None:
    """Note where the text stops being TOML; a misspelled header is told in its stead, as it is often the cause."""
    lines = text.split("\n")
    if message.startswith(("Cannot declare", "Cannot overwrite", "Cannot mutate")):
        headers = [_HEADER.match(line) for line in lines]
        wrong = [(number, found) for number, found in enumerate(headers, 1) if found and found[1] not in TABLES]
        for number, found in wrong:
            fix = did_you_mean(nearest(found[1], TABLES), f"the tables are {listed([*TABLES])}")
            where = Where(path, number, found.start(1) + 1)
            mistakes.add(f"a recipe has no table '{found[1]}'", fix=fix, where=where)
        if wrong:
            return
    found = _PLACE.search(message)
    what = re.sub(r"\((.*?),?\)", lambda path: f"[{path[1]}]", _PLACE.sub("", message))
    line, column = (int(found[1]), int(found[2])) if found and found[1] else (len(lines), len(lines[-1]) + 1)
    if what.startswith("Cannot overwrite"):  # tomllib names the end of the second pair, not its beginning
        column = len(lines[line - 1]) - len(lines[line - 1].lstrip()) + 1
    bare = _BARE_WORD.match(lines[line - 1])
    if bare and what.startswith(("Invalid value", "Expected newline")):
        word = bare[2].lower() if bare[2].lower() in {"true", "false"} else f'"{bare[2]}"'
        advice = f"write {bare[1]} = {word}"
    else:
        advice = next((advice for start, advice in _ADVICE if what.startswith(start)), "mend the line; see toml.io")
    mistakes.add(f"this is not TOML: {what[0].lower()}{what[1:]}", fix=advice, where=Where(path, line, column))


def parse_value(text: str) -> Any:
    """Read a value as TOML has it; what TOML cannot read, and is not begun as its text or array, is a word.

    Args:
        text: What stands after `=` in an override.

    Returns:
        A TOML value; a bare word comes back as text without blanks around it.

    Raises:
        ValueError: It is empty, or begins like TOML's text, array or table and does not end so.
    """
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError as error:
        if not text.strip() or text.lstrip()[0] in "\"'[{" or "\n" in text:
            message = "it is empty" if not text.strip() else _PLACE.sub("", str(error))
            raise ValueError(message[0].lower() + message[1:]) from error
        return text.strip()
    if set(parsed) != {"value"}:
        raise ValueError("it holds more than one value")
    return parsed["value"]
