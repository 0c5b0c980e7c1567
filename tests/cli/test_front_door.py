"""The command line: exit codes, standard output for data alone, no traceback, fast help."""

import json
import os
import subprocess
import sys

import pytest

from dataforge.cli.main import VERBS, run
from tests.make import a_conversation, a_recipe, json_lines


def forge(*args, cwd=None, env=None):
    code = "import sys; from dataforge.cli.main import run; sys.exit(run(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    chats = [a_conversation(f"What is {n} plus one?", f"It is {n + 1}, of course.") for n in range(12)]
    json_lines(tmp_path / "data" / "a.jsonl", [*chats, b"{broken"])
    a_recipe(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_build_prints_one_json_object_with_its_stages(project, capsys):
    assert run(["build", "small.toml", "--json"]) == 0

    out = capsys.readouterr()
    found = json.loads(out.out)
    assert found["schema"] == "dataforge.build/1"
    assert found["recipe"] == "small"
    assert found["datasets"][0]["folder"] == "builds/small"
    assert (project / found["report"]).is_file()
    wanted = {"name", "kind", "rows_in", "rows_out", "added", "dropped", "rejected", "reused", "seconds"}
    assert all(wanted <= set(found_stage) for found_stage in found["stages"])


def test_a_build_for_people_ends_with_where_to_look_next(project, capsys):
    assert run(["build", "small.toml"]) == 0

    out = capsys.readouterr()
    last = out.out.splitlines()[-2:]
    assert last[0] == "report reports/small/build.html"
    assert last[1].startswith("why: forge why ROW, FILE:LINE")
    assert out.err == ""
    assert "\r" not in out.out
    assert "\x1b" not in out.out


def test_check_runs_nothing_and_says_what_would_run(project, capsys):
    assert run(["check", "small.toml"]) == 0

    assert "not built before" in capsys.readouterr().out
    assert not (project / "builds").exists()
    assert not (project / ".forge" / "objects").exists()


def test_check_says_what_is_reused_and_why_the_rest_is_not(project, capsys):
    run(["build", "small.toml"])
    capsys.readouterr()

    assert run(["check", "small.toml", "--set", "step.length_filter.min=9"]) == 0

    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:-1]}
    assert "reused" in lines["chats"]
    assert "reused" in lines["exact_dedup"]
    assert "runs: min was 4, is 9" in lines["length_filter"]


def test_why_tells_a_reject_a_drop_and_a_published_row(project, capsys):
    run(["build", "small.toml", "--set", "step.length_filter.min=20"])
    capsys.readouterr()

    assert run(["why", "data/a.jsonl:13"]) == 0
    assert "rejected     not-json" in capsys.readouterr().out
    assert run(["why", "--text", "What is 11 plus"]) == 0
    assert "published    in" in capsys.readouterr().out
    assert run(["why", "--text", "What is 3 plus"]) == 0
    assert "dropped      by length_filter: too-short   value 19, threshold 20" in capsys.readouterr().out


def test_why_works_without_the_raw_files(project, capsys):
    run(["build", "small.toml"])
    (project / "data/a.jsonl").unlink()
    (project / "small.toml").unlink()
    capsys.readouterr()

    assert run(["why", "--text", "What is 7 plus"]) == 0

    assert "data/a.jsonl:8" in capsys.readouterr().out


def test_diff_says_which_rows_went_and_why(project, capsys):
    run(["build", "small.toml"])
    run(["build", "small.toml", "--set", "step.length_filter.min=20"])
    capsys.readouterr()

    assert run(["diff", "small@1", "small", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert {row["why"] for row in found["gone"]} == {"length_filter: too-short"}
    assert found["come"] == []
    assert "length_filter: min was 4, is 20" in found["stages"]


def test_show_finds_rows_by_reason(project, capsys):
    run(["build", "small.toml", "--set", "step.length_filter.min=20"])
    capsys.readouterr()

    assert run(["show", "small", "--reason", "too-short", "--json", "-n", "100"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["total"] == len(found["rows"]) > 0
    assert {row["reason"] for row in found["rows"]} == {"too-short"}


MISTAKES = {
    "a verb with a typo": (["biuld", "small.toml"], 2, "did you mean 'forge build'?"),
    "an option with a typo": (["build", "small.toml", "--worker", "2"], 2, "--workers"),
    "no such recipe": (["build", "smal.toml"], 2, "small.toml"),
    "nothing of that name was built": (["show", "chat"], 2, "forge build"),
    "an id that is none": (["why", "xyz"], 2, "--text"),
    "two things to look for": (["why", "abcdef12", "--text", "a"], 2, "one thing"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_its_exit_code_a_fix_and_no_traceback(project, capsys, mistake):
    args, code, words = MISTAKES[mistake]

    assert run(args) == code

    out = capsys.readouterr()
    assert out.out == ""
    assert words in out.err
    assert "fix:" in out.err
    assert "Traceback" not in out.err
    assert len(out.err.splitlines()) <= 8


def test_what_is_not_known_is_said_with_exit_code_3(project, capsys):
    run(["build", "small.toml"])
    capsys.readouterr()

    assert run(["why", "--text", "no such words anywhere"]) == 3

    assert "nothing is known" in capsys.readouterr().err


def test_a_bug_writes_its_traceback_to_a_file(project, capsys, monkeypatch):
    import dataforge.engine.build

    def broken(*args, **kwargs):
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(dataforge.engine.build, "run_stages", broken)

    assert run(["build", "small.toml"]) == 70

    err = capsys.readouterr().err
    assert "a bug in dataforge: ZeroDivisionError: by hand" in err
    assert "Traceback" not in err
    assert "Traceback" in (project / "forge-crash.log").read_text()


def test_text_from_data_cannot_drive_the_terminal(project, capsys):
    json_lines(
        project / "data" / "a.jsonl",
        [a_conversation("\x1b[2J\x1b]0;owned\x07 hello there", "ok \u202e then \r bye now")],
    )
    run(["build", "small.toml"])
    capsys.readouterr()

    run(["show", "small"])

    out = capsys.readouterr().out
    assert "hello there" in out
    assert not set("\x1b\x07\r\u202e") & set(out)


def test_help_is_short_and_names_every_verb(capsys):
    assert run(["--help"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert all(any(line.strip().startswith(verb) for line in lines) for verb in VERBS)


def test_help_loads_nothing_heavy():
    code = "import sys; from dataforge.cli.main import run; run(['--help']); print(*sorted({name.split('.')[0] for name in sys.modules}))"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert not {"polars", "pyarrow", "numpy", "pydantic", "rich", "torch", "jinja2"} & set(out.splitlines()[-1].split())


def test_a_build_imports_no_torch_and_no_ray(project):
    code = "import sys; from dataforge.cli.main import run; run(['build', 'small.toml', '--json']); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True).stdout

    assert not {"torch", "ray", "transformers", "trl", "datasets", "numba"} & set(out.splitlines()[-1].split())


def test_no_colour_and_no_carriage_return_off_a_terminal(project):
    done = forge("build", "small.toml", cwd=project, env={**os.environ, "NO_COLOR": "1"})

    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
