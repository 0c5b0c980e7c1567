"""`forge lint`: exit codes, one line that says it all, bounded output, and nothing written."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.cli.main import run
from tests.make import a_conversation, json_lines

GOOD = a_conversation("What is tea?", "A drink made of leaves.")
OTHER = a_conversation("What is soup?", "A meal one drinks.")
NARRATOR = {"conversations": [{"from": "narrator", "value": "Once upon a time"}]}
OPEN = {"conversations": [*GOOD["conversations"], {"from": "human", "value": "And then?"}]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_clean_file_has_exit_code_0_and_the_next_command(folder, capsys):
    json_lines(folder / "chat.jsonl", [GOOD, OTHER])

    assert run(["lint", "chat.jsonl"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "chat.jsonl: sharegpt, 2 records: 2 usable, 0 would be rejected, 0 repaired; 0 findings"
    assert lines[-1] == "a recipe for what is usable: forge init chat.jsonl"


def test_a_reject_has_exit_code_3_and_its_place_and_what_a_build_would_do(folder, capsys):
    json_lines(folder / "chat.jsonl", [GOOD, NARRATOR, OPEN])

    assert run(["lint", "chat.jsonl"]) == 3

    out = capsys.readouterr().out
    assert "3 records: 2 usable, 1 would be rejected, 1 repaired" in out.splitlines()[0]
    assert "chat.jsonl:2  message 1: 'narrator'" in out
    assert "In a build: rejected" in out
    assert "In a build: repaired: The messages after the last answer are left out." in out


def test_warnings_and_notes_leave_exit_code_0(folder, capsys):
    json_lines(folder / "chat.jsonl", [GOOD, GOOD, a_conversation("What is tea?", "A meal.")])

    assert run(["lint", "chat.jsonl"]) == 0

    out = capsys.readouterr().out
    assert "warning   duplicate-record          1 record\n" in out
    assert "note      shared-prompt             1 record\n" in out


def test_json_is_one_object_with_all_files_and_errors(folder, capsys):
    json_lines(folder / "chat.jsonl", [GOOD, NARRATOR])

    assert run(["lint", "--json", "chat.jsonl", "nosuch.jsonl"]) == 3

    out = capsys.readouterr()
    found = json.loads(out.out)
    assert (found["schema"], found["exit_code"]) == ("dataforge.lint/1", 3)
    first, second = found["files"]
    assert (first["records"], first["usable"], first["rejected"]) == (2, 1, 1)
    assert [(finding["code"], finding["severity"], finding["records"]) for finding in first["findings"]] == [
        ("unknown-role", "error", 1)
    ]
    assert first["findings"][0]["places"][0]["line"] == 2
    assert second["error"]["exit_code"] == 2
    assert "nosuch.jsonl" in out.err


def test_a_file_that_is_not_there_does_not_stop_the_others(folder, capsys):
    json_lines(folder / "chat.jsonl", [GOOD])

    assert run(["lint", "nosuch.jsonl", "chat.jsonl"]) == 2

    out = capsys.readouterr()
    assert "there is no file nosuch.jsonl" in out.err
    assert out.out.startswith("chat.jsonl: sharegpt, 1 record:")
    assert "nosuch" not in out.out


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("empty.jsonl", b"", 3, "the file is empty"),
        ("a.zip", b"PK\x03\x04", 3, "a zip archive"),
        ("b.jsonl", b'{"foo": 1}\n', 3, "'foo'"),
        ("folder", None, 2, "is a folder"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_a_fix_and_no_traceback(folder, capsys, name, content, code, said):
    if content is None:
        (folder / name).mkdir()
    else:
        (folder / name).write_bytes(content)

    assert run(["lint", name]) == code

    out = capsys.readouterr()
    assert said in out.err
    assert "fix:" in out.err
    assert "Traceback" not in out.err
    assert out.out == ""


def test_output_is_bounded_however_bad_the_file_is(folder, capsys):
    bad = [b"{broken " + b"x" * 5000, NARRATOR, "a string", {"id": "x" * 3000}, {"conversations": []}]
    json_lines(folder / "chat.jsonl", [GOOD, *bad * 300])

    run(["lint", "chat.jsonl", "--as", "sharegpt"])

    lines = capsys.readouterr().out.splitlines()
    assert "1,501 records: 1 usable, 1,500 would be rejected" in lines[0]
    assert len(lines) < 60
    assert max(map(len, lines)) < 400


def test_as_many_places_are_shown_as_asked_for(folder, capsys):
    json_lines(folder / "chat.jsonl", [GOOD, *[NARRATOR] * 9])

    run(["lint", "chat.jsonl", "--examples", "7"])

    assert sum(line.strip().startswith("chat.jsonl:") for line in capsys.readouterr().out.splitlines()[1:]) == 7


def test_nothing_is_written(folder, capsys):
    json_lines(folder / "chat.jsonl", [GOOD, NARRATOR])

    run(["lint", "chat.jsonl"])

    assert [path.name for path in folder.iterdir()] == ["chat.jsonl"]
    assert "\x1b" not in capsys.readouterr().out


def test_text_from_data_cannot_drive_the_terminal(folder, capsys):
    json_lines(
        folder / "chat.jsonl", [a_conversation("a \x1b[2J \u202e b", "x"), {"conversations": "\x1b]0;owned\x07"}]
    )

    run(["lint", "chat.jsonl", "--as", "sharegpt"])

    assert not set("\x1b\x07\u202e") & set(capsys.readouterr().out)


def test_no_file_at_all_is_a_mistake_of_the_command(folder, capsys):
    assert run(["lint"]) == 2

    assert "FILE" in capsys.readouterr().err


@settings(max_examples=60, deadline=None)
@given(
    head=st.sampled_from(
        [b"", b"[", b'{"conversations": [', b'{"chosen": "a", "rejected"', b"<posts>", b"a,b\n", b"\x1f\x8b", b"PAR1"]
    ),
    rest=st.binary(max_size=200) | st.text(max_size=100).map(str.encode),
)
def test_no_bytes_make_it_fail_with_a_bug(tmp_path_factory, head, rest):
    path = tmp_path_factory.mktemp("any") / "x"
    path.write_bytes(head + rest)

    assert run(["lint", str(path)]) in {0, 3}
    assert run(["lint", str(path), "--as", "sharegpt"]) in {0, 3}
