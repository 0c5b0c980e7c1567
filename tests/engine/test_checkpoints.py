"""A checkpoint is whole or not there, and is found again only as it was."""

import pytest

from dataforge.engine.checkpoints import checkpoint_folder, find_checkpoint, keep_checkpoint
from dataforge.store.folders import fresh_folder
from dataforge.store.home import Store


@pytest.fixture
def kept(tmp_path):
    folder = checkpoint_folder(Store(tmp_path), "chat", "sft")
    fresh = fresh_folder(folder)
    (fresh / "model.safetensors").write_bytes(b"weights")
    keep_checkpoint(fresh, folder, {"fingerprint": "f"})
    return folder


def test_a_checkpoint_is_found_by_what_it_was_made_from(kept):
    assert find_checkpoint(kept, "f")["files"]["model.safetensors"]["bytes"] == 7
    assert find_checkpoint(kept, "g") is None


def test_a_checkpoint_that_lost_a_file_or_a_part_of_one_is_not_found(kept):
    (kept / "model.safetensors").write_bytes(b"weigh")
    assert find_checkpoint(kept, "f") is None

    (kept / "model.safetensors").unlink()
    assert find_checkpoint(kept, "f") is None


def test_what_a_killed_run_left_behind_is_gone_from_the_next_one(kept):
    left = fresh_folder(kept)
    (left / "model.safetensors").write_bytes(b"half")

    assert list(fresh_folder(kept).iterdir()) == []
    assert find_checkpoint(kept, "f") is not None


def test_a_new_checkpoint_takes_the_place_of_the_old_one(kept):
    fresh = fresh_folder(kept)
    (fresh / "other.safetensors").write_bytes(b"new")

    keep_checkpoint(fresh, kept, {"fingerprint": "g"})

    assert sorted(path.name for path in kept.iterdir()) == ["other.safetensors", "train.json"]
    assert [path.name for path in kept.parent.iterdir()] == ["sft"]
