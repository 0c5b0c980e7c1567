"""`forge init`: a short recipe for the files it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dataforge.core import registry
from dataforge.core.errors import DataError, ForgeError, InvariantError, RecipeError, Where
from dataforge.core.plugin import RawFile
from dataforge.core.schema import kind_of_row
from dataforge.engine.open_source import open_source
from dataforge.engine.sniff import Guess, sniff
from dataforge.recipe.load import load_recipe
from dataforge.recipe.names import is_safe_name
from dataforge.store.disk import machine_errors, write_whole

_SCHEMA_FILE = "recipe.schema.json"
# Names of files that say nothing of what is in them; the folder's name does.
_PLAIN_NAMES = {"train", "test", "data", "dataset", "posts", "part", "default", "chat", "output", "downloads"}
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


def look(path: Path) -> Looked:
    """Find out which source reads a file, and try it on the file's beginning.

    Raises:
        RecipeError: There is no such file.
        DataError: No source reads it, or none of its first records is usable.
    """
    guess = sniff(path)
    if not path.name.isprintable():
        fix = "rename it: a recipe is UTF-8 text"
        raise RecipeError("the file's name cannot be written in a recipe", where=Where(path), fix=fix)
    batch = next(iter(open_source(guess).read(RawFile(path, str(path), guess.use))), None)
    if batch is None or not batch.drafts.height:
        raise DataError(
            f"it looks like {guess.use}, and none of its first records is usable",
            where=Where(path),
            fix=f"see what is wrong: forge lint {path}",
        )
    kinds = batch.drafts.select(kind_of_row())["kind"].value_counts()
    has_license = bool(batch.drafts.select(pl.col("license").is_not_null().all()).item())
    return Looked(path, guess, dict(kinds.iter_rows()), has_license)


def group_files(looked: Sequence[Looked]) -> list[SourceDraft]:
    """Put the files that are read in one way into one source; name each source."""
    groups: dict[str, list[Looked]] = {}
    for each in looked:
        groups.setdefault(json.dumps([each.guess.use, each.guess.params], sort_keys=True), []).append(each)
    names: list[str] = []
    for group in groups.values():
        use = group[0].guess.use
        number = sum(name.rpartition("-")[0] == use or name == use for name in names) + 1
        names.append(use if number == 1 else f"{use}-{number}")
    return [SourceDraft(name, tuple(group)) for name, group in zip(names, groups.values(), strict=True)]


def name_for(files: Sequence[Path]) -> str:
    """Name a recipe after its files: the file's name, or the folder's where that says more."""
    folder = files[0].absolute().parent
    stem = files[0].name.split(".")[0]
    has_plain_name = re.split(r"[-_.]", stem.lower())[0] in _PLAIN_NAMES
    wanted = (folder.name if has_plain_name or len(files) > 1 else stem, stem, folder.name)
    tidy = [re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") for name in wanted]
    return next((name for name in tidy if is_safe_name(name)), "recipe")


def write_recipe(path: Path, name: str, sources: Sequence[SourceDraft]) -> None:
    """Write the recipe, and see that it loads.

    Args:
        path: Where to; there must be nothing yet.
        name: The recipe's name.
        sources: What it reads.

    Raises:
        RecipeError: The name is no name, or there is something at the path already.
        MachineError: The file cannot be written.
    """
    if not is_safe_name(name):
        raise RecipeError(f"'{name}' is no name for a recipe", fix="use letters, digits, '.', '_' and '-': --name NAME")
    if path.is_dir():
        raise RecipeError(f"{path} is a folder", fix=f"name a file in it: -o {path / name}.toml")
    if path.exists():
        raise RecipeError(f"{path} is there already, and is not overwritten", fix="choose another file: -o FILE.toml")
    with machine_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, recipe_text(path, name, sources).encode())
    try:
        load_recipe(path)
    except ForgeError as error:
        path.unlink()
        msg = f"the recipe that was written does not load: {error.message}"
        raise InvariantError(msg) from error


def recipe_text(path: Path, name: str, sources: Sequence[SourceDraft]) -> str:
    """Write the text of a recipe.

    Args:
        path: Where it will lie; paths in it are relative to its folder.
        name: The recipe's name.
        sources: What it reads.
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
        steps.append(
            '[[step]]\nuse = "group"                 # one question from two sources stays on one side of the split\nby = "prompt"'
        )
    return steps


_TRAIN = '[[train]]\nuse = "sft"\nmodel = "tiny"                # or a folder, or a model of the hub\ndata = { kind = "sft" }'
_EVAL = '[[eval]]\nmodels = ["sft", "base"]\nbaseline = "base"\nsplit = "test"\nuse = ["perplexity"]'


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
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
