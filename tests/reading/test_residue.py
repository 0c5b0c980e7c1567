import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.reading.residue import without_residue


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            '<div class="markdown prose w-full"><p>One &amp; two.</p><p><em>Three</em></p></div>',
            "One & two.\n\n*Three*",
        ),
        ("<span>Tip: 12.96.</span>", "Tip: 12.96."),
        ("<p>Just this.</p>", "Just this."),
        ("2 / 3\n\nOnce upon a time.", "Once upon a time."),
        ("1 / 2\n<div><p>Yes.</p></div>", "Yes."),
        ("```pythonCopy code\nprint(1)\n```\nDone.", "```python\nprint(1)\n```\nDone."),
        ("```bash\nCopy code\nls\n```", "```bash\nls\n```"),
        ("```Copy code\n```\nNothing above.", "Nothing above."),
        ("An answer.\n\nCopy229 chars / 44 words", "An answer."),
    ],
)
def test_what_the_page_left_is_taken_out(text, clean):
    assert without_residue(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "2 / 3 of the people agree.",
        "1/4 - 1/8 is 1/8.\n\n1/3",
        "3 / 2\nis more than one.",
        "Write `<div class='markdown'>` around it.",
        '<div class="modal fade" id="m">\n <p>Sure?</p>\n</div>',
        "<p>This is how a paragraph begins; it ends with a slash and a p.",
        '```html\n<div class="markdown"><p>code</p></div>\n```',
        "Press the button that says Copy code, please.",
        "Copy: buy now! Copy that.",
        "OpenAI made ChatGPT.",
        "",
    ],
)
def test_what_only_looks_like_residue_stays(text):
    assert without_residue(text) is text


def test_a_code_fence_within_a_wrapper_stays_as_it_is():
    fence = "```html\n<p>  a &amp; b </p>\n\n<b>\n```"

    clean = without_residue(f'<div class="markdown"><p>See:</p>\n{fence}\n<p>There.</p></div>')

    assert clean == f"See:\n\n{fence}\n\nThere."


@given(
    st.lists(
        st.sampled_from(["<p>", "</p>", "<div>", "</div>", "2 / 3\n", "```", "\n", "Copy code", "x", " "]), max_size=9
    )
)
@settings(deadline=None)
def test_cleaning_loses_no_word_of_the_answer(parts):
    text = "".join(parts)

    assert without_residue(text).count("x") == text.count("x")
