import json

from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.sources.ultrafeedback import UltraFeedback
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, rejects_of, repairs_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)


ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")


def make(on_error):
    return UltraFeedback(on_error=on_error)


def completion(model, *ratings, text=None, overall=5.0):
    annotations = {name: {"Rating": rating, "Rationale": "r"} for name, rating in zip(ASPECTS, ratings, strict=False)}
    return {
        "model": model,
        "response": f"answer of {model}" if text is None else text,
        "annotations": annotations,
        "overall_score": overall,
    }


def record(*completions, source="flan_v2_niv2"):
    return {"source": source, "instruction": "Explain tides.", "models": [], "completions": list(completions)}


def read(tmp_path, *records, source=None):
    (tmp_path / "f.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return read_all(source or UltraFeedback(), tmp_path / "f.jsonl")


def responses_of(batches):
    (row,) = drafts_of(batches).iter_rows(named=True)
    return [(response["author"], response["rank"], response["score"]) for response in row["responses"]]


@FEW
@given(
    ratings=st.lists(st.lists(st.sampled_from(["1", "5", "N/A", None, 3, "x", "10"]), max_size=4), max_size=4),
    text=st.sampled_from([None, "", "same"]),
)
def test_any_ratings_keep_the_laws(tmp_path_factory, ratings, text):
    completions = [completion(f"m{n}", *rating, text=text) for n, rating in enumerate(ratings)]

    keeps_all_laws(make, json.dumps(record(*completions)).encode(), tmp_path_factory.getbasetemp())


def test_the_mean_of_the_ratings_ranks_and_the_overall_score_does_not(tmp_path):
    batches = read(
        tmp_path,
        record(
            completion("bad", "1", "1", "2", "N/A", overall=10.0), completion("good", "5", "4", "5", "4", overall=1.0)
        ),
    )

    assert responses_of(batches) == [("good", 0, 4.5), ("bad", 1, 4 / 3)]


def test_equal_means_share_a_rank(tmp_path):
    batches = read(tmp_path, record(completion("a", "3", "5"), completion("b", "4", "4"), completion("c", "1", "1")))

    assert [rank for _, rank, _ in responses_of(batches)] == [0, 0, 1]


def test_a_completion_without_ratings_or_text_is_left_out(tmp_path):
    batches = read(
        tmp_path,
        record(completion("a", "3"), completion("b", "N/A"), completion("c", "4", text=" "), completion("d", "5")),
    )

    assert [author for author, _, _ in responses_of(batches)] == ["d", "a"]
    assert repairs_of(batches) == ["response-left-out"]


def test_a_record_with_one_rated_completion_is_refused(tmp_path):
    assert rejects_of(read(tmp_path, record(completion("a", "3"), completion("b", "N/A")))) == ["too-few-responses"]


def test_instructions_of_a_benchmark_are_left_out_unless_asked_for(tmp_path):
    one = record(completion("a", "3"), completion("b", "4"), source="truthful_qa")

    assert rejects_of(read(tmp_path, one)) == ["skipped-source"]
    assert rejects_of(read(tmp_path, one, source=UltraFeedback(skip_sources=()))) == []


def test_the_binarized_form_gives_pairs(tmp_path):
    ask = {"role": "user", "content": "Explain tides."}
    sides = {side: [ask, {"role": "assistant", "content": side}] for side in ("chosen", "rejected")}

    (row,) = drafts_of(read(tmp_path, {"prompt": "Explain tides.", "prompt_id": "x", **sides})).iter_rows(named=True)

    assert [message["content"] for message in row["prompt"]] == ["Explain tides."]
    assert [response["messages"][0]["content"] for response in row["responses"]] == ["chosen", "rejected"]
    assert row["group"] == drafts_of(read(tmp_path, record(completion("a", "3"), completion("b", "4"))))["group"][0]
