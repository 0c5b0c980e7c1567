"""Disks that fill up, folders without permission, interrupts, two builds at once: nothing is half done, all goes on."""

import json
import os
import shutil
import signal
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from tests.end_to_end.command import COMMAND, Said, books_close, checked, forge_apart, snapshot
from tests.end_to_end.corpora import chat_recipe, chats, lines
from tests.make import a_conversation

pytestmark = pytest.mark.slow

STEPS = '[[step]]\nuse = "normalize"\n[[step]]\nuse = "exact_dedup"\non = "conversation"\n'


def _noise(name: str, records: int) -> bytes:
    """Make chats that no disk can compress, 1.3 kB each."""
    texts = ["".join(sha256(f"{name} {n} {k}".encode()).hexdigest() for k in range(20)) for n in range(records)]
    return lines([a_conversation(f"Number {n} of {name}?", text) for n, text in enumerate(texts)])


def _is_whole(folder: Path) -> None:
    """Check a published folder against its own manifest, and load it."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name, file in manifest["files"].items():
        assert sha256((folder / name).read_bytes()).hexdigest() == file["sha256"], name
    assert pl.read_parquet(folder / "data/*.parquet").height == sum(manifest["rows"].values())


def _forge(folder: Path, *args: object, prefix: tuple[str, ...] = ()) -> Said:
    command = [*prefix, *COMMAND, *map(str, args)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    return Said(done.returncode, done.stdout, done.stderr)


# --- a disk that is full


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB that can grow."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    may_mount = os.geteuid() == 0 and shutil.which("mount") is not None
    if not may_mount or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here: it takes root, and a machine that allows mounts")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _grow(disk: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(disk)], check=True, capture_output=True)


class Undisturbed(NamedTuple):
    """The same build on a disk with room, and what it takes there."""

    digest: str
    kilobytes_before: int
    kilobytes_added: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    recipe = chat_recipe(tmp_path_factory.mktemp("raw"), _noise("small", 300), steps=STEPS)
    assert forge_apart(folder, "build", recipe).code == 0
    before = _kilobytes(folder)
    (recipe.parent / "data/a.jsonl").write_bytes(_noise("large", 4000))
    said = forge_apart(folder, "build", recipe, "--json")
    assert said.code == 0
    return Undisturbed(said.json["digest"], before, _kilobytes(folder) - before)


def _kilobytes(folder: Path) -> int:
    return sum(path.stat().st_blocks for path in folder.rglob("*")) // 2


def _filled(disk: Path, elsewhere: Path, undisturbed: Undisturbed, share: float) -> Path:
    """Build, give the recipe more to read, and leave a share of the room that this will take."""
    # The recipe and the raw files lie on another disk: only what forge writes can fill this one.
    recipe = chat_recipe(elsewhere, _noise("small", 300), steps=STEPS)
    assert forge_apart(disk, "build", recipe).code == 0
    (recipe.parent / "data/a.jsonl").write_bytes(_noise("large", 4000))
    _grow(disk, undisturbed.kilobytes_before + int(share * undisturbed.kilobytes_added))
    return recipe


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_full_disk_leaves_the_old_build_whole_and_with_more_room_the_new_one_is_the_same(
    small_disk, tmp_path, undisturbed, share, workers
):
    recipe = _filled(small_disk, tmp_path / "elsewhere", undisturbed, share)
    old = snapshot(small_disk / "builds")

    said = _forge(small_disk, "build", recipe, "--workers", workers)

    assert said.code == 4
    assert "No space left on device" in said.err
    assert "free some space" in said.err
    left = snapshot(small_disk)
    assert not [name for name in left if name.endswith(".tmp")]
    assert snapshot(small_disk / "builds") == old
    assert [path.name for path in (small_disk / "builds").iterdir()] == ["small"]
    _is_whole(small_disk / "builds/small")
    assert forge_apart(small_disk, "why", "--text", "Number 7 of").code == 0

    _grow(small_disk, 256 << 10)
    again = forge_apart(small_disk, "build", recipe, "--json", "--workers", workers)

    assert again.code == 0
    assert again.json["digest"] == undisturbed.digest
    books_close(again.json)
    _is_whole(small_disk / "builds/small")


def test_a_disk_that_is_full_while_shards_are_written_is_told_of_in_two_lines(small_disk, tmp_path, undisturbed):
    recipe = _filled(small_disk, tmp_path / "elsewhere", undisturbed, 0.6)

    said = _forge(small_disk, "build", recipe, "--workers", 1)

    assert said.code == 4
    assert ".small.new" in said.err
    assert len(said.err.splitlines()) == 2


# --- without permission


@pytest.fixture
def without_rights():
    """A prefix that makes a command obey permissions, also for root."""
    if os.geteuid():
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root passes all permissions, and setpriv is not here to take that right away")
    rights = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}")


@pytest.mark.parametrize("verb", ["build", "check", "lint"])
def test_a_file_that_may_not_be_read_is_named(tmp_path, without_rights, verb):
    chat_recipe(tmp_path, lines(chats()))
    (tmp_path / "data/a.jsonl").chmod(0)

    said = checked(
        _forge(tmp_path, verb, "data/a.jsonl" if verb == "lint" else "small.toml", prefix=without_rights), tmp_path
    )

    assert said.code in {2, 4}
    assert "data/a.jsonl" in said.err
    assert "may not be read" in said.err or "not readable" in said.err
    assert not (tmp_path / "builds").exists()


@pytest.mark.parametrize("locked", [".", "builds", "reports", ".forge/objects", ".forge/locks", ".forge/runs/small"])
def test_a_folder_that_may_not_be_written_to_is_named_and_the_old_build_stays(tmp_path, without_rights, locked):
    chat_recipe(tmp_path, lines(chats()))
    if locked != ".":
        assert forge_apart(tmp_path, "build", "small.toml").code == 0
    old = snapshot(tmp_path / "builds")
    (tmp_path / "data/a.jsonl").write_bytes(lines(chats("new")))
    for path in (tmp_path / locked, *(path for path in (tmp_path / locked).rglob("*") if path.is_dir())):
        path.chmod(0o555)
    if locked == ".forge/locks":
        (tmp_path / ".forge/locks/small").chmod(0o444)

    said = checked(_forge(tmp_path, "build", "small.toml", prefix=without_rights), tmp_path)

    for path in (tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())):
        path.chmod(0o755)
    assert said.code == 4
    assert "Permission denied" in said.err
    assert locked in said.err
    if locked not in {"reports", ".forge/runs/small"}:
        assert snapshot(tmp_path / "builds") == old
    (tmp_path / ".forge/locks").mkdir(parents=True, exist_ok=True)
    for path in (tmp_path / ".forge/locks").iterdir():
        path.chmod(0o644)
    again = forge_apart(tmp_path, "build", "small.toml", "--json")
    assert again.code == 0
    _is_whole(tmp_path / "builds/small")


# --- two at once, and interrupts

WAITS = """\
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from dataforge.core.plugin import Mapper
HERE = Path(__file__).parent

