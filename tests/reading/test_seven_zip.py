"""Members of 7z archives, as streams."""

import threading

import py7zr
import pytest

from dataforge.core.errors import DataError
from dataforge.reading import seven_zip
from dataforge.reading.files import DamagedFileError
from dataforge.reading.seven_zip import is_seven_zip, open_member

# 400 kB that shrink little, more than a pipe holds.
TEXT = b"".join(n.to_bytes(4, "big") for n in range(0, 10**9, 10_000))


def an_archive(path, members, **options):
    with py7zr.SevenZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return path


def all_of(stream):
    with stream:
        pieces = []
        while piece := stream.read(10_000):
            pieces.append(piece)
        return b"".join(pieces)


@pytest.mark.parametrize(
    "filters", [None, [{"id": py7zr.FILTER_BZIP2}], [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}]]
)
def test_a_member_is_read_whole_whatever_stands_around_it(tmp_path, filters):
    path = an_archive(
        tmp_path / "a.7z", {"Badges.xml": b"b" * 9999, "x/Posts.xml": TEXT, "Users.xml": b"u"}, filters=filters
    )

    assert is_seven_zip(path)
    assert all_of(open_member(path, "Posts.xml")) == TEXT


def test_a_member_that_is_not_read_to_its_end_leaves_no_thread(tmp_path):
    path = an_archive(tmp_path / "a.7z", {"Posts.xml": TEXT})
    before = threading.active_count()

    with open_member(path, "Posts.xml") as stream:
        head = stream.read(10)

    assert head == TEXT[:10]
    assert threading.active_count() == before


def test_damage_is_told_after_what_could_be_unpacked(tmp_path):
    path = an_archive(tmp_path / "a.7z", {"Posts.xml": TEXT})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)

    with pytest.raises(DamagedFileError) as caught:
        all_of(open_member(path, "Posts.xml"))

    assert caught.value.code == "damaged-compression"


@pytest.mark.parametrize(
    ("members", "words"),
    [({"Users.xml": b"u"}, "holds 0 files"), ({"Posts.xml": b"1", "b/Posts.xml": b"2"}, "holds 2 files")],
)
def test_an_archive_must_hold_one_such_file(tmp_path, members, words):
    with pytest.raises(DataError, match=words) as caught:
        open_member(an_archive(tmp_path / "a.7z", members), "Posts.xml")

    assert caught.value.fix


def test_an_archive_with_a_password_is_refused(tmp_path):
    path = an_archive(tmp_path / "a.7z", {"Posts.xml": TEXT}, password="secret")

    with pytest.raises(DataError, match="password"):
        open_member(path, "Posts.xml")


def test_an_archive_that_is_cut_off_is_damaged(tmp_path):
    path = an_archive(tmp_path / "a.7z", {"Posts.xml": TEXT})
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(DamagedFileError, match="cannot be read"):
        open_member(path, "Posts.xml")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(seven_zip, "RATIO_FLOOR_BYTES", 1 << 20)
    path = an_archive(tmp_path / "a.7z", {"Posts.xml": bytes(2 << 20)})

    with pytest.raises(DataError, match="looks like a bomb"):
        open_member(path, "Posts.xml")
