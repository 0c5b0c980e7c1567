import bz2
import gzip
import lzma
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError, MachineError
from dataforge.reading import files
from dataforge.reading.files import DamagedFileError, open_bytes

PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}
TEXT = b"".join(b"line %d of a file that is read in pieces\n" % number for number in range(20_000))


def read_in_pieces(path: Path, size: int = 100_000) -> tuple[bytes, DamagedFileError | None]:
    """Everything that can be read, and what was wrong at the end."""
    pieces = []
    with open_bytes(path) as stream:
        try:
            while piece := stream.read(size):
                pieces.append(piece)
        except DamagedFileError as damage:
            return b"".join(pieces), damage
    return b"".join(pieces), None


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS.keys())
def test_a_file_is_unpacked_by_its_first_bytes_whatever_its_name(packer, tmp_path):
    path = tmp_path / "data.json"
    path.write_bytes(packer(TEXT))

    assert read_in_pieces(path) == (TEXT, None)


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS.keys())
def test_lines_are_the_same_packed_or_not(packer, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(packer(TEXT))

    with open_bytes(path) as stream:
        assert list(stream) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz", "bz2"])
def test_files_glued_together_are_read_to_the_last(kind, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(PACKERS[kind](b"one, ") + PACKERS[kind](b"") + PACKERS[kind](b"two"))

    assert read_in_pieces(path) == (b"one, two", None)


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz", "bz2"])
@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
def test_a_cut_off_file_gives_its_beginning_and_then_says_so(kind, share, tmp_path):
    path = tmp_path / "data"
    noise = bytes((number * number * 31 + number // 7) % 251 for number in range(300_000))
    packed = PACKERS[kind](noise)
    path.write_bytes(packed[: int(len(packed) * share) - 1])

    data, damage = read_in_pieces(path)

    assert noise.startswith(data)
    assert damage is not None
    assert damage.code == "cut-off-compression"
    assert damage.byte == len(data)


def test_a_cut_off_gzip_file_gives_all_that_zlib_can_unpack(tmp_path):
    packed = gzip.compress(TEXT)[:-2_000]
    path = tmp_path / "data"
    path.write_bytes(packed)

    data, _ = read_in_pieces(path)

    assert data == zlib.decompressobj(wbits=31).decompress(packed)
    assert len(data) > len(TEXT) // 2


def test_a_damaged_file_gives_its_beginning_and_then_says_so(tmp_path):
    packed = bytearray(gzip.compress(TEXT))
    packed[-6] ^= 0xFF  # in the checksum
    path = tmp_path / "data"
    path.write_bytes(bytes(packed))

    data, damage = read_in_pieces(path)

    assert TEXT.startswith(data)
    assert damage is not None
    assert damage.code == "damaged-compression"


def test_bytes_after_the_end_that_are_no_archive_are_damage(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(TEXT) + b"rubbish")

    data, damage = read_in_pieces(path)

    assert data == TEXT
    assert damage is not None
    assert damage.code == "damaged-compression"


def test_zeros_after_the_end_are_padding(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(TEXT) + bytes(2_000))

    assert read_in_pieces(path) == (TEXT, None)


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz", "bz2"])
def test_a_decompression_bomb_is_refused_with_its_place_and_a_fix(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RATIO_FLOOR_BYTES", 1 << 20)
    path = tmp_path / "bomb"
    path.write_bytes(PACKERS[kind](bytes(3 << 20)))

    with open_bytes(path, max_ratio=10) as stream, pytest.raises(DataError) as caught:
        stream.read()

    assert "bomb" in caught.value.message
    assert str(path) in str(caught.value)
    assert "unpack the file by hand" in caught.value.fix


def test_a_file_over_the_limit_is_refused_at_any_ratio(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(gzip.compress(TEXT))

    with open_bytes(path, max_bytes=len(TEXT) - 1) as stream, pytest.raises(DataError):
        stream.read()


def test_a_missing_file_is_a_machine_error_with_its_path(tmp_path):
    with pytest.raises(MachineError, match=r"nothing\.json"):
        open_bytes(tmp_path / "nothing.json")


@given(
    data=st.binary(max_size=200), magic=st.sampled_from([b"", b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"])
)
@settings(deadline=None)
def test_any_bytes_are_read_or_called_damaged(data, magic, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "data"
    path.write_bytes(magic + data)

    read, damage = read_in_pieces(path)

    assert damage is not None or magic or read == data
    assert damage is None or damage.byte == len(read)
