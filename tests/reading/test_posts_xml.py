"""Rows of a dump, one by one."""

import io
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError
from dataforge.reading import posts_xml
from dataforge.reading.json_values import Broken
from dataforge.reading.posts_xml import XmlRow, xml_rows

HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=20
)


def rows_of(data):
    return list(xml_rows(io.BytesIO(data), "Posts.xml"))


def codes_of(data):
    return [item.code for item in rows_of(data) if isinstance(item, Broken)]


def ids_of(data):
    return [item.attributes["Id"] for item in rows_of(data) if isinstance(item, XmlRow)]


@settings(max_examples=100, deadline=None)
@given(
    bodies=st.lists(XML_TEXT, max_size=6), gap=st.sampled_from(["\n  ", "\r\n", "", "<!-- x -->\n"]), mark=st.booleans()
)
def test_every_row_comes_back_with_its_place(bodies, gap, mark):
    rows = [f"<row Id={quoteattr(str(n))} Body={quoteattr(body)} />" for n, body in enumerate(bodies)]
    data = ("\ufeff" * mark + HEAD.decode() + gap.join(rows) + "\n</posts>\n").encode()

    found = rows_of(data)

    assert [item.attributes["Body"] for item in found if isinstance(item, XmlRow)] == bodies
    assert len(found) == len(bodies)
    for item in found:
        assert data[item.raw.byte :].startswith(item.raw.data)
        assert item.raw.line == data.count(b"\n", 0, item.raw.byte) + 1


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(
            [b"<row ", b'Id="1" ', b"/>", b"<posts>", b"</posts>", b"\n", b"\xff", b'"', b"x", b"<!--", b"-->"]
        )
    ),
    chunk=st.sampled_from([1, 3, 2 << 20]),
)
def test_whatever_stands_in_a_file_its_rows_are_counted(parts, chunk):
    data = b"".join(parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dataforge.reading.json_window.CHUNK_BYTES", chunk)
        found = rows_of(data)

    starts = [item.raw.byte for item in found if item.raw.data.startswith(b"<row")]
    assert starts == [place for place in range(len(data)) if data.startswith(b"<row ", place)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b'<row Id="2" Body="a < b" />', "not-xml"),
        (b'<row Id="2" Body="a />', "not-xml"),
        (b'<row Id="2" Id="3" />', "not-xml"),
        (b'<row Id="2" Body="&nbsp;" />', "not-xml"),
        (b'<row Id="2"><b/></row>', "not-xml"),
        (b'<users Id="2" />', "not-a-row"),
        (b'<row Id="2">text</row>', "not-xml"),
        (b'<row Id="2" Body="caf\xe9" />', "bad-utf8"),
        (b'<row Id="2" Body="&#x1;" />', "illegal-character"),
        (b'<row Id="2" Body="\x01" />', "illegal-character"),
        (b'<rows Id="2" />', "not-a-row"),
        (b"some text", "not-a-row"),
    ],
)
def test_a_broken_row_costs_itself(row, code):
    data = HEAD + b'<row Id="1" />\n' + row + b'\n<row Id="4" />\n</posts>'

    assert codes_of(data) == [code]
    assert ids_of(data)[-1] == "4"


def test_junk_before_the_first_row_is_one_reject():
    assert codes_of(HEAD + b"junk <b/>\n<row Id='1'/></posts>") == ["not-a-row"]


def test_rows_may_share_a_line_and_run_over_lines():
    data = HEAD + b'<row Id="1"/><row Id="2"></row>\n<row\n  Id="3"\n  Body="x"\n/>\n</posts>'

    assert ids_of(data) == ["1", "2", "3"]


def test_two_dumps_one_after_the_other_are_read():
    data = HEAD + b'<row Id="1"/></posts>\n'

    assert ids_of(data + data) == ["1", "1"]
    assert codes_of(data + data) == []


@pytest.mark.parametrize("end", [b'<row Id="2" Bo', b'<row Id="2" Body="a &lt;b', b"<row ", b""])
def test_a_cut_off_file_keeps_its_whole_rows(end):
    data = HEAD + b'<row Id="1"/>\n' + end

    assert ids_of(data) == ["1"]
    assert codes_of(data) == ["cut-off"]


@pytest.mark.parametrize(
    "head",
    [
        b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;">]>\n<posts>',
        b'<!DOCTYPE posts SYSTEM "file:///etc/passwd">\n<posts>',
        b"<posts><!ENTITY x 'y'>",
    ],
)
def test_declarations_are_refused_with_their_place(head):
    with pytest.raises(DataError, match="declares") as caught:
        rows_of(head + b'<row Id="1" Body="&lol1;"/></posts>')

    assert caught.value.where is not None
    assert caught.value.where.byte == head.index(b"<!")


def test_a_declaration_after_the_rows_is_refused_too():
    with pytest.raises(DataError, match="DOCTYPE"):
        rows_of(HEAD + b"<row Id='1'/></posts><!DOCTYPE x><posts><row Id='2'/></posts>")


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b"", ["empty-file"]),
        (b" \n ", ["empty-file"]),
        (b"<posts/>", []),
        (b"<posts></posts>", []),
        (b"<posts>", ["cut-off"]),
        ('<posts><row Id="1"/></posts>'.encode("utf-16"), ["wrong-encoding"]),
    ],
)
def test_files_without_rows(data, codes):
    assert codes_of(data) == codes


def test_a_row_that_is_too_large_is_let_go_by(monkeypatch):
    monkeypatch.setattr(posts_xml, "MAX_ROW_BYTES", 1000)
    monkeypatch.setattr("dataforge.reading.json_window.CHUNK_BYTES", 100)
    data = HEAD + b'<row Id="1"/>\n<row Id="2" Body="' + b"x" * 50_000 + b'"/>\n<row Id="3"/>\n</posts>'

    assert codes_of(data) == ["too-large"]
    assert ids_of(data) == ["1", "3"]
    assert rows_of(data)[-1].raw.line == 5
