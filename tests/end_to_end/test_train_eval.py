"""Build, train and eval as one plan, on the command line."""

import json
import signal
import subprocess
import sys

import pytest

from dataforge.cli.main import run
from tests.make import a_conversation, a_recipe, json_lines

pytestmark = pytest.mark.e2e

TRAIN = """
[[train]]
use = "sft"
epochs = 4
max_length = 64

[[eval]]
models = ["sft", "base"]
baseline = "base"
use = "perplexity"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    chats = [
        a_conversation(f"What is {a} plus {b}?", f"It is {a + b}, of course.") for a in range(12) for b in range(12)
    ]
    json_lines(tmp_path / "data" / "a.jsonl", chats)
    a_recipe(tmp_path, steps=TRAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def forge(*args):
    """Run `forge` in a process of its own, which says so on standard error when it looks for a network."""
    code = (
        "import socket, sys\n"
        "def refuse(*call, **_): print('network:', call[1:], file=sys.stderr); raise OSError('no network here')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from dataforge.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False)


def trained(capsys, *args):
    assert run(["train", "small.toml", "--json", *args]) == 0
    return json.loads(capsys.readouterr().out)["runs"][0]


def test_one_command_builds_trains_and_measures_quietly_at_home_and_training_helps(project):
    ended = forge("eval", "small.toml", "--json")

    noise = [line for line in ended.stderr.splitlines() if not line.startswith("  sft: step ")]
    assert (ended.returncode, noise) == (0, [])
    run_record = json.loads(ended.stdout)["runs"][0]
    found = {(result["model"], result["metric"]): result for result in run_record["results"]}
    tuned, base = found["sft", "perplexity.bits_per_byte"], found["base", "perplexity.bits_per_byte"]
    assert tuned["high"] < base["low"]
    assert tuned["versus"]["high"] < 0
    assert tuned["n"] == base["n"] == run_record["rows"]
    assert {model["name"]: model["path"] for model in run_record["models"]} == {
        "sft": "runs/small/sft",
        "base": "runs/small/sft/base",
    }
    assert (project / run_record["report"]).is_file()


def test_a_second_time_everything_is_reused_and_a_changed_key_trains_again(project, capsys):
    first = trained(capsys)

    again = trained(capsys)
    other = trained(capsys, "--set", "train.sft.epochs=1")

    assert (first["reused"], again["reused"], other["reused"]) == (False, True, False)
    assert again["files"] == first["files"]
    assert other["files"]["model.safetensors"] != first["files"]["model.safetensors"]
    assert other["files"]["base/model.safetensors"] == first["files"]["base/model.safetensors"]


def test_the_record_accounts_for_every_row_of_the_view(project, capsys):
    found = trained(capsys)

    manifest = json.loads((project / "builds" / "small" / "manifest.json").read_text())
    rows = found["rows"]
    assert rows["shown"] == manifest["views"]["sft"]["train"]
    assert rows["shown"] == rows["kept"] + rows["truncated"] + sum(rows["dropped"].values())
    assert found["dataset_digest"] == manifest["digest"]
    assert found["loss"]["last"] < found["loss"]["first"]


def test_a_training_that_was_killed_gives_the_same_bytes_afterwards(project, capsys):
    code = (
        "import sys, os, signal; from dataforge.cli.main import run; from dataforge.cli.training import TrainProgress\n"
        "TrainProgress.step = lambda self, name, step, of, values: step > 3 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "run(['train', 'small.toml'])"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert names_in(project / "runs" / "small") == [".sft.new"]

    after = trained(capsys)
    (project / "runs" / "small" / "sft" / "train.json").unlink()
    undisturbed = trained(capsys)

    assert names_in(project / "runs" / "small") == ["sft"]
    assert not undisturbed["reused"]
    assert undisturbed["files"] == after["files"]


def test_a_build_of_a_recipe_that_trains_loads_no_torch(project):
    code = (
        "import sys; from dataforge.cli.main import run; code = run(['build', 'small.toml'])\n"
        "sys.exit(code or any(name in sys.modules for name in ('torch', 'transformers', 'trl', 'datasets')))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_trainer_can_go_on_from_an_earlier_one(project, capsys):
    trained(capsys)
    with (project / "small.toml").open("a") as recipe:
        recipe.write('[[train]]\nname = "more"\nuse = "sft"\npolicy = "sft"\nlearning_rate = 1e-3\nmax_length = 64\n')

    assert run(["train", "small.toml", "--json"]) == 0

    first, second = json.loads(capsys.readouterr().out)["runs"]
    assert first["reused"]
    assert second["model"] == "sft"
    assert second["validation"]["before"] == pytest.approx(first["validation"]["after"], rel=1e-5)
    assert second["validation"]["after"] < second["validation"]["before"]


def test_rows_can_be_chosen_by_source(project, capsys):
    found = trained(capsys, "--set", 'train.sft.data={kind="sft", source="chats"}')

    assert found["data"] == {"kind": "sft", "source": "chats"}
    assert found["rows"]["shown"] > 0


def test_people_see_a_line_for_each_model_and_number_and_where_to_look(project, capsys):
    assert run(["eval", "small.toml"]) == 0

    out = capsys.readouterr()
    lines = out.out.splitlines()
    assert [line.split()[:2] for line in lines if "perplexity" in line] == [
        [model, metric] for model in ("base", "sft") for metric in ("perplexity.bits_per_byte", "perplexity.per_token")
    ]
    assert lines[-1] == "report reports/small/eval.html"
    assert "\r" not in out.out + out.err
