"""CodeSearchNet and CoSQA: what a function does, in words, and the function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import OnError, Parsed
from dataforge.reading.mapping import MAPPING_CODES, Columns, RowMaker
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet

_COSQA = Columns(prompt="doc", response="code")
_COSQA_BAD = Columns(prompt="doc")


@dataclass(frozen=True, kw_only=True)
class CodeSearchNet:
    """CodeSearchNet: the words of a function's documentation as the prompt, its code as the response.

    Reads the original files (`*.jsonl.gz`), those of the Hugging Face hub, and CoSQA of CodeXGLUE, where people's web
    searches stand for the words; a search that the code does not answer (label 0) gives a prompt without a response.

    The functions come under the licenses of their repositories, which the files do not name: rows carry `other`, and
    CoSQA's carry c-uda-1.0. The address and the owner come with each row. A repository is a group, as in the
    dataset's own split.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (*RECORD_CODES, *MAPPING_CODES)
    gives: ClassVar[frozenset[str]] = frozenset({"sft", "prompt"})

    request: Annotated[str, Field(description="The prompt, with `language` and `docstring` in braces.")] = (
        "Write a {language} function.\n\n{docstring}"
    )
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def __post_init__(self) -> None:
        """Check the request."""
        self._functions()

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read JSON lines, a JSON array or Parquet."""
        functions = self._functions()
        searches = RowMaker(_COSQA, license="c-uda-1.0")
        unanswered = RowMaker(_COSQA_BAD, license="c-uda-1.0")

        def parse(value: Any) -> Parsed:
            record = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
            if "doc" not in record:
                return functions(_one_form(record) if record else value)
            if record.get("label") != 0:
                return searches(record)
            parsed = unanswered(record)
            parsed.repairs.append("unwanted-response")
            return parsed

        return read_json_or_parquet(file, self.codes, self.on_error, parse)

    def _functions(self) -> RowMaker:
        columns = Columns(prompt=self.request, response="code", group="repository?", url="url?", author="owner?")
        return RowMaker(columns, license="other")


def _one_form(record: dict[str, Any]) -> dict[str, Any]:
    """Give the fields of the original and of the hub's form the same names."""
    repository = record.get("repo") or record.get("repository_name")
    owner = repository.partition("/")[0] if isinstance(repository, str) else None
    on_the_hub = {
        name: record[theirs]
        for name, theirs in (
            ("docstring", "func_documentation_string"),
            ("code", "func_code_string"),
            ("url", "func_code_url"),
        )
        if theirs in record
    }
    return {**record, **on_the_hub, "repository": repository, "owner": owner}


SOURCE: type[Source] = CodeSearchNet
