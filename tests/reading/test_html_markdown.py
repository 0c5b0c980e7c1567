"""HTML to Markdown, read back by markdown-it as the judge."""

import html
import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dataforge.reading.html_markdown import MAX_DEPTH, to_markdown

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

# Letters beside everything that means something in Markdown or HTML.
SIGNS = st.text(st.sampled_from("ab1.)#*_`~<>[]()!&;-+= \\|:x/\"'é"), max_size=25)
CODE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=60)


def inlines(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    leaves = text.map(html.escape) | text.filter(str.strip).map(lambda code: f"<code>{html.escape(code)}</code>")

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        def wrap(tag: str, parts: list[str]) -> str:
            return f"<{tag}>{''.join(parts)}</{tag.split(maxsplit=1)[0]}>"

        tags = st.sampled_from(["em", "strong", "kbd", "sup", 'a href="http://u.v/w"', "span"])
        return st.builds(wrap, tags, st.lists(inner, max_size=3)) | st.lists(inner, max_size=3).map("<br>".join)

    return st.recursive(leaves, grow, max_leaves=6)


def blocks() -> st.SearchStrategy[str]:
    inline = inlines(SIGNS)
    leaves = (
        inline.map(lambda text: f"<p>{text}</p>")
        | inline.map(lambda text: f"<h2>{text.replace('<br>', ' ')}</h2>")
        | SIGNS.map(lambda code: f"<pre><code>x{html.escape(code)}</code></pre>")
        | st.just("<hr>")
    )

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        def as_list(tag: str, items: list[tuple[str, list[str]]]) -> str:
            body = "".join(f"<li>{text}{''.join(more)}</li>" for text, more in items)
            return f"<{tag}>{body}</{tag[:2]}>"

        items = st.lists(st.tuples(inline, st.lists(inner, max_size=2)), min_size=1, max_size=3)
        quotes = st.lists(inner, min_size=1, max_size=3).map(lambda x: f"<blockquote>{''.join(x)}</blockquote>")
        return quotes | st.builds(as_list, st.sampled_from(["ul", "ol", 'ol start="4"']), items)

    return st.lists(st.recursive(leaves, grow, max_leaves=6), max_size=3).map("".join)


def seen(page: str) -> str:
    """What a person reads on a page, but for white space and the signs of emphasis, which touch words in HTML only."""
    text = html.unescape(re.sub(r"<[a-zA-Z/!][^>]*>", "", page))
    return re.sub(r"[ \t\n\r\f*_~]+", "", text)


def code_in(markdown: str) -> list[str]:
    return [token.content for token in READER.parse(markdown) if token.type == "fence"]


@settings(max_examples=80, deadline=None)
@given(page=blocks())
def test_a_reader_of_the_markdown_sees_the_text_of_the_page(page):
    # `[`]:`](url)` at the start of a paragraph cannot be written as a link in Markdown; nobody does.
    assume(not re.search(r"<code>[^<]*\]", page))
    assume("$" not in page)

    assert seen(READER.render(to_markdown(page))) == seen(page)


@settings(max_examples=150, deadline=None)
@given(
    code=CODE.filter(str.strip), around=st.sampled_from(["{}", "<ul><li>a{}</li></ul>", "<blockquote>{}</blockquote>"])
)
def test_a_code_block_comes_back_byte_for_byte(code, around):
    page = around.format(f'<pre class="lang-py"><code>{html.escape(code)}</code></pre>')

    blocks = code_in(to_markdown(page))

    assert blocks == [code if code.endswith("\n") else code + "\n"]


@settings(max_examples=150, deadline=None)
@given(code=st.text(st.sampled_from("a`*_<>&\\[ ]"), min_size=1, max_size=20))
def test_inline_code_comes_back_byte_for_byte(code):
    assume(code.strip())

    markdown = to_markdown(f"<p>see <code>{html.escape(code)}</code> there</p>")

    spans = [
        part.content for token in READER.parse(markdown) for part in token.children or () if part.type == "code_inline"
    ]
    assert spans == [code]


TAG_SOUP = """
    < > </ /> <!-- --> <p <a_href=' " ' = <b> </b> <li> </ul> <ul> <ol> <pre> </pre> <code> </code> <table> <tr> <td> </td>
    <th> </table> <blockquote> </blockquote> <br> <img_src=x_alt=y> & &# &#99999999; &#xD800; $
"""
SOUP = st.sampled_from([*(piece.replace("_", " ") for piece in TAG_SOUP.split()), "\0", "\ud800", "\n", " "])


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(SOUP, max_size=40))
def test_no_html_makes_it_raise(parts):
    assert isinstance(to_markdown("".join(parts)), str)


TAGS = st.sampled_from(
    ["b", "i", "a href=u", "code", "p", "div", "li", "ul", "ol", "pre", "blockquote", "h1", "td", "tr"]
)
PIECES = st.tuples(st.sampled_from(["<{}>", "</{}>"]), st.sampled_from(["table", "x"]) | TAGS)


