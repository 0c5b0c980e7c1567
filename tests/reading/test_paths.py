import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.reading.paths import MISSING, Template, fill, parse_column, parse_path, parse_template

# No deadline: the machine may be busy.
FEW = settings(max_examples=60, deadline=None)


RECORD = {
    "title": "T",
    "meta.title": "whole name",
    "meta": {"title": "path", "tags": ["a", "b"]},
    "turns": [{"text": "x"}, {"other": 1}, {"text": "z"}],
    "a/b": {"c~d": [7]},
}

KEYS = st.text(st.characters(blacklist_characters="?", blacklist_categories=["Cs"]), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("title", "T"),
        ("meta.title", "whole name"),
        ("meta.tags[1]", "b"),
        ("meta.tags.1", "b"),
        ("meta.tags[2]", MISSING),
        ("/meta/title", "path"),
        ("/a~1b/c~0d/0", 7),
        ("turns[].text", ["x", None, "z"]),
        ("turns[]", RECORD["turns"]),
        ("title.more", MISSING),
        ("title[]", MISSING),
        ("nothing", MISSING),
        ("nothing?", MISSING),
    ],
)
def test_a_path_leads_where_it_says(written, value):
    assert parse_path(written).find(RECORD) == value


@FEW
@given(keys=st.lists(KEYS, min_size=1, max_size=4), value=st.integers())
def test_a_json_pointer_reaches_any_key_of_any_name(keys, value):
    record = value
    for key in reversed(keys):
        record = {key: record}
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)

    assert parse_path(pointer).find(record) == value


@FEW
@given(record=st.dictionaries(KEYS, st.integers(), min_size=1), data=st.data())
def test_a_column_whose_whole_name_is_written_is_found_whatever_its_name(record, data):
    name = data.draw(st.sampled_from(sorted(record)))
    try:
        path = parse_path(name)
    except ValueError:
        return

    assert path.find(record) == record[name]


@pytest.mark.parametrize("written", ["", "?", "a..b", "a[", "a]b", "a[x]", ".a"])
def test_a_wrong_path_is_refused(written):
    with pytest.raises(ValueError, match=r"path|column"):
        parse_path(written)


def test_a_value_with_braces_is_a_template_and_any_other_a_path():
    assert isinstance(parse_column("{title} by {author?}"), Template)
    assert not isinstance(parse_column("title"), Template)


def test_a_template_is_filled_and_doubled_braces_are_braces():
    template = parse_template("{{{a}}} and {b.c}")

    assert fill(template, lambda path: path.name.upper()) == "{A} and B.C"


@pytest.mark.parametrize("written", ["{a", "a}", "{}", "{a{b}}"])
def test_a_brace_that_stands_alone_is_refused(written):
    with pytest.raises(ValueError, match="brace"):
        parse_template(written)


def test_a_question_mark_says_that_a_column_may_be_missing():
    assert parse_path("system?").may_be_missing
    assert not parse_path("system").may_be_missing
    assert parse_path("system?").find({"system": "s"}) == "s"
