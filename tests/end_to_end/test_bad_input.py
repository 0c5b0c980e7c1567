"""Spoilt files through the whole command line: the rest is kept, each loss is counted, placed and explained."""

import gzip
import json

import polars as pl
import pytest

from tests.end_to_end.command import books_close, forge_apart, forge_here, rejects
from tests.end_to_end.corpora import EACH, chat_recipe, chats, good, lines, posts, write
from tests.make import a_conversation


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _in_the_middle(data: bytes, junk: bytes) -> bytes:
    """Put junk into a text of the fourth record, not between two records."""
    texts = [b"makes 6", b"Nowhere 3", b"Because of 3", b"Halve 3", b"to 3.", b"At 3"]
    place = next(data.index(text) + len(text) - 1 for text in texts if text in data)
    return data[:place] + junk + data[place:]


def _every(code: str) -> dict[str, list[str]]:
    return {name: [code] for name in good()}


# What is done to each file, and which rejects that may cost, by file. What is not named loses nothing.
SPOILT = {
    "a byte-order mark": (lambda data: b"\xef\xbb\xbf" + data, {}),
    "line ends of Windows": (lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), {}),
    "cut off": (
        lambda data: data[: data.rindex(b"5") + 1],
        {
            "lines.jsonl": ["cut-off"],
            "array.json": ["cut-off"],
            "pairs.jsonl": ["cut-off"],
            "trees.jsonl": ["cut-off"],
            "tasks.json": ["cut-off"],
            "posts.xml": ["cut-off"],
            "table.csv": ["unclosed-quote"],
        },
    ),
    "a NUL in a text": (
        lambda data: _in_the_middle(data, b"\0"),
        {"posts.xml": ["illegal-character"]},
    ),
    "bytes that are no UTF-8": (
        lambda data: _in_the_middle(data, b"\xff\xfe"),
        _every("bad-utf8"),
    ),
    "half a character, as bytes": (
        lambda data: _in_the_middle(data, b"\xed\xa0\xbd"),
        _every("bad-utf8"),
    ),
    "half a character, as an escape": (
        lambda data: _in_the_middle(data, b"&#xD83D;" if b"<posts>" in data else rb"\ud83d"),
        {"posts.xml": ["illegal-character"]},
    ),
    "nothing": (lambda data: b"", _every("empty-file")),
    "blank lines alone": (
        lambda data: b"\n \n\r\n \n",
        {**_every("empty-file"), "table.csv": ["missing-column"]},
    ),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), _every("wrong-encoding")),
}


NOTHING_LEFT = {"nothing", "blank lines alone", "UTF-16"}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_file_costs_the_spoilt_records_and_each_is_told_of(project, capsys, spoilt):
    spoil, costs = SPOILT[spoilt]
    write(project, {name: spoil(data) for name, data in good().items()})
    nothing_left = spoilt in NOTHING_LEFT

    said = forge_here(capsys, "build", "small.toml", "--json")

    assert said.code == (3 if nothing_left else 0), said.err
    books_close(said.json)
    lost = rejects(project) if nothing_left or costs else pl.DataFrame(schema={"path": pl.String, "code": pl.String})
    found = {name: lost.filter(path=f"data/{name}")["code"].to_list() for name in good()}
    assert found == {name: costs.get(name, []) for name in good()}
    for stage in said.json["stages"]:
        name = stage["files"][0]["label"].removeprefix("data/")
        # What is lost of the posts is an answer, and each question has another.
        rows_lost = 0 if name == "posts.xml" else len(costs.get(name, []))
        assert stage["rows_out"] == (0 if nothing_left else EACH - rows_lost)
    for reject in lost.iter_rows(named=True):
        why = forge_here(capsys, "why", f"{reject['path']}:{reject['line']}", "--json")
        assert reject["record_id"] in {life["record"]["record_id"] for life in why.json["lives"]}
        assert reject["byte"] is not None


@pytest.mark.parametrize("spoilt", SPOILT)
def test_check_and_lint_survive_what_build_survives(project, capsys, spoilt):
    spoil, costs = SPOILT[spoilt]
    write(project, {name: spoil(data) for name, data in good().items()})

    check = forge_here(capsys, "check", "small.toml")
    lint = {name: forge_here(capsys, "lint", f"data/{name}") for name in good()}

    assert check.code == 0
    assert "from nothing, projected" in check.out
    assert not (project / "builds").exists()
    assert {name for name, said in lint.items() if said.code == 3} == set(costs)
    assert {said.code for said in lint.values()} <= {0, 3}
    assert all(f"data/{name}" in said.out + said.err for name, said in lint.items())


WRONG = [b"7", b'"text"', b"null", b"[]", b"[[1]]", b"{}", b'{"conversations": 3}', b'{"conversations": [1, null]}']
WRONG += [b'{"chosen": 1, "rejected": []}', b'{"instruction": {}, "output": 1e400}', b'{"prompt": "text"}', b"true"]


