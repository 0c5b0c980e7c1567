# pyright: standard
"""Models from folders and from the hub, and folders from models; their names by content."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataforge.core.errors import MachineError, RecipeError, Where
from dataforge.core.fingerprint import fingerprint
from dataforge.models.chat import TEMPLATE
from dataforge.store.published import file_digest

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def check_model(model: str) -> str | None:
    """See that there is such a model, without loading it.

    Args:
        model: A folder, or the id of a model on the hub. A folder is never looked for on the network.

    Returns:
        The commit of a model on the hub, where it is known.

    Raises:
        RecipeError: The folder holds no model.
        MachineError: The hub cannot be reached, or has no such model.
    """
    if Path(model).is_dir():
        if not (Path(model) / "config.json").is_file():
            raise RecipeError(
                "this folder holds no model: it has no config.json",
                where=Where(model),
                fix="name a folder that save_pretrained wrote, or a checkpoint under runs/",
            )
        return None
    from transformers import AutoConfig

    with _hub_errors(model):
        return getattr(AutoConfig.from_pretrained(model), "_commit_hash", None)


def load(model: str) -> tuple[Any, Any]:
    """Load a causal language model in fp32, and its tokenizer.

    A tokenizer without a chat template is given ours.

    Args:
        model: A folder, or the id of a model on the hub.

    Returns:
        The model, ready to be asked, and the tokenizer.

    Raises:
        RecipeError: The folder holds no model.
        MachineError: The hub cannot be reached, or has no such model.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    check_model(model)
    is_folder = Path(model).is_dir()
    with _hub_errors(model):
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=is_folder)
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, local_files_only=is_folder)
    if not tokenizer.chat_template:
        tokenizer.chat_template = TEMPLATE
    return loaded.eval(), tokenizer


@contextlib.contextmanager
def _hub_errors(model: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise MachineError(
            f"cannot load the model '{model}': {str(error).splitlines()[0]}",
            fix="check the name, the network and HF_HUB_OFFLINE, or name a folder",
        ) from error


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model, its tokenizer and its chat template, as `load` and every other program read them."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def weights_digest(folder: Path) -> str:
    """Name a model's weights: SHA-256 over the digests of its weight files."""
    files = sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern))
    return fingerprint([[path.name, file_digest(path)] for path in files])


def model_digest(model: str) -> str:
    """Name a model's content: by its weights for a folder, by its commit for a model of the hub.

    Args:
        model: A folder, or the id of a model on the hub.

    Returns:
        64 hex digits.

    Raises:
        RecipeError: The folder holds no model.
        MachineError: The hub cannot be reached, or has no such model.
    """
    commit = check_model(model)
    return weights_digest(Path(model)) if Path(model).is_dir() else fingerprint(["hub", model, commit])


def tokenizer_digest(tokenizer: Any) -> str:
    """Name a tokenizer with its template: two with the same name give the same ids for the same chats."""
    text = tokenizer.backend_tokenizer.to_str() + "\0" + (tokenizer.chat_template or "")
    return hashlib.sha256(text.encode()).hexdigest()


def context_of(model: Any, at_most: int) -> int:
    """Give the positions a model can be shown, or `at_most` if it is made for more or does not say."""
    return min(getattr(model.config, "max_position_embeddings", None) or at_most, at_most)
