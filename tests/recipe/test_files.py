"""A recipe file that cannot be read is refused in plain words, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dataforge.recipe.load import load_recipe
from tests.recipe.folder import SOURCE, a_folder, told_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_folder(tmp_path)


def write(folder: Path, data: bytes) -> Path:
    path = folder / "chat.toml"
    path.write_bytes(data)
    return path


def test_a_recipe_that_is_not_there_has_a_neighbour(folder):
    write(folder, b"")

    assert told_of(folder / "caht.toml") == ["caht.toml: error: there is no such recipe | did you mean 'chat.toml'?"]


def test_a_recipe_in_no_folder_says_so(folder):
    assert told_of(folder / "nowhere" / "chat.toml") == [
        "chat.toml: error: there is no such recipe | there is no folder 'nowhere' either; see to the path"
    ]


def test_a_folder_is_no_recipe(folder):
    assert told_of(folder) == [
        f"{folder}: error: this is a folder, not a recipe | name a file; in it: base.toml".replace(
            f"{folder.parent}/", ""
        )
    ]


def test_a_file_that_may_not_be_read_says_so(folder, monkeypatch):
    path = write(folder, b"")

    def refuse(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert told_of(path) == [
        "chat.toml: error: the recipe cannot be read: Permission denied | see to the file's permissions"
    ]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_windows_line_ends_and_byte_order_marks_change_nothing(folder, start, end):
    text = f'name = "chat"\nseed = 3\n{SOURCE}'

    recipe = load_recipe(write(folder, start + text.replace("\n", end).encode()))

    assert (recipe.seed, recipe.sources[0].place.line, recipe.sources[0].place.column) == (3, 4, 3)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_places_count_characters_whatever_the_line_ends(folder, start):
    path = write(
        folder, start + 'name = "chat"\r\n# é\r\n"sée" = 3\r\n'.encode() + SOURCE.replace("\n", "\r\n").encode()
    )

    assert told_of(path)[0].startswith("chat.toml:3:1: error: a recipe has no key 'sée'")


def test_bytes_that_are_not_utf8_have_a_place(folder):
    path = write(folder, 'name = "chat"\n# é '.encode() + b"\xe9t\xe9\n")

    assert told_of(path) == ["chat.toml:2:5: error: byte 0xe9 is not UTF-8 | save the file as UTF-8"]


def test_utf16_is_not_utf8(folder):
    assert told_of(write(folder, 'name = "chat"\n'.encode("utf-16"))) == [
        "chat.toml:1:1: error: byte 0xff is not UTF-8 | save the file as UTF-8"
    ]


def test_an_old_mac_line_end_is_refused_with_its_place(folder):
    assert told_of(write(folder, b'name = "a"\rseed = 3\r'))[0].startswith("chat.toml:1:11: error: this is not TOML")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=30), st.text("[]{}\"'=.,#\\\nab1 -", max_size=20).map(str.encode)))
@example(b"[[step]]\n[step]")
@example(b"source = 1")
@example(b"[source.x]\na = 1")
@example(b"step = [1, {}, []]")
@example(b"[split]\ntest = true\nvalidation = []")
@example(b"include = [[], {}, '', '.', '..']")
@example(b"source = [{use = []}, {use = {}}, {name = 3, use = ''}]")
@example(b"eval = [{use = [], models = [], params = 3}, {use = 'a', models = 'b', params = {a = 3}}]")
@example(b"train = [{use = './x.py', name = '', policy = '', model = ''}]")
@example(b"gate = [{metric = ''}]")
def test_any_bytes_are_refused_in_plain_words(folder, data):
    path = write(folder, data)

    told = told_of(path)

    assert told
    assert all(line.startswith(("chat.toml", "..: ", ".: ")) and " | " in line for line in told)