def test_records_of_wrong_types_are_rejected_one_by_one_with_their_lines(project, capsys):
    files = good()
    write(
        project,
        {name: b"\n".join(WRONG) + b"\n" + files[name] for name in ("lines.jsonl", "pairs.jsonl", "trees.jsonl")},
    )

    said = forge_here(capsys, "build", "small.toml", "--json")

    assert said.code == 0
    books_close(said.json)
    for stage in said.json["stages"]:
        assert (stage["records"], stage["used"], stage["rows_out"]) == (len(WRONG) + EACH, EACH, EACH)
    for _, lost in rejects(project).group_by("path"):
        assert sorted(lost["line"]) == list(range(1, len(WRONG) + 1))


def test_numbers_beyond_all_bounds_are_never_a_row_that_cannot_be_read_again(project, capsys):
    records = [
        b'{"q": "a", "r": "b", "s": %s}' % number for number in (b"1e400", b"-1e400", b"NaN", b"1e308", b"9" * 400)
    ]
    recipe = chat_recipe(project, lines(records))
    recipe.write_text(recipe.read_text().replace('"sharegpt"', '"json"\nprompt = "q"\nresponse = "r"\nscore = "s"'))

    said = forge_here(capsys, "build", "small.toml", "--json")

    assert said.code == 0
    books_close(said.json)
    scores = pl.read_parquet(project / "builds/small/data/*.parquet")["responses"].list.first().struct.field("score")
    assert said.json["stages"][0]["records"] == len(records)
    assert all(score is None or abs(score) < float("inf") for score in scores)


def test_of_two_keys_of_one_name_the_last_counts_and_the_record_is_one(project, capsys):
    twice = b'{"conversations": [], "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}'
    chat_recipe(project, lines([twice, *chats()]))

    said = forge_here(capsys, "build", "small.toml", "--json")

    assert said.code == 0
    books_close(said.json)
    assert said.json["stages"][0]["records"] == said.json["stages"][0]["used"] == EACH + 1


DEPTH = 100_000
DEEP = {
    "brackets": b"[" * DEPTH,
    "closed brackets": b"[" * DEPTH + b"]" * DEPTH,
    "brackets in a record": b'{"conversations": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
    "objects in a record": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
}


@pytest.mark.parametrize("deep", DEEP)
def test_a_line_nested_beyond_measure_costs_that_line(project, capsys, deep):
    chat_recipe(project, lines([*chats("before"), DEEP[deep], *chats("after")]))

    said = forge_here(capsys, "build", "small.toml", "--json")

    assert said.code == 0
    books_close(said.json)
    assert rejects(project).select("line", "code").rows() == [(EACH + 1, "not-json")]
    assert said.json["stages"][0]["used"] == 2 * EACH


@pytest.mark.parametrize("deep", ["brackets in a record", "objects in a record"])
def test_an_element_nested_beyond_measure_costs_that_element(project, capsys, deep):
    elements = [json.dumps(chat).encode() for chat in chats("before")]
    elements += [DEEP[deep], *(json.dumps(chat).encode() for chat in chats("after"))]
    chat_recipe(project, b"[" + b",\n".join(elements) + b"]", "a.json")

    said = forge_here(capsys, "build", "small.toml", "--json")

    assert said.code == 0
    books_close(said.json)
    assert rejects(project).select("line", "code").rows() == [(EACH + 1, "not-json")]
    assert said.json["stages"][0]["used"] == 2 * EACH


ENTITIES = (
    b'<!DOCTYPE posts [<!ENTITY a "laugh"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>\n'
)


@pytest.mark.parametrize("verb", ["build", "check", "lint"])
def test_a_dump_that_declares_entities_is_refused_at_its_line(project, capsys, verb):
    first, rest = posts().replace(b"Halve 3", b"&c;").split(b"\n", 1)
    write(project, {"posts.xml": first + b"\n" + ENTITIES + rest})

    said = forge_here(capsys, verb, "data/posts.xml" if verb == "lint" else "small.toml")

    assert said.code == 3
    assert "data/posts.xml:2: error: the file declares DOCTYPE" in said.err
    assert not (project / "builds").exists()


@pytest.mark.parametrize("verb", ["build", "check", "lint"])
def test_a_file_that_unpacks_without_end_is_refused_by_name(project, capsys, verb):
    packed = gzip.compress(lines(chats()) + b" " * (96 << 20), compresslevel=6)
    chat_recipe(project, packed, "bomb.jsonl.gz")

    said = forge_here(capsys, verb, "data/bomb.jsonl.gz" if verb == "lint" else "small.toml")

    assert len(packed) < 200_000
    assert said.code == 3
    assert "data/bomb.jsonl.gz: error: " in said.err
    assert "looks like a decompression bomb" in said.err
    assert not (project / "builds").exists()


