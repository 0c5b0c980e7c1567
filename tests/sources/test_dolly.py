import json

from dataforge.sources.dolly import Dolly
from tests.sources.laws import drafts_of, keeps_all_laws, rejects_of


def make(on_error):
    return Dolly(on_error=on_error)


def read(tmp_path, *records):
    return keeps_all_laws(make, "\n".join(map(json.dumps, records)).encode(), tmp_path)


def task(**fields):
    return {"instruction": "Who wrote it?", "context": "", "response": "Ann.", "category": "closed_qa", **fields}


def test_the_context_stands_below_the_instruction_and_an_empty_one_leaves_nothing(tmp_path):
    drafts = drafts_of(read(tmp_path, task(context="Ann wrote it in 1900."), task(), task(context=None)))

    assert [prompt[0]["content"] for prompt in drafts["prompt"].to_list()] == [
        "Who wrote it?\n\nAnn wrote it in 1900.",
        "Who wrote it?",
        "Who wrote it?",
    ]
    assert drafts["group"].n_unique() == 2
    assert drafts["license"].unique().to_list() == ["cc-by-sa-3.0"]


def test_an_empty_side_is_refused(tmp_path):
    batches = read(tmp_path, task(response=" "), task(instruction=""), task(instruction=None, context=None))

    assert rejects_of(batches) == ["empty-response", "empty-prompt", "empty-prompt"]
