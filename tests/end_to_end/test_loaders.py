"""What is published opens everywhere as it is, with equal rows."""

import json

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.make import a_conversation, a_recipe, built, json_lines

pytestmark = pytest.mark.slow

CALLS = [
    {
        "id": f"call{n}",
        "tools": json.dumps([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]),
        "conversations": [
            {"from": "human", "value": f"Weather in town {n}?"},
            {"from": "function_call", "value": json.dumps({"name": "weather", "arguments": arguments})},
            {"from": "observation", "value": '{"sky": "clear"}'},
            {"from": "gpt", "value": f"Clear over town {n}."},
        ],
    }
    for n, arguments in enumerate([{"x": 1, "unit": "C"}, {"y": "s"}, {"nested": {"a": [1, None]}}, {}] * 6)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    project = tmp_path_factory.mktemp("loaders")
    chats = [a_conversation(f"Why is {n} odd?", f"Because {n} is not even, so far as {n} goes.") for n in range(30)]
    json_lines(project / "data" / "a.jsonl", [*chats, *CALLS])
    built(a_recipe(project, steps="", more='[output]\nviews = ["sft", "preference", "prompt", "openai"]\n'))
    return project / "builds/small"


def test_every_loader_gives_equal_rows(folder):
    datasets = pytest.importorskip("datasets")
    by_hub_layout = datasets.load_dataset(str(folder), cache_dir=str(folder.parent / "cache"))
    from_disk = datasets.load_from_disk(str(folder / "arrow"))

    for split in ("train", "validation", "test"):
        files = sorted((folder / "data").glob(f"{split}-*.parquet"))
        expected = pq.read_table(files).to_pylist()
        assert by_hub_layout[split].to_list() == expected
        assert from_disk[split].to_list() == expected
        streams = sorted((folder / "arrow" / split).glob("*.arrow"))
        assert pl.concat([pl.read_ipc_stream(path) for path in streams]).to_dicts() == expected


def test_two_rows_with_different_tool_calls_come_back_unchanged(folder):
    datasets = pytest.importorskip("datasets")
    view = datasets.load_dataset(str(folder), "sft", cache_dir=str(folder.parent / "cache"))

    seen = {}
    for split in view.values():
        for row in split:
            for message in row["prompt"]:
                if message["tool_calls"]:
                    seen[row["prompt"][0]["content"]] = message["tool_calls"]
    wanted = {
        record["conversations"][0]["value"]: json.loads(record["conversations"][1]["value"])["arguments"]
        for record in CALLS
    }
    assert {question: calls[0]["function"]["arguments"] for question, calls in seen.items()} == wanted


def test_openai_lines_hold_each_tool_call_as_the_object_it_is(folder):
    lines = [
        json.loads(line) for path in (folder / "views/openai").glob("*.jsonl") for line in path.read_text().splitlines()
    ]

    calls = [message["tool_calls"][0] for line in lines for message in line["messages"] if "tool_calls" in message]
    plain = [line for line in lines if "tools" not in line]
    assert len(lines) == 54
    assert sorted(json.dumps(call["function"]["arguments"]) for call in calls) == sorted(
        json.dumps(json.loads(record["conversations"][1]["value"])["arguments"]) for record in CALLS
    )
    assert all(set(message) == {"role", "content"} for line in plain for message in line["messages"])


def test_the_card_is_read_by_the_hub_library(folder):
    hub = pytest.importorskip("huggingface_hub")

    card = hub.DatasetCard.load(folder / "README.md")

    assert card.data.license == "cc0-1.0"
    assert [config["config_name"] for config in card.data.to_dict()["configs"]] == ["default", "sft"]


def test_trainers_of_trl_run_on_the_views_with_no_option_but_the_path(folder, tmp_path):
    """As `trl sft --dataset_name FOLDER` and `trl reward` do: load_dataset, then the trainer, one step."""
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    from dataforge.models.tiny import make_model, train_tokenizer

    pairs = tmp_path / "pairs"
    lines = [
        {"conversations": [{"from": "human", "value": f"{n}?"}], "chosen": f"Yes, {n}.", "rejected": "No."}
        for n in range(20)
    ]
    json_lines(
        pairs / "data" / "a.jsonl",
        [{**line, **{s: {"from": "gpt", "value": line[s]} for s in ("chosen", "rejected")}} for line in lines],
    )
    built(a_recipe(pairs, steps=""))
    views = {"sft": folder / "views/sft", "reward": pairs / "builds/small/views/preference"}
    tokenizer = train_tokenizer(["What is odd? Because it is not even.", "Yes. No."] * 20)
    common = {
        "max_steps": 1,
        "per_device_train_batch_size": 2,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "activation_checkpointing": False,
        "save_strategy": "no",
        "output_dir": str(tmp_path / "out"),
    }

    losses = {}
    for name, view in views.items():
        data = datasets.load_dataset(str(view), split="train", cache_dir=str(tmp_path / "cache"))
        if name == "sft":
            data = data.filter(lambda row: not row["tools"])
            trainer = trl.SFTTrainer(
                make_model(tokenizer, 1, 256),
                args=trl.SFTConfig(**common),
                train_dataset=data,
                processing_class=tokenizer,
            )
        else:
            from transformers import LlamaForSequenceClassification

            language = make_model(tokenizer, 1, 256)
            language.config.num_labels = 1
            language.config.pad_token_id = tokenizer.pad_token_id
            trainer = trl.RewardTrainer(
                LlamaForSequenceClassification(language.config),
                args=trl.RewardConfig(**common),
                train_dataset=data,
                processing_class=tokenizer,
            )
        losses[name] = trainer.train().training_loss

    assert all(0 < loss < 20 for loss in losses.values())
