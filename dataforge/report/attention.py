"""What a reader should know of a build before training on it, the gravest first."""

from __future__ import annotations

from dataclasses import dataclass

from dataforge.report.build_record import BuildRun, Stage, losses, open_books
from dataforge.report.fields import lines, table
from dataforge.report.figures import plural, share
from dataforge.report.visible import clipped

# Above these shares a loss is worth a look; below them it is the daily business of a filter.
_REJECTED_SHARE = 0.2
_REPAIRED_SHARE = 0.2
_REASON_SHARE = 0.5

_SPLIT_USES = {
    "train": "there is nothing to train on",
    "validation": "there is nothing to choose a checkpoint by",
    "test": "there is nothing to measure a model on that it has not seen",
}

UNKNOWN_LICENSE = "unknown"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a reader should know.

    Args:
        is_grave: The dataset should not be used before this is understood; else it is good to know.
        text: What it is, in a sentence.
        target: The id of the section that shows it.
    """

    is_grave: bool
    text: str
    target: str


def notices(run: BuildRun) -> list[Notice]:
    """List what stands out, the grave things first."""
    found = [
        Notice(is_grave=True, text=f"The books do not close. {wrong}.", target="books") for wrong in open_books(run)
    ]
    if not run.published:
        found.append(Notice(is_grave=True, text=_why_empty(run), target="flow"))
    else:
        found += [*_splits(run), *_licenses(run)]
    for source in run.sources:
        found += _source(run, source)
    found += [*_reasons(run), *_tokens(run)]
    return sorted(found, key=lambda notice: not notice.is_grave)


def _why_empty(run: BuildRun) -> str:
    if not run.total("records"):
        return "No row was published: the sources hold no record."
    if not run.made:
        return "No row was published: no record could be used."
    return f"No row was published: all {plural(run.made, 'row')} that were made were dropped."


def _splits(run: BuildRun) -> list[Notice]:
    empty = [split for split in _SPLIT_USES if not run.rows.get(split)]
    return [
        Notice(is_grave=split == "train", text=f"The split {split} is empty: {_SPLIT_USES[split]}.", target="rows")
        for split in empty
    ]


def _licenses(run: BuildRun) -> list[Notice]:
    unknown = int(table(run.profile, "licenses").get(UNKNOWN_LICENSE, 0))
    if not unknown:
        return []
    text = f"{plural(unknown, 'row')} ({share(unknown, run.published)}) carry no known licence."
    return [Notice(is_grave=True, text=text, target="licences")]


def _source(run: BuildRun, source: Stage) -> list[Notice]:
    name = clipped(source.name, 80)
    found: list[Notice] = []
    if source.n_rejected > _REJECTED_SHARE * source.records:
        code, most = max(source.rejected.items(), key=lambda item: item[1])
        found.append(
            Notice(
                is_grave=True,
                text=f"{share(source.n_rejected, source.records)} of the records of {name} were rejected"
                f" ({source.n_rejected:,} of {source.records:,}), {most:,} of them for {clipped(code, 80)}.",
                target="sources",
            )
        )
    if not source.records:
        found.append(Notice(is_grave=False, text=f"The source {name} holds no record.", target="sources"))
    if source.n_repaired > _REPAIRED_SHARE * source.records:
        text = f"{plural(source.n_repaired, 'repair')} in {plural(source.records, 'record')} of {name}."
        found.append(Notice(is_grave=False, text=text, target="sources"))
    if run.published and source.rows_out and not _is_published(run, source):
        text = f"None of the {plural(source.rows_out, 'row')} of {name} were published."
        found.append(Notice(is_grave=True, text=text, target="flow"))
    return found


def _is_published(run: BuildRun, source: Stage) -> bool:
    """Say whether rows of the source are there at the end; a record without these counts tells nothing."""
    counted = lines(run.profile, "sources")
    return not counted or any(line.get("source") == source.name and line.get("rows") for line in counted)


def _reasons(run: BuildRun) -> list[Notice]:
    found: list[Notice] = []
    for loss in losses(run):
        if not loss.stage.is_source and loss.amount > _REASON_SHARE * loss.whole:
            text = (
                f"{clipped(loss.stage.name, 80)} dropped {share(loss.amount, loss.whole)} of the rows it was shown"
                f" ({loss.amount:,} of {loss.whole:,}) for one reason, {clipped(loss.name, 80)}."
            )
            found.append(Notice(is_grave=True, text=text, target=loss.anchor))
    return found


def _tokens(run: BuildRun) -> list[Notice]:
    missing = table(run.profile, "sample").get("tokens_missing")
    if not missing:
        return []
    text = f"Tokens were not counted: {clipped(str(missing)).rstrip('.')}."
    return [Notice(is_grave=False, text=text, target="tokens")]