HUGE = 50 << 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
@pytest.mark.parametrize(("size", "is_kept"), [(HUGE, True), (70 << 20, False)])
def test_a_huge_record_is_kept_up_to_the_limit_and_beyond_it_costs_itself_alone(project, name, size, is_kept):
    huge = a_conversation("How much?", "so much " * (size // 8))
    records = [*chats("before"), huge, *chats("after")]
    chat_recipe(project, lines(records) if name == "a.jsonl" else json.dumps(records).encode(), name)

    said = forge_apart(project, "build", "small.toml", "--json", "--workers", 1)

    assert said.code == 0
    books_close(said.json)
    read = said.json["stages"][0]
    assert read["records"] == 2 * EACH + 1
    assert read["rejected"] == ({} if is_kept else {"too-large": 1})
    if is_kept:
        rows = pl.read_parquet(project / "builds/small/data/*.parquet")
        answers = rows["responses"].list.first().struct.field("messages").list.first().struct.field("content")
        assert answers.str.len_bytes().max() == size // 8 * 8


DIRECTORIES = {
    "a file to read": ("data/a.jsonl", ("build", "small.toml"), {2, 4}),
    "a file to check": ("data/a.jsonl", ("check", "small.toml"), {2, 4}),
    "a file to lint": ("data/a.jsonl", ("lint", "data/a.jsonl"), {2, 4}),
    "the recipe": ("small.toml", ("build", "small.toml"), {2, 4}),
}


@pytest.mark.parametrize("what", DIRECTORIES)
def test_a_folder_where_a_file_should_be_is_named(project, capsys, what):
    path, command, codes = DIRECTORIES[what]
    recipe = chat_recipe(project, lines(chats()))
    recipe.write_text(recipe.read_text().replace("data/*", "data/a.jsonl"))
    (project / path).unlink()
    (project / path).mkdir()

    said = forge_here(capsys, *command)

    assert said.code in codes
    assert path in said.err
    assert not (project / "builds").exists()


@pytest.mark.parametrize("path", [".forge", "builds", "builds/small", "reports", ".forge/objects"])
def test_a_file_where_a_folder_should_be_is_named(project, capsys, path):
    chat_recipe(project, lines(chats()))
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_text("in the way")

    said = forge_here(capsys, "build", "small.toml")

    assert said.code == 4
    assert path in said.err
    assert (project / path).read_text() == "in the way"


@pytest.mark.parametrize("verb", ["build", "check"])
def test_a_recipe_whose_files_are_not_there_runs_nothing(project, capsys, verb):
    recipe = chat_recipe(project, lines(chats()))
    recipe.write_text(recipe.read_text().replace("data/*", "data/*.parquet"))

    said = forge_here(capsys, verb, "small.toml")

    assert said.code == 2
    assert "data/*.parquet" in said.err
    assert not (project / ".forge").exists()


def test_steps_that_drop_every_row_end_with_a_report_and_a_story_for_each(project, capsys):
    chat_recipe(
        project,
        lines(chats()),
        steps='[[step]]\nuse = "length_filter"\non = "assistant"\nunit = "characters"\nmin = 9999\n',
    )

    said = forge_here(capsys, "build", "small.toml", "--json")
    why = forge_here(capsys, "why", "data/a.jsonl:2")

    assert said.code == 3
    assert "no row is left" in said.err
    books_close(said.json)
    assert (project / said.json["report"]).is_file()
    assert "dropped      by length_filter: too-short" in why.out


BROKEN_STEP = """\
from dataclasses import dataclass
from typing import ClassVar
import polars as pl
from dataforge.core.plugin import Filter

@dataclass(frozen=True, kw_only=True)
class Broken:
    '''A step with a mistake in it.'''
    version: ClassVar[int] = 1
    reasons: ClassVar[dict[str, str]] = {"odd": "It is odd."}

    def measure(self, frame):
        return frame.select(length=pl.col("prompt").list.len())

    def decide(self, evidence):
        return 1 / (evidence.height * 0)

STEP: type[Filter] = Broken
"""


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_step_of_ones_own_that_raises_is_blamed_at_its_line(project, capsys, workers):
    (project / "broken.py").write_text(BROKEN_STEP)
    chat_recipe(project, lines(chats()), steps='[[step]]\nuse = "./broken.py"\n')

    said = (
        forge_apart(project, "build", "small.toml", "--workers", workers)
        if workers > 1
        else forge_here(capsys, "build", "small.toml")
    )

    assert said.code == 3
    assert "broken.py:16: error: ZeroDivisionError" in said.err
    assert not (project / "builds").exists()


def test_of_two_files_of_one_name_why_answers_of_the_one_that_was_named(project, capsys):
    recipe = chat_recipe(project, b"", "empty.jsonl")
    recipe.write_text(recipe.read_text().replace("data/*", "data/*/a.jsonl"))
    for name in ("first", "second"):
        (project / "data" / name).mkdir()
        (project / "data" / name / "a.jsonl").write_bytes(lines(chats(name)))
    assert forge_here(capsys, "build", "small.toml").code == 0

    said = forge_here(capsys, "why", "data/first/a.jsonl:2", "--json")

    assert [life["record"]["path"] for life in said.json["lives"]] == ["data/first/a.jsonl"]