@dataclass(frozen=True, kw_only=True)
class Waits:
    '''Says that it is there, and waits until it may go on; or does what it finds in a file, once.'''
    version: ClassVar[int] = 1

    def rewrite(self, frame):
        if (HERE / "once.py").exists():
            code = (HERE / "once.py").read_text()
            (HERE / "once.py").unlink()
            exec(compile(code, "once.py", "exec"))
        return frame

STEP: type[Mapper] = Waits
"""
STEP = '[[step]]\nuse = "normalize"\n[[step]]\nuse = "./waits.py"\nname = "waits"\n'


@pytest.fixture
def waiting(tmp_path):
    chat_recipe(tmp_path, lines(chats()), steps=STEP)
    (tmp_path / "waits.py").write_text(WAITS)
    return tmp_path


def test_a_second_build_of_a_recipe_is_told_of_the_first_and_spoils_nothing(waiting):
    for name in ("is_there", "go_on"):
        os.mkfifo(waiting / name)
    (waiting / "once.py").write_text('(HERE / "is_there").write_text("yes"); (HERE / "go_on").read_text()')
    first = subprocess.Popen(
        [*COMMAND, "build", "small.toml", "--json"], cwd=waiting, stdout=subprocess.PIPE, text=True
    )
    (waiting / "is_there").read_text()

    second = forge_apart(waiting, "build", "small.toml")
    (waiting / "go_on").write_text("go")
    out, _ = first.communicate(timeout=60)

    assert second.code == 4
    assert "a build of small is under way in another process" in second.err
    assert first.returncode == 0
    books_close(json.loads(out))
    _is_whole(waiting / "builds/small")
    assert forge_apart(waiting, "build", "small.toml", "--json").json["digest"] == json.loads(out)["digest"]


WHO = {
    "the process alone": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    # As a terminal does it: everybody in the foreground.
    "all of them": "import os, signal; os.killpg(0, signal.SIGINT)",
}


@pytest.mark.parametrize(("who", "workers"), [("the process alone", 1), ("all of them", 1), ("all of them", 2)])
def test_an_interrupt_ends_with_130_keeps_the_old_build_and_the_same_command_goes_on(waiting, who, workers):
    assert forge_apart(waiting, "build", "small.toml").code == 0
    old = snapshot(waiting / "builds")
    (waiting / "data/a.jsonl").write_bytes(lines(chats("new")))
    (waiting / "once.py").write_text(WHO[who])

    said = forge_apart(waiting, "build", "small.toml", "--workers", workers, start_new_session=True)

    assert said.code == 130, said.err
    assert said.err.strip() == "interrupted; the same command goes on from here"
    assert snapshot(waiting / "builds") == old
    assert not [name for name in snapshot(waiting) if name.endswith(".tmp")]
    again = forge_apart(waiting, "build", "small.toml", "--json")
    assert again.code == 0
    assert all(stage["reused"] for stage in again.json["stages"] if stage["name"] != "waits")
    _is_whole(waiting / "builds/small")


def test_a_build_that_is_killed_leaves_no_lock_and_nothing_half_written(waiting):
    assert forge_apart(waiting, "build", "small.toml").code == 0
    old = snapshot(waiting / "builds")
    (waiting / "data/a.jsonl").write_bytes(lines(chats("new")))
    (waiting / "once.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    said = forge_apart(waiting, "build", "small.toml")

    assert said.code == -signal.SIGKILL
    assert snapshot(waiting / "builds") == old
    assert forge_apart(waiting, "build", "small.toml").code == 0
    _is_whole(waiting / "builds/small")


def test_a_worker_that_is_killed_is_told_of_and_the_same_command_goes_on(waiting):
    (waiting / "once.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    said = forge_apart(waiting, "build", "small.toml", "--workers", 2)

    assert said.code == 4
    assert "a worker process died" in said.err
    assert not (waiting / "builds").exists()
    assert forge_apart(waiting, "build", "small.toml").code == 0
    _is_whole(waiting / "builds/small")
