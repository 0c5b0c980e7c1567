import pytest

from dataforge.reading.drafts import Message, RecordFaultError
from dataforge.reading.mapping import Columns, RowMaker


def row_of(record, **columns):
    (row,) = RowMaker(Columns(**columns))(record).rows
    return row


def fault_of(record, **columns):
    with pytest.raises(RecordFaultError) as caught:
        RowMaker(Columns(**columns))(record)
    return caught.value.code


def said(row):
    return [[message.content for message in response.messages] for response in row.responses]


def test_a_prompt_and_a_response_make_a_row():
    record = {"q": "Why?", "a": "So.", "s": 3, "by": "Ann", "at": "http://x", "under": "MIT", "thread": 7}

    row = row_of(
        record, prompt="q", response="a", score="s", author="by", url="at", license_column="under", group="thread"
    )

    assert row.prompt == [Message("user", "Why?")]
    assert said(row) == [["So."]]
    assert (row.responses[0].score, row.author, row.url, row.license, row.group) == (3.0, "Ann", "http://x", "mit", "7")


def test_a_prompt_alone_makes_a_row_without_responses():
    assert list(row_of({"q": "Why?"}, prompt="q").responses) == []


def test_a_template_joins_columns_and_leaves_no_blank_ends():
    columns = {"prompt": "{title}\n\n{body?}", "response": "a"}

    assert row_of({"title": "T", "body": "B", "a": "x"}, **columns).prompt[0].content == "T\n\nB"
    assert row_of({"title": "T", "body": None, "a": "x"}, **columns).prompt[0].content == "T"
    assert row_of({"title": "T", "a": "x"}, **columns).prompt[0].content == "T"


@pytest.mark.parametrize(("by", "numbers"), [("scores", [0.5, "2", 0.5]), ("ranks", ["9", 3, 9])])
def test_responses_are_ranked_and_ties_share_a_rank(by, numbers):
    record = {"q": "?", "all": [{"text": "a"}, {"text": "b"}, {"text": "c"}], "n": numbers}

    row = row_of(record, prompt="q", responses="all[].text", **{by: "n"})

    assert said(row) == [["b"], ["a"], ["c"]]
    assert [response.rank for response in row.responses] == [0, 1, 1]


def test_responses_may_stand_in_columns_of_their_own():
    record = {"q": "?", "a0": "x", "a1": "y", "s0": -0.5, "s1": 0.5}

    row = row_of(record, prompt="q", responses=("a0", "a1"), scores=("s0", "s1"))

    assert said(row) == [["y"], ["x"]]
    assert [response.score for response in row.responses] == [0.5, -0.5]


def test_responses_that_nobody_ranked_share_a_rank_and_have_no_score():
    row = row_of({"q": "?", "all": ["x", "y"]}, prompt="q", responses="all")

    assert [(response.rank, response.score) for response in row.responses] == [(0, None), (0, None)]


def test_a_response_without_text_or_number_is_left_out_while_two_remain():
    record = {"q": "?", "all": ["x", "y", "z", " "], "n": [1, "N/A", 2, 3]}
    parsed = RowMaker(Columns(prompt="q", responses="all", scores="n"))(record)

    assert said(parsed.rows[0]) == [["z"], ["x"]]
    assert parsed.repairs == ["response-left-out"]
    assert fault_of({"q": "?", "all": ["x", ""], "n": [1, 2]}, prompt="q", responses="all", scores="n") == (
        "too-few-responses"
    )


def test_a_pair_may_have_its_prompt_in_a_column_or_in_itself():
    turns = [{"from": "human", "value": "q"}]
    sides = {side: [*turns, {"from": "gpt", "value": side}] for side in ("good", "bad")}

    row = row_of(
        {"p": turns, "good": {"from": "gpt", "value": "g"}, "bad": "b"}, prompt="p", chosen="good", rejected="bad"
    )
    assert said(row) == [["g"], ["b"]]
    assert [response.rank for response in row.responses] == [0, 1]

    row = row_of(sides, chosen="good", rejected="bad")
    assert (row.prompt, said(row)) == ([Message("user", "q")], [["good"], ["bad"]])


def test_messages_are_split_at_the_last_answer_and_may_be_json_text():
    turns = '[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]'

    row = row_of({"m": turns, "s": "Be kind."}, messages="m", system="s")

    assert [message.role for message in row.prompt] == ["system", "user"]
    assert said(row) == [["b"]]


def test_a_whole_number_is_written_as_text_and_noted_and_other_values_are_refused():
    parsed = RowMaker(Columns(prompt="q", response="a"))({"q": "2 + 2?", "a": 4})
    assert (said(parsed.rows[0]), parsed.repairs) == ([["4"]], ["number-as-text"])

    for value in (4.0, True, {"x": 1}, ["x"]):
        assert fault_of({"q": value, "a": "x"}, prompt="{q}", response="a") == "wrong-type"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"q": None, "a": "x"}, "empty-prompt"),
        ({"q": "", "a": "x"}, "empty-prompt"),
        ({"q": "x", "a": None}, "empty-response"),
        ({"q": "x", "a": " \u200b"}, "empty-response"),
        ({"q": "x"}, "missing-column"),
        ([], "not-an-object"),
        ("text", "not-an-object"),
    ],
)
def test_what_is_missing_or_blank_is_refused(record, code):
    assert fault_of(record, prompt="q", response="a") == code


def test_the_first_record_without_a_column_lists_the_columns_there_are():
    make = RowMaker(Columns(prompt="question", response="a"))
    details = []
    for _ in range(2):
        with pytest.raises(RecordFaultError) as caught:
            make({"Question": "x", "a": "y"})
        details.append(caught.value.detail)

    assert details == ["no 'question'; there are: Question, a", "no 'question'"]


def test_equal_sides_are_no_pair():
    assert fault_of({"q": "x", "c": "y", "r": "y"}, prompt="q", chosen="c", rejected="r") == "identical-pair"


def test_lengths_that_differ_are_refused():
    record = {"q": "?", "all": ["x", "y"], "n": [1]}

    assert fault_of(record, prompt="q", responses="all", scores="n") == "unequal-lengths"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, "no column is named"),
        ({"system": "s"}, "no column is named"),
        ({"chosen": "c"}, "without rejected"),
        ({"rejected": "r"}, "without chosen"),
        ({"responses": "r"}, "without prompt"),
        ({"prompt": "p", "response": "r", "responses": "x"}, "both named"),
        ({"prompt": "p", "messages": "m"}, "both named"),
        ({"prompt": "p", "responses": "r", "scores": "s", "ranks": "k"}, "both named"),
        ({"prompt": "p", "response": "r", "scores": "s"}, "without responses"),
        ({"prompt": "p", "responses": ("a", "b"), "scores": ("s",)}, "1 columns"),
        ({"prompt": "p", "responses": ("a", "b"), "scores": "s"}, "one column"),
        ({"prompt": "p", "score": "s"}, "without response"),
        ({"prompt": "a..b"}, "no path"),
        ({"prompt": "{a"}, "brace"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(columns, words):
    with pytest.raises(ValueError, match=words):
        RowMaker(Columns(**columns))
