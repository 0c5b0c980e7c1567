import json

from dataforge.sources.webgpt import WebGpt
from tests.sources.laws import drafts_of, keeps_all_laws, rejects_of


def make(on_error):
    return WebGpt(on_error=on_error)


def comparison(question, scores, answers=("It is the wind.", "It is the moon [1].")):
    quotes = {"title": ["Tides (sea.example)"], "extract": ["The moon pulls."]}
    return {
        "question": {"dataset": "eli5", "id": "x1", "full_text": question},
        **{f"quotes_{n}": quotes for n in (0, 1)},
        **{f"answer_{n}": answers[n] for n in (0, 1)},
        **{f"score_{n}": scores[n] for n in (0, 1)},
    }


def read(tmp_path, *records):
    return keeps_all_laws(make, "\n".join(map(json.dumps, records)).encode(), tmp_path)


def test_the_preferred_answer_is_the_first(tmp_path):
    (row,) = drafts_of(read(tmp_path, comparison("Why tides?", (-0.5, 0.5)))).iter_rows(named=True)

    assert row["prompt"][0]["content"] == "Why tides?"
    assert [response["messages"][0]["content"][:14] for response in row["responses"]] == [
        "It is the moon",
        "It is the wind",
    ]
    assert [(response["rank"], response["score"]) for response in row["responses"]] == [(0, 0.5), (1, -0.5)]
    assert row["license"] is None


def test_a_tie_shares_a_rank(tmp_path):
    (row,) = drafts_of(read(tmp_path, comparison("Why tides?", (0, 0.0)))).iter_rows(named=True)

    assert [response["rank"] for response in row["responses"]] == [0, 0]


def test_comparisons_of_one_question_are_one_group(tmp_path):
    drafts = drafts_of(read(tmp_path, *(comparison(q, (1, -1)) for q in ("Why tides?", "why  tides?", "Why snow?"))))

    assert drafts["group"].n_unique() == 2


def test_faulty_comparisons_are_refused(tmp_path):
    broken = [
        comparison("", (1, -1)),
        comparison("Why?", (1, None)),
        comparison("Why?", (1, -1), ("same", "same")),
        {"question": "Why?", "answer_0": "x"},
    ]

    assert rejects_of(read(tmp_path, *broken)) == [
        "empty-prompt",
        "too-few-responses",
        "identical-pair",
        "missing-column",
    ]
