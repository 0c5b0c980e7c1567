"""Every executor gives the same digests, and a kill at any moment loses nothing."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dataforge.engine.executor import InProcess, LocalWorkers
from dataforge.store.home import Store
from tests.make import STEPS, a_conversation, a_recipe, built, json_lines

NEAR = """
[[step]]
use = "minhash_dedup"
shingle_words = 2
threshold = 0.5
keep = "longest"

[[step]]
use = "minhash_dedup"
name = "noted"
on = "prompt"
shingle_words = 1
threshold = 0.3
action = "report"
where = { split = "train" }
"""


def a_project(folder, files=5, records=30):
    for number in range(files):
        chats = [
            a_conversation(f"Tell me of {number}-{n % 25}.", f"Here is {n} of {number}. " * (n % 9 + 1))
            for n in range(records)
        ]
        json_lines(folder / "data" / f"{number}.jsonl", chats)
    return a_recipe(folder, steps=STEPS + NEAR)


def digests(recipe):
    """Digest of every published file but the views' and the ledger's order is fixed too, so all of them."""
    import json

    manifest = json.loads((recipe.parent / "builds/small/manifest.json").read_text())
    return {name: file["sha256"] for name, file in manifest["files"].items()}


def build_command(recipe, *options):
    code = "import sys; from dataforge.cli.main import run; sys.exit(run(sys.argv[1:]))"
    return [sys.executable, "-c", code, "build", str(recipe), *options]


@pytest.mark.slow
def test_one_two_and_seven_workers_give_the_same_bytes(tmp_path):
    seen = []
    for workers in (1, 2, 7):
        recipe = a_project(tmp_path / str(workers))
        store = Store(recipe.parent)
        runner = InProcess(store) if workers == 1 else LocalWorkers(store, workers)
        try:
            built(recipe, executor=runner)
        finally:
            runner.close()
        seen.append(digests(recipe))

    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) > 10


@pytest.mark.slow
def test_a_build_killed_at_random_points_ends_with_the_same_bytes(tmp_path):
    whole = a_project(tmp_path / "whole")
    built(whole)
    recipe = a_project(tmp_path / "killed")
    draw = np.random.default_rng(5)
    kills = 0
    began = time.perf_counter()
    subprocess.run(build_command(whole, "--workers", "1"), cwd=whole.parent, check=True, capture_output=True)
    typical = time.perf_counter() - began

    for _ in range(20):
        process = subprocess.Popen(
            build_command(recipe, "--workers", "1"),
            cwd=recipe.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=draw.uniform(0.3, 1.6) * typical)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    last = subprocess.run(
        build_command(recipe, "--workers", "1"), cwd=recipe.parent, check=False, capture_output=True, text=True
    )

    assert last.returncode == 0, last.stderr
    assert kills >= 3
    assert digests(recipe) == digests(whole)
    left_over = [path for path in (recipe.parent / "builds").iterdir() if path.name.startswith(".")]
    assert left_over == []
