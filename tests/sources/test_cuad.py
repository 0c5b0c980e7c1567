import json

from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.sources.cuad import Cuad
from tests.sources.laws import drafts_of, keeps_all_laws, rejects_of, repairs_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)

CONTEXT = " ".join(f"Clause {n} binds both parties." for n in range(200))
NO = "There is no such clause in this passage."


def qa(name, *texts, shift=0):
    answers = [{"text": text, "answer_start": CONTEXT.index(text) + shift} for text in texts]
    return {"id": name, "question": f"Highlight {name}.", "answers": answers, "is_impossible": not answers}


def contract(*qas, title="ACME AGREEMENT", context=CONTEXT):
    return {"title": title, "paragraphs": [{"qas": list(qas), "context": context}]}


def read(tmp_path, *contracts, **fields):
    def make(on_error):
        return Cuad(on_error=on_error, **fields)

    return keeps_all_laws(make, json.dumps({"version": "aok_v1.0", "data": list(contracts)}).encode(), tmp_path)


def parts_of(batches):
    return [
        (row["prompt"][0]["content"], row["responses"][0]["messages"][0]["content"])
        for row in drafts_of(batches).iter_rows(named=True)
    ]


@FEW
@given(number=st.integers(0, 199), width=st.integers(200, 9000), name=st.text("abc", min_size=1, max_size=4))
def test_the_passage_holds_the_clause_and_whole_words_and_is_no_longer_than_asked(
    tmp_path_factory, number, width, name
):
    clause = f"Clause {number} binds both parties."

    batches = read(tmp_path_factory.getbasetemp(), contract(qa(name, clause)), passage_chars=width)

    ((prompt, response),) = parts_of(batches)
    passage = prompt.removesuffix(f"\n\nHighlight {name}.")
    assert response == clause
    assert clause in passage
    assert len(passage) <= width + 2 * len("parties.")
    assert set(passage.split()) <= set(CONTEXT.split())


def test_a_contract_gives_a_row_for_each_question_in_one_group(tmp_path):
    batches = read(
        tmp_path,
        contract(qa("a", "Clause 3 binds"), qa("b"), qa("c", "Clause 5 binds", "Clause 4 binds")),
        contract(qa("d"), title="B"),
    )

    assert [response for _, response in parts_of(batches)] == [
        "Clause 3 binds",
        NO,
        "Clause 4 binds\n\nClause 5 binds",
        NO,
    ]
    assert drafts_of(batches)["group"].to_list() == ["ACME AGREEMENT"] * 3 + ["B"]
    assert drafts_of(batches)["license"].unique().to_list() == ["cc-by-4.0"]


def test_clauses_outside_the_passage_are_not_in_the_response(tmp_path):
    batches = read(tmp_path, contract(qa("a", "Clause 3 binds", "Clause 190 binds")), passage_chars=500)

    assert parts_of(batches)[0][1] == "Clause 3 binds"


def test_questions_without_an_answer_can_be_left_out(tmp_path):
    batches = read(tmp_path, contract(qa("a", "Clause 3 binds"), qa("b")), contract(qa("c")), unanswerable=False)

    assert len(parts_of(batches)) == 1
    assert rejects_of(batches) == ["no-questions"]


def test_an_answer_in_a_wrong_place_is_looked_for(tmp_path):
    lost = qa("b", "Clause 4 binds")
    lost["answers"][0]["text"] = "nowhere"

    batches = read(tmp_path, contract(qa("a", "Clause 3 binds", shift=2), lost))

    assert [response for _, response in parts_of(batches)] == ["Clause 3 binds"]
    assert repairs_of(batches) == ["misplaced-answer"]


def test_contracts_may_stand_in_json_lines_and_faulty_ones_cost_themselves(tmp_path):
    lines = [contract(qa("a")), contract(qa("b"), context=" "), {"title": "x"}, contract({"id": "c", "question": ""})]

    batches = keeps_all_laws(
        lambda on_error: Cuad(on_error=on_error), "\n".join(map(json.dumps, lines)).encode(), tmp_path
    )

    assert len(parts_of(batches)) == 1
    assert rejects_of(batches) == ["empty-prompt", "missing-column", "empty-prompt"]