@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(PIECES, max_size=40))
def test_no_word_between_tags_is_lost_or_moved(pieces):
    page = "".join(shape.format(tag) + f" word{n} " for n, (shape, tag) in enumerate(pieces))

    words = re.findall(r"word\d+", to_markdown(page))

    assert sorted(words) == sorted(f"word{n}" for n in range(len(pieces)))
    if not any(tag in {"table", "tr", "td"} for _, tag in pieces):
        assert words == [f"word{n}" for n in range(len(pieces))]


@pytest.mark.parametrize(
    "piece",
    ["<a ", '<a b="', "<!--", "<script>", "<b>", "<ul><li>", "<blockquote>", "a<x>", "&#1", "<p ='", "$\\", "<table>"],
)
def test_hostile_pages_take_time_in_proportion(piece):
    began = time.process_time()

    to_markdown(piece * (200_000 // len(piece)))

    # A search from each place to the end would take minutes.
    assert time.process_time() - began < 10


def test_nesting_beyond_the_limit_keeps_the_text():
    depth = 10 * MAX_DEPTH

    markdown = to_markdown("<blockquote>" * depth + "deep" + "</blockquote>" * depth + "after")

    assert markdown == "> " * (MAX_DEPTH - 1) + "deep\n\nafter"


@pytest.mark.parametrize(
    ("page", "markdown"),
    [
        (
            "<p>Use <code>x&lt;y</code>:</p>\n<pre><code>for i in x:\n    go(i)\n</code></pre>",
            "Use `x<y`:\n\n```\nfor i in x:\n    go(i)\n```",
        ),
        ('<pre class="lang-py prettyprint-override"><code>a\n</code></pre>', "```py\na\n```"),
        ('<pre><code class="language-c++">a</code></pre>', "```c++\na\n```"),
        ('<pre class="lang-none"><code>a</code></pre>', "```\na\n```"),
        ("<pre>\n  a</pre>", "```\n  a\n```"),
        ("<pre><code>```\na\n```</code></pre>", "````\n```\na\n```\n````"),
        ("<pre>a<br>b</pre>", "```\na\nb\n```"),
        ("<code>a`b</code>", "``a`b``"),
        ("<code>`</code>", "`` ` ``"),
        ("<p><code>a</code><code>b</code></p>", "`ab`"),
        ('<a href="http://x.y/z">here</a>', "[here](http://x.y/z)"),
        ('<a href="http://x.y/a_b">http://x.y/a_b</a>', "<http://x.y/a_b>"),
        ('<a href="/a b(c" title="T &quot;t&quot;">here</a>', '[here](</a%20b(c> "T \\"t\\"")'),
        ('Wow!<a href="u">x</a>', "Wow\\![x](u)"),
        ('<a href="u"><img src="i.png" alt="a [b]"></a>', "[![a \\[b\\]](i.png)](u)"),
        ("<a name='x'>plain</a>", "plain"),
        ("<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>", "- a\n  1. b\n  2. c\n- d"),
        ('<ol start="9"><li>a<li>b</ol>', "9. a\n10. b"),
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n\n- b"),
        ("<ul><li>a</li></ul><ul><li>b</li></ul>", "- a\n\n* b"),
        ("<ul><li>a<pre><code>x\n\ny</code></pre></li></ul>", "- a\n  ```\n  x\n\n  y\n  ```"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("<h1>C#</h1><h3>a #</h3>", "# C#\n\n### a \\#"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("a<br>b<br/># c", "a  \nb  \n\\# c"),
        ("<kbd>Ctrl</kbd> 2<sup>3</sup> H<sub>2</sub>O", "<kbd>Ctrl</kbd> 2<sup>3</sup> H<sub>2</sub>O"),
        ("<strong>a <em>b</em></strong> <s>c</s>", "**a *b*** ~~c~~"),
        ("x<b> y </b>z", "x **y** z"),
        ("<b>a<i>b</b>c</i>", "**a*b****c*"),
        ("1. no list", "1\\. no list"),
        (
            "5+ years, -3, a-b, 2 * 3, snake_case [1] &amp; <!-- x -->more",
            "5+ years, -3, a-b, 2 * 3, snake_case [1] & more",
        ),
        ("&lt;div&gt; *x* `y`", "\\<div> \\*x\\* \\`y\\`"),
        (r"by $\{x_1\}$ and $a*b*c$, \* 5", r"by $\{x_1\}$ and $a\*b\*c$, \\\* 5"),
        ("<script>alert(1)</script><style>p{}</style>a", "a"),
        (
            "<table><tr><th>a<th>b|c<tr><td>1<td><code>x|y</code></table>",
            "| a | b\\|c |\n| --- | --- |\n| 1 | `x\\|y` |",
        ),
        ("<table><tr><td><p>a</p><p>b</p><td>c</table>", "a\n\nb\n\nc"),
        ("a &amp;lt; b", "a \\&lt; b"),
        (f"&#{'9' * 5000};", "\ufffd"),
        ("", ""),
    ],
)
def test_known_pages(page, markdown):
    assert to_markdown(page) == markdown
