from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.sources.quora import Quora
from tests.sources.laws import drafts_of, keeps_all_laws, rejects_of, repairs_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)

HEADER = '"id"\t"qid1"\t"qid2"\t"question1"\t"question2"\t"is_duplicate"\n'

PAIRS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.booleans()), min_size=1, max_size=12)


def make(on_error):
    return Quora(on_error=on_error)


def table(pairs):
    rows = [
        f'"{n}"\t"{one}"\t"{other}"\t"What is {one}?"\t"What is {other}?"\t"{int(same)}"\n'
        for n, (one, other, same) in enumerate(pairs)
    ]
    return (HEADER + "".join(rows)).encode()


def groups_of(batches):
    return {row["prompt"][0]["content"]: row["group"] for row in drafts_of(batches).iter_rows(named=True)}


@FEW
@given(pairs=PAIRS)
def test_duplicates_and_their_duplicates_are_one_group_and_nothing_else_is(tmp_path_factory, pairs):
    batches = keeps_all_laws(make, table(pairs), tmp_path_factory.getbasetemp())
    found = groups_of(batches)
    reach = {name: {name} for pair in pairs for name in pair[:2]}
    for _ in reach:
        for one, other, same in pairs:
            if same:
                reach[one] |= reach[other]
                reach[other] |= reach[one]

    for one, reached in reach.items():
        for other in reach:
            together = found[f"What is {one}?"] == found[f"What is {other}?"]
            assert together == (other in reached)


def test_a_pair_gives_two_prompts_without_responses(tmp_path):
    drafts = drafts_of(keeps_all_laws(make, table([(1, 2, False)]), tmp_path))

    assert [prompt[0]["content"] for prompt in drafts["prompt"].to_list()] == ["What is 1?", "What is 2?"]
    assert drafts["responses"].list.len().to_list() == [0, 0]


def test_a_blank_question_is_left_out_and_a_broken_line_refused(tmp_path):
    data = HEADER + '"0"\t"1"\t"2"\t"What ""is"" 1?"\t""\t"0"\n1\t3\t4\n"2"\t"5"\t"6"\t""\t" "\t"0"\n'

    batches = keeps_all_laws(make, data.encode(), tmp_path)

    assert list(groups_of(batches)) == ['What "is" 1?']
    assert repairs_of(batches) == ["question-left-out"]
    assert rejects_of(batches) == ["wrong-cell-count", "empty-prompt"]
