# pyright: basic
"""Datasets of the Hugging Face hub, and folders that the `datasets` library has saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.errors import DataError, MachineError
from dataforge.core.fingerprint import fingerprint
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import OnError
from dataforge.reading.mapping import (
    MAPPING_CODES,
    AuthorColumn,
    ChosenColumn,
    GroupColumn,
    LicenseColumn,
    MessagesColumn,
    PromptColumn,
    RanksColumns,
    RejectedColumn,
    ResponseColumn,
    ResponsesColumns,
    RowMaker,
    ScoreColumn,
    ScoresColumns,
    SystemColumn,
    ToolsColumn,
    UrlColumn,
    columns_of,
)
from dataforge.reading.row_records import read_rows

# What `save_to_disk` leaves: a folder with either is read back by `load_from_disk` alone.
_SAVED = ("state.json", "dataset_dict.json")


@dataclass(frozen=True, kw_only=True)
class HuggingFace:
    """A dataset of the Hugging Face hub, or a local folder of one: say which column holds what.

    Columns are named as for the source `json`. A folder may be what `save_to_disk` wrote, or hold Parquet, JSON or CSV
    files as the hub has them. A dataset of the hub needs a `revision`, so that two builds see the same rows. Rows are
    streamed; their place is their number in the split. Needs the package `datasets` (`pip install dataforge[hub]`).
    """

    version: ClassVar[int] = 1
    needs_files: ClassVar[bool] = False
    codes: ClassVar[tuple[Code, ...]] = MAPPING_CODES
    gives: ClassVar[frozenset[str]] = frozenset({"sft", "preference", "prompt"})

    dataset: Annotated[
        str, Field(min_length=1, description="A dataset of the hub, or a folder: `./…`, `../…` or `/…`.")
    ]
    revision: Annotated[
        str | None, Field(description="Commit of a dataset of the hub: its files may change, a commit does not.")
    ] = None
    subset: Annotated[str | None, Field(description="Configuration of the dataset, where it has several.")] = None
    split: Annotated[str, Field(min_length=1, description="Split that is read.")] = "train"
    prompt: PromptColumn = None
    response: ResponseColumn = None
    chosen: ChosenColumn = None
    rejected: RejectedColumn = None
    responses: ResponsesColumns = None
    scores: ScoresColumns = None
    ranks: RanksColumns = None
    messages: MessagesColumn = None
    system: SystemColumn = None
    tools: ToolsColumn = None
    group: GroupColumn = None
    url: UrlColumn = None
    author: AuthorColumn = None
    license_column: LicenseColumn = None
    score: ScoreColumn = None
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def __post_init__(self) -> None:
        """Check that the columns go together."""
        RowMaker(columns_of(self))
        if not self._is_local and self.revision is None:
            msg = f"dataset '{self.dataset}' of the hub has no revision, and may change between two builds"
            raise ValueError(msg)

    @property
    def _is_local(self) -> bool:
        return self.dataset.startswith(("./", "../", "/"))

    def digest(self, base: Path) -> str:
        """Fingerprint what will be read: the files of a folder, or the name and commit of a dataset of the hub.

        Args:
            base: The folder that the recipe's paths are relative to.

        Returns:
            64 hex digits.

        Raises:
            DataError: The folder is not there.
        """
        asked = {"dataset": self.dataset, "subset": self.subset, "split": self.split, "revision": self.revision}
        if self._is_local:
            asked["files"] = _digest_of(self._folder(base / self.dataset))
        return fingerprint(asked)

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read the split, a row at a time.

        Args:
            file: Its path is the folder of a local dataset; for one of the hub the path is not looked at.

        Yields:
            Batches of rows and rejects, in the order of the split.
        """
        builder = BatchBuilder(file, self.codes, self.on_error)
        yield from read_rows(self._rows(file.path), builder, RowMaker(columns_of(self)))
        if not builder.is_empty:
            yield builder.finish()

    def _rows(self, path: Path) -> Iterable[dict[str, Any]]:
        datasets = _library()
        try:
            if not self._is_local:
                return datasets.load_dataset(
                    self.dataset, self.subset, split=self.split, revision=self.revision, streaming=True
                )
            folder = self._folder(path)
            if not any((folder / name).exists() for name in _SAVED):
                return datasets.load_dataset(str(folder), self.subset, split=self.split, streaming=True)
            loaded = datasets.load_from_disk(str(folder))
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"dataset '{self.dataset}' cannot be read: {str(error).partition(chr(10))[0]}",
                fix="check dataset, subset, split and revision",
            ) from error
        return self._split_of(loaded).with_format(None)

    def _split_of(self, loaded: Any) -> Any:
        if not isinstance(loaded, dict):
            return loaded
        if self.split not in loaded:
            raise DataError(
                f"dataset '{self.dataset}' has no split '{self.split}'",
                fix=f"it has these: {', '.join(map(str, loaded))}",
            )
        return loaded[self.split]

    def _folder(self, path: Path) -> Path:
        if not path.is_dir():
            raise DataError(
                f"dataset '{self.dataset}' is no folder", fix="check the path; it is relative to the recipe"
            )
        return path


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MachineError("the package `datasets` is missing", fix="pip install 'dataforge[hub]'") from error
    return datasets


def _digest_of(folder: Path) -> list[list[str]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests: list[list[str]] = []
    for path in files:
        with path.open("rb") as stream:
            digest = sha256()
            while piece := stream.read(1 << 20):
                digest.update(piece)
        digests.append([path.relative_to(folder).as_posix(), digest.hexdigest()])
    return digests


SOURCE: type[Source] = HuggingFace
