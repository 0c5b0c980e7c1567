"""Objects are named by content and whole; results count only while their objects are there."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import MachineError
from dataforge.store import disk, home
from dataforge.store.files import digest_of
from dataforge.store.home import Store, find_project


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@given(st.binary(max_size=2000))
def test_what_is_put_is_got_and_its_name_depends_on_nothing_else(store, data):
    digest = store.put(data)

    assert store.get(digest) == data
    assert store.put(data) == digest


def test_an_object_that_was_changed_on_disk_is_found_out(tmp_path):
    store = Store(tmp_path)
    digest = store.put(b"as it was")
    store.object_path(digest).write_bytes(b"as it is")
    home._known_good.clear()  # as in the next process

    with pytest.raises(MachineError, match="changed on disk"):
        store.get(digest)


def test_a_result_whose_object_is_gone_is_no_result(tmp_path):
    store = Store(tmp_path)
    digest = store.put(b"rows")
    store.put_result("ab" * 32, {"rows": digest}, [digest])
    assert store.result("ab" * 32) == {"rows": digest}

    store.object_path(digest).unlink()

    assert store.result("ab" * 32) is None


def test_a_half_written_result_is_no_result(tmp_path):
    store = Store(tmp_path)
    path = store.result_path("cd" * 32)
    path.parent.mkdir(parents=True)
    path.write_text('{"value": {"rows":')

    assert store.result("cd" * 32) is None


def test_a_full_disk_leaves_nothing_behind_and_says_what_to_do(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    store = Store(tmp_path)

    with pytest.raises(MachineError) as caught:
        store.put(b"too much")

    assert "No space left" in caught.value.message
    assert "free some space" in caught.value.fix
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_digest_is_remembered_until_the_file_changes(tmp_path):
    store = Store(tmp_path)
    file = tmp_path / "a.txt"
    file.write_text("one")
    first = digest_of(store, file)
    assert digest_of(store, file) == first

    file.write_text("two")

    assert digest_of(store, file) != first


def test_a_project_is_found_from_below(tmp_path):
    (tmp_path / ".forge").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert find_project(below) == tmp_path
    assert find_project(tmp_path.parent) == tmp_path.parent
