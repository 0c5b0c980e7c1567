# pyright: standard
"""The libraries of models: whether they are there, and how they are kept quiet and at home."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from dataforge.core.errors import MachineError

SCORING = ("torch", "transformers", "tokenizers")
TRAINING = (*SCORING, "accelerate", "datasets", "trl")

SMALL_PARAMETERS = 10_000_000

# Read by the libraries when they are imported, so they are set before that. What the user has set stays.
_SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
_LOUD = ("accelerate", "datasets", "huggingface_hub", "torch", "transformers", "trl")


def check_installed(packages: tuple[str, ...] = TRAINING) -> None:
    """Look for the packages that models need, without importing any.

    Args:
        packages: The names by which they are imported.

    Raises:
        MachineError: Some are missing; all of them are named.
    """
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise MachineError(
            f"this needs packages that are not installed: {', '.join(missing)}",
            fix="pip install 'dataforge[train]'",
        )


def versions(packages: tuple[str, ...] = TRAINING) -> dict[str, str]:
    """Give the installed versions, without importing anything."""
    found: dict[str, str] = {}
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' logs, bars and warnings off the terminal, and their telemetry off the network.

    What a person must know is said by dataforge: through summaries, ledgers and errors.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    _stop_bars()
    before = {name: logging.getLogger(name).level for name in _LOUD}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)


def _stop_bars() -> None:
    """Stop the bars of libraries that were imported before their settings could be made."""
    if "transformers" in sys.modules:
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
    if "huggingface_hub" in sys.modules:
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()
    if "datasets" in sys.modules:
        from datasets import disable_progress_bars

        disable_progress_bars()


@contextlib.contextmanager
def fitting_threads(parameters: int) -> Iterator[None]:
    """Use one thread for a small model, and all there are for others.

    Measured on two cores with 1.3 million parameters: two threads took 1.4 to 4 times the CPU time of one, waiting for
    each other between operations of microseconds, and gained 10 % of wall time at best. One thread also gives the same
    bits on machines with different numbers of cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if parameters < SMALL_PARAMETERS else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def numerics() -> dict[str, str | int]:
    """Say what decides the last bits of a result on this machine: dtype, instruction set, threads."""
    import torch

    return {
        "dtype": "fp32",
        "device": "cpu",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
