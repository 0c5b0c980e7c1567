"""`files` means the files that a person would think of, each once, in one order."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.recipe.inputs import find_inputs


@pytest.fixture
def base(tmp_path: Path) -> Path:
    names = (
        "corpora/b.json",
        "corpora/a.json",
        "corpora/a.jsonl",
        "corpora/deep/er/c.json",
        "corpora/.hidden.json",
        "corpora/odd[1].json",
        "recipes/own.json",
        "corpora/full/",
    )
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_text("[]", encoding="utf-8")
    return tmp_path / "recipes"


def labels(base: Path, *patterns: str) -> list[str]:
    found, wrong = find_inputs(patterns, base)
    assert not wrong
    return [file.label for file in found]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["own.json"], ["own.json"]),
        (["../corpora/*.json"], ["corpora/a.json", "corpora/b.json", "corpora/odd[1].json"]),
        (
            ["../corpora/**/*.json"],
            ["corpora/a.json", "corpora/b.json", "corpora/deep/er/c.json", "corpora/odd[1].json"],
        ),
        (["../corpora/b.json", "../corpora/a.json", "../corpora/?.json"], ["corpora/a.json", "corpora/b.json"]),
        (["../corpora/odd[1].json"], ["corpora/odd[1].json"]),
        (["../corpora/a.json*"], ["corpora/a.json", "corpora/a.jsonl"]),
        (["../corpora/*"], ["corpora/a.json", "corpora/a.jsonl", "corpora/b.json", "corpora/odd[1].json"]),
        (["./own.json", "../recipes/own.json", "../corpora/../recipes/own.json"], ["own.json"]),
    ],
)
def test_a_pattern_means_these_files(base, patterns, expected):
    if patterns[0] == "./own.json":
        expected = ["own.json"]

    assert labels(base, *patterns) == expected


def test_paths_are_absolute_and_lead_to_the_files(base):
    found, _ = find_inputs(["../corpora/**/*.json"], base)

    assert all(file.path.is_absolute() and file.path.read_text(encoding="utf-8") == "[]" for file in found)
    assert not any(".." in file.path.parts for file in found)


def test_the_label_of_an_absolute_path_is_its_end(base):
    assert labels(base, f"{base.parent}/corpora/deep/er/c.json") == ["er/c.json"]
    assert labels(base, f"{base.parent}/corpora/?.json") == ["corpora/a.json", "corpora/b.json"]


@given(st.permutations(["../corpora/a.json", "../corpora/*.json", "own.json", "../corpora/**/c.json"]))
def test_the_order_of_patterns_does_not_matter(patterns):
    base = Path(__file__).parent
    there = ["data/*.json", "data/chats.json", "data/words.txt", "full.toml"]
    order = [
        there[["../corpora/a.json", "../corpora/*.json", "own.json", "../corpora/**/c.json"].index(p)] for p in patterns
    ]

    assert labels(base, *order) == ["data/chats.json", "data/more.json", "data/words.txt", "full.toml"]


def test_a_linked_file_keeps_its_own_name(base):
    (base / "linked.json").symlink_to(base.parent / "corpora" / "a.jsonl")

    found, _ = find_inputs(["linked.json"], base)

    assert (found[0].path.name, found[0].label) == ("linked.json", "linked.json")


def test_files_of_an_installed_package_are_found_without_importing_it(base, tmp_path, monkeypatch):
    package = tmp_path / "site" / "chats_of_others"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    (package / "data" / "x.json").write_text("[]", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    found, wrong = find_inputs(["package:chats_of_others/data/*.json"], base)

    assert not wrong
    assert [(file.path, file.label) for file in found] == [(package / "data" / "x.json", "chats_of_others/data/x.json")]
    assert "chats_of_others" not in sys.modules


@pytest.mark.parametrize(
    ("pattern", "message", "fix"),
    [
        ("../corpora/aa.json", "there is no file '../corpora/aa.json'", "did you mean '../corpora/a.json'?"),
        ("../corpra/a.json", "there is no file '../corpra/a.json'", "did you mean '../corpora/a.json'?"),
        ("../corpra/*.json", "'../corpra/*.json' matches no file", "did you mean '../corpora/*.json'?"),
        ("../corpora/*.jsn", "'../corpora/*.jsn' matches no file", "did you mean '../corpora/*.json'?"),
        ("../x/*.json", "'../x/*.json' matches no file", "there is no '../x'; '..' holds corpora, recipes"),
        ("../corpora/full/*", "'../corpora/full/*' matches no file", "'../corpora/full' holds nothing"),
        ("../corpora", "'../corpora' is a folder, not a file", "name the files in it: ../corpora/*.json"),
        ("own.json/x.json", "there is no file 'own.json/x.json'", "'own.json' is not a folder"),
        ("", "an empty path is no file", "name a file, or a pattern such as data/*.json"),
        ("a\0b", "an empty path is no file", "name a file, or a pattern such as data/*.json"),
        ("package:no_such_thing/x.json", "no Python package 'no_such_thing' is installed", "pip install no-such-thing"),
        ("package:/x.json", "no Python package '' is installed", "name one, as in package:NAME/path"),
    ],
)
def test_what_names_no_file_says_what_to_do(base, pattern, message, fix):
    found, wrong = find_inputs([pattern], base)

    assert found == []
    assert [(problem.message, problem.fix) for problem in wrong] == [(message, fix)]


def test_a_file_without_read_permission_is_told_before_work_begins(base, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "own.json")

    _, wrong = find_inputs(["own.json", "../corpora/a.json"], base)

    assert [problem.message for problem in wrong] == ["'own.json' may not be read"]


def test_a_pipe_is_no_file(base):
    os.mkfifo(base / "pipe")

    _, wrong = find_inputs(["pipe"], base)

    assert [problem.message for problem in wrong] == ["'pipe' is not a regular file"]


def test_two_files_of_one_label_are_refused(base):
    (base / "corpora").mkdir()
    (base / "corpora" / "a.json").write_text("[]", encoding="utf-8")

    _, wrong = find_inputs(["corpora/a.json", "../corpora/a.json"], base)

    assert len(wrong) == 1
    assert wrong[0].message.startswith("two files would both be 'corpora/a.json' in the data: ")
