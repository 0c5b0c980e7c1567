"""The place of a key is where a reader finds it."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataforge.recipe.locate import locate

BARE = st.text("abcXYZ019_-", min_size=1, max_size=6)
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8)
SCALARS = st.one_of(
    st.integers(-(2**40), 2**40).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: f"{number:.3f}"),
    st.sampled_from(["true", "false", "inf", "1979-05-27 07:32:00.5-07:00", "07:32:00", "1979-05-27", "0xFF", "1_000"]),
    st.sampled_from(
        ['"# no comment"', "'] } = ,'", '"""a\n"q" # x\n""""', "'''a\n]''''", '"\\"["', '"""\\\n   x"""', '""', "''"]
    ),
)
BLANKS = st.sampled_from(["", " ", "\t ", "  "])
GAPS = st.sampled_from(["", " ", "\n", " # [x] y = 1\n\t", "\n\n"])


@st.composite
def written_keys(draw):
    name = draw(st.one_of(BARE, ANY_TEXT))
    if name and all(letter in "abcXYZ019_-" for letter in name) and draw(st.booleans()):
        return name, name
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in name)
    return name, f'"{escaped}"'


class Writer:
    """Writes TOML and notes where it put each key."""

    def __init__(self):
        self.text = ""
        self.places = {}

    def put(self, text):
        self.text += text

    def note(self, path):
        line = self.text.count("\n") + 1
        self.places.setdefault(path, (line, len(self.text) - (self.text.rfind("\n") + 1) + 1))

    def value(self, draw, path, depth=0):
        kind = draw(st.sampled_from(["scalar", "array", "table"] if depth < 3 else ["scalar"]))
        if kind == "scalar":
            self.put(draw(SCALARS))
        elif kind == "array":
            self.array(draw, path, depth)
        else:
            self.inline_table(draw, path, depth)

    def array(self, draw, path, depth):
        self.put("[")
        count = draw(st.integers(0, 3))
        for number in range(count):
            self.put(draw(GAPS))
            self.note((*path, number))
            self.value(draw, (*path, number), depth + 1)
            self.put(draw(GAPS))
            if number < count - 1 or draw(st.booleans()):
                self.put(",")
        self.put(draw(GAPS) + "]")

    def inline_table(self, draw, path, depth):
        self.put("{" + draw(BLANKS))
        for number, (name, written) in enumerate(draw(st.lists(written_keys(), max_size=3, unique_by=lambda k: k[0]))):
            self.put(("," if number else "") + draw(BLANKS))
            self.pair(draw, path, name, written, depth + 1)
        self.put(draw(BLANKS) + "}")

    def pair(self, draw, path, name, written, depth=0):
        self.note((*path, name))
        self.put(written + draw(BLANKS))
        inner = (*path, name)
        if draw(st.booleans()):
            self.put("." + draw(BLANKS))
            name, written = draw(written_keys())
            inner = (*inner, name)
            self.note(inner)
            self.put(written + draw(BLANKS))
        self.put("=" + draw(BLANKS))
        self.value(draw, inner, depth)


@st.composite
def documents(draw):
    writer = Writer()
    for name, written in draw(st.lists(written_keys(), max_size=3, unique_by=lambda key: key[0])):
        writer.put(draw(GAPS) + ("\n" if writer.text else "") + draw(BLANKS))
        writer.pair(draw, (), "t" + name, '"t' + written[1:] if written[0] == '"' else "t" + written)
    for number, (name, written) in enumerate(draw(st.lists(written_keys(), max_size=3, unique_by=lambda key: key[0]))):
        is_array = draw(st.booleans())
        for item in range(draw(st.integers(1, 3)) if is_array else 1):
            header(draw, writer, number, name, written, item if is_array else None)
    return writer


def header(draw, writer, number, name, written, item):
    writer.put("\n" + draw(GAPS) + "\n" + draw(BLANKS) + ("[" if item is None else "[[") + draw(BLANKS))
    outer = f"outer{number}"
    writer.note((outer,))
    writer.put(outer + "." + draw(BLANKS))
    path = (outer, name)
    writer.note(path)
    if item is not None:
        writer.note((*path, item))
        path = (*path, item)
    writer.put(written + draw(BLANKS) + ("]" if item is None else "]]") + "\n")
    for key, key_written in draw(st.lists(written_keys(), max_size=3, unique_by=lambda found: found[0])):
        writer.put(draw(BLANKS))
        writer.pair(draw, path, key, key_written)
        writer.put(draw(st.sampled_from(["\n", " # x\n"])))


def paths_of(value, path=()):
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from paths_of(child, (*path, key))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_every_key_stands_where_it_was_written(writer):
    values = tomllib.loads(writer.text)

    places = locate(writer.text)

    assert places == writer.places
    assert set(places) == set(paths_of(values))


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ("a = 1", ("a",), (1, 1)),
        ("[[x]]\n[[x]]\nb = 2", ("x", 1, "b"), (3, 1)),
        ("[[x]]\n[[x]]\n[x.y]\nb = 2", ("x", 1, "y", "b"), (4, 1)),
        ("[[x]]\n[[x.y]]\n[[x]]\n[[x.y]]\n[[x.y]]", ("x", 1, "y", 1), (5, 5)),
        ('"é" = { "ü" = [1, { z = 2 }] }', ("é", "ü", 1, "z"), (1, 21)),
        ("a.b.c = 1\na.d = 2", ("a", "d"), (2, 3)),
        ("d = 1979-05-27 07:32:00\ne = 1", ("e",), (2, 1)),
        ("", (), None),
    ],
)
def test_known_places(text, path, place):
    assert locate(text).get(path) == place
