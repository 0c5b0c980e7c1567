"""Random generators that depend on what is drawn, never on when or where."""

from __future__ import annotations

import hashlib

import numpy as np

from dataforge.core.fingerprint import canonical_json


def generator(seed: int, *labels: str | int) -> np.random.Generator:
    """Make the generator that belongs to a seed and to what it is used for."""
    digest = hashlib.sha256(canonical_json([seed, *labels])).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
