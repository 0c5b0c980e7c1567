"""The Stack: source files of GitHub repositories, with the licenses found in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast
from urllib.parse import quote

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.drafts import OnError, Parsed, RecordFaultError
from dataforge.reading.mapping import MAPPING_CODES, Columns, RowMaker
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet

# Licenses without copyleft, by SPDX id in lower case. Variants that name the same terms are all here.
PERMISSIVE = (
    "0bsd",
    "apache-2.0",
    "artistic-2.0",
    "bsd-2-clause",
    "bsd-2-clause-patent",
    "bsd-3-clause",
    "bsd-3-clause-clear",
    "bsl-1.0",
    "cc0-1.0",
    "isc",
    "mit",
    "mit-0",
    "ncsa",
    "postgresql",
    "python-2.0",
    "unlicense",
    "upl-1.0",
    "wtfpl",
    "x11",
    "zlib",
)

_LICENSES = ("max_stars_repo_licenses", "licenses", "detected_licenses", "license")
_REPOSITORY = ("max_stars_repo_name", "repo_name", "repository_name")
_COMMIT = ("max_stars_repo_head_hexsha", "revision_id", "commit_id")
_PATH = ("max_stars_repo_path", "path")
_LANGUAGE = ("lang", "language")


@dataclass(frozen=True, kw_only=True)
class TheStack:
    """The Stack, versions 1 and 2 and their subsets: a request to write a file, and the file.

    Code answers nobody, so the request is ours: `request` words it. A file is used if every license found in its
    repository is one of `allowed_licenses`; a file without any is not. Rows carry those licenses, the file's address
    and the repository's owner, because the licenses ask for that. A repository is a group.
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (
        *RECORD_CODES,
        *MAPPING_CODES,
        Code("license-not-allowed", "The file has no license, or one that is not allowed.", is_fault=False),
    )
    gives: ClassVar[frozenset[str]] = frozenset({"sft"})

    request: Annotated[str, Field(description="The prompt, with `language` and `path` in braces.")] = (
        "Write the {language} file {path}."
    )
    allowed_licenses: Annotated[
        tuple[str, ...], Field(min_length=1, description="SPDX ids; the default is all that are permissive.")
    ] = PERMISSIVE
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def __post_init__(self) -> None:
        """Check the request."""
        self._rows()

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read Parquet, JSON lines or a JSON array."""
        make = self._rows()
        allowed = {name.lower() for name in self.allowed_licenses}

        def parse(value: Any) -> Parsed:
            return make(_one_form(cast("dict[str, Any]", value), allowed) if isinstance(value, dict) else value)

        return read_json_or_parquet(file, self.codes, self.on_error, parse)

    def _rows(self) -> RowMaker:
        return RowMaker(
            Columns(
                prompt=self.request,
                response="content",
                group="repository?",
                url="url?",
                author="owner?",
                license_column="license",
            )
        )


def _one_form(record: dict[str, Any], allowed: set[str]) -> dict[str, Any]:
    """Give the fields of either version the same names."""
    licenses = _licenses(record)
    if not licenses or not allowed.issuperset(licenses):
        raise RecordFaultError("license-not-allowed", ", ".join(licenses) or "none")
    repository, commit, path = _first(record, _REPOSITORY), _first(record, _COMMIT), _first(record, _PATH)
    same = {
        "language": _first(record, _LANGUAGE),
        "path": path,
        "repository": repository,
        "owner": repository.partition("/")[0] if repository else None,
        "url": _url(repository, commit, path),
        "license": " and ".join(licenses),
    }
    return {**record, **{name: value for name, value in same.items() if value is not None}}


def _url(repository: str | None, commit: str | None, path: str | None) -> str | None:
    if repository is None or commit is None or path is None:
        return None
    return f"https://github.com/{repository}/blob/{commit}/{quote(path.lstrip('/'))}"


def _licenses(record: dict[str, Any]) -> list[str]:
    found = next((record[name] for name in _LICENSES if record.get(name)), None)
    names = cast("list[Any]", found) if isinstance(found, list) else [found]
    return sorted({name.strip().lower() for name in names if isinstance(name, str) and name.strip()})


def _first(record: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((record[name] for name in names if isinstance(record.get(name), str) and record[name]), None)


SOURCE: type[Source] = TheStack
