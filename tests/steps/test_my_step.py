"""The step of one's own that the documentation shows."""

from __future__ import annotations

from pathlib import Path

from dataforge.core import registry
from tests.steps.rows import dropped, frame_of


def test_a_step_in_a_file_of_ones_own_is_found_by_its_path_and_works():
    step = registry.load("step", "./my_step.py", Path(__file__).parent)(max_share=0.5)

    gone = dropped(step, frame_of("WHY IS THIS SO SLOW", "Why is NASA so slow", "123", ""))

    assert {name: drop["reason"] for name, drop in gone.items()} == {"r0": "shouting"}
