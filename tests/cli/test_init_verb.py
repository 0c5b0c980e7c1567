"""`forge init`: from files to a recipe and the next command to paste."""

import json

import pytest

from dataforge.cli.main import run
from tests.make import a_conversation, json_lines


@pytest.fixture
def project(tmp_path, monkeypatch):
    chats = [a_conversation(f"What is {n} plus one?", f"It is {n + 1}, of course.") for n in range(12)]
    json_lines(tmp_path / "data" / "forum.jsonl", chats)
    json_lines(tmp_path / "data" / "odd.jsonl", [{"foo": 1}])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_it_guessed_and_why_and_ends_with_commands_that_work(project, capsys):
    assert run(["init", "data/forum.jsonl"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "recipes/forum.toml written: 1 source"
    assert "sharegpt" in lines[1]
    assert "list of turns" in lines[1]
    commands = [line.split("forge ")[1] for line in lines[-2:]]
    assert commands == ["check recipes/forum.toml", "build recipes/forum.toml"]
    assert [run(command.split()) for command in commands] == [0, 0]


def test_json_names_the_recipe_and_its_sources(project, capsys):
    assert run(["init", "data/forum.jsonl", "--name", "mine", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["recipe"], found["name"]) == ("dataforge.init/1", "recipes/mine.toml", "mine")
    assert [(source["use"], source["files"]) for source in found["sources"]] == [("sharegpt", ["data/forum.jsonl"])]


def test_out_names_the_file_and_the_recipe_after_it(project, capsys):
    assert run(["init", "data/forum.jsonl", "-o", "here.toml"]) == 0

    assert (project / "here.toml").read_text().startswith('name = "here"')
    assert not (project / "recipes").exists()


def test_a_second_time_nothing_is_overwritten(project, capsys):
    run(["init", "data/forum.jsonl"])
    before = (project / "recipes/forum.toml").read_text()
    (project / "recipes/forum.toml").write_text(before + "# mine\n")

    assert run(["init", "data/forum.jsonl"]) == 2

    assert "-o" in capsys.readouterr().err
    assert (project / "recipes/forum.toml").read_text() == before + "# mine\n"


def test_nothing_is_written_if_one_file_is_not_understood_and_all_such_files_are_named(project, capsys):
    assert run(["init", "data/forum.jsonl", "data/odd.jsonl", "nosuch.jsonl"]) == 3

    out = capsys.readouterr()
    assert "'foo'" in out.err
    assert "nosuch.jsonl" in out.err
    assert out.out == ""
    assert not (project / "recipes").exists()


@pytest.mark.parametrize("args", [["--name", "a/b"], ["-o", "data"]])
def test_a_name_or_place_that_cannot_be_is_a_mistake_of_the_command(project, capsys, args):
    assert run(["init", "data/forum.jsonl", *args]) == 2

    err = capsys.readouterr().err
    assert "fix:" in err
    assert "Traceback" not in err
