"""Stack Exchange: a dump's `Posts.xml`, each question with its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import Message, OnError, Parsed, RawRecord, RecordFaultError, Response, RowDraft
from dataforge.reading.files import DamagedFileError, open_bytes
from dataforge.reading.html_markdown import to_markdown
from dataforge.reading.json_values import Broken
from dataforge.reading.post_fields import author_of, integer, is_host, license_of, preference_score, site_of
from dataforge.reading.post_join import PostJoin, Thread
from dataforge.reading.posts_xml import XML_CODES, XmlRow, parse_row, xml_rows
from dataforge.reading.seven_zip import is_seven_zip, open_member

_QUESTION, _ANSWER = 1, 2


class _Answer(NamedTuple):
    post_id: int
    votes: int
    response: Response


class _Question(NamedTuple):
    post_id: int
    prompt: list[Message]
    accepted_id: str | None
    author: str | None
    license: str
    repairs: list[str]


@dataclass(frozen=True, kw_only=True)
class StackExchange:
    """Stack Exchange dumps: `Posts.xml`, plain, packed or in its `.7z`; a question and its answers make one row.

    The prompt is the title, an empty line and the question; bodies become Markdown. An answer's score is
    log2(1 + votes), rounded half up, plus 1 if the asker accepted it, and -1 where votes are negative; answers of one
    score share a rank. Each answer keeps its author, address and licence; the row has the newest of their licences,
    for CC BY-SA lets a work go out under a later version of itself, and never an earlier one.

    Since July 2024 the official dump comes with an agreement on its use; `dump` notes which dump this is.
    """

    version: ClassVar[int] = 1
    gives: ClassVar[frozenset[str]] = frozenset({"preference", "sft"})
    codes: ClassVar[tuple[Code, ...]] = (
        *XML_CODES,
        Code("missing-attribute", "The row lacks an attribute that every such post has."),
        Code("bad-attribute", "An attribute that should be a whole number is none."),
        Code(
            "other-post-type", "The post is neither a question nor an answer, but a wiki or the like.", is_fault=False
        ),
        Code("duplicate-id", "A post of this id came before."),
        Code("empty-body", "The post has no text."),
        Code("unknown-license", "The post does not say its licence, nor when it was written."),
        Code("orphan-answer", "The question it answers is not in the file, or could not be read."),
        Code("unanswered", "Nobody answered the question.", is_fault=False),
        Code("too-few-answers", "Fewer answers are left than min_answers asks for.", is_fault=False),
        Code("low-score", "The answer has fewer votes than min_score asks for.", is_fault=False),
        Code("beyond-max-answers", "The question has enough better answers.", is_fault=False),
        Code("question-rejected", "The answer is sound, but its question was rejected.", is_fault=False),
        Code(
            "dangling-accepted-answer",
            "The accepted answer is not in the file, or could not be read.",
            repair="No answer counts as accepted.",
        ),
        Code("no-title", "The question has no title.", repair="The prompt is its body alone."),
        Code("bad-question-score", "The votes of the question are missing or no number.", repair="They are not used."),
    )

    min_answers: Annotated[
        int, Field(ge=1, description="How many answers a question must have; 2 for preferences.")
    ] = 1
    max_answers: Annotated[int, Field(ge=1, description="How many answers of a question are used, the best first.")] = 8
    min_score: Annotated[int | None, Field(description="Votes that an answer must have; none means any.")] = None
    site: Annotated[
        str | None, Field(description="Host of the site, for URLs; else guessed from the file's or the folder's name.")
    ] = None
    dump: Annotated[
        str | None, Field(description="Which dump this is, and under what terms you have it; kept with the build.")
    ] = None
    on_error: Annotated[OnError, Field(description="What to do with a record that is not as it should be.")] = "repair"

    def __post_init__(self) -> None:
        """Check that the numbers go together."""
        if self.max_answers < self.min_answers:
            msg = f"max_answers ({self.max_answers}) is below min_answers ({self.min_answers})"
            raise ValueError(msg)
        if self.site is not None and not is_host(self.site):
            msg = f"site is '{self.site}', and must be a host such as beer.stackexchange.com"
            raise ValueError(msg)

    def read(self, file: RawFile) -> Iterator[Batch]:
        """Read a dump, in whatever order its posts stand; rows come in the order of question ids."""
        builder = BatchBuilder(file, self.codes, self.on_error)
        site = self.site or site_of(file.label)
        with closing(PostJoin()) as join:
            for item in _items(file):
                _keep(builder, join, item)
                if builder.is_full:
                    yield builder.finish()
            for thread in join.threads():
                self._add(builder, thread, site)
                if builder.is_full:
                    yield builder.finish()
        if not builder.is_empty:
            yield builder.finish()

    def _add(self, builder: BatchBuilder, thread: Thread, site: str | None) -> None:
        """Enter a thread's records: the question, then the answers by their ids, whatever becomes of them."""
        if thread.question is None:
            for _, raw in thread.answers:
                builder.reject(raw, "orphan-answer", f"there is no question {thread.question_id}")
            return
        fates, answers = self._read_answers(thread, site)
        places: list[int] = []
        try:
            question = _question(thread)
            used = self._best(answers, question, fates)
            places = builder.add(thread.question, _row(question, used, site))
        except RecordFaultError as fault:
            builder.reject(thread.question, fault.code, fault.detail)
        for post_id, raw in thread.answers:
            fault = fates.get(post_id)
            if fault is not None:
                builder.reject(raw, fault.code, fault.detail)
            elif places:
                builder.merge(raw, places)
            else:
                builder.reject(raw, "question-rejected", f"question {thread.question_id}")

    def _read_answers(self, thread: Thread, site: str | None) -> tuple[dict[int, RecordFaultError], list[_Answer]]:
        fates: dict[int, RecordFaultError] = {}
        answers: list[_Answer] = []
        for post_id, raw in thread.answers:
            try:
                answer = _answer(post_id, parse_row(raw.data), site)
            except RecordFaultError as fault:
                fates[post_id] = fault
                continue
            if self.min_score is not None and answer.votes < self.min_score:
                fates[post_id] = RecordFaultError("low-score", f"{answer.votes} votes; min_score is {self.min_score}")
            else:
                answers.append(answer)
        return fates, answers

    def _best(
        self, answers: Sequence[_Answer], question: _Question, fates: dict[int, RecordFaultError]
    ) -> list[tuple[int, _Answer]]:
        """Choose the answers that are used, with their scores, best first; note the fate of the others.

        Args:
            answers: The usable answers to the question.
            question: Says which answer was accepted.
            fates: Fates by answer id; those beyond `max_answers` are added.

        Returns:
            Score and answer, at most `max_answers`; equal scores by votes, then by id.

        Raises:
            RecordFaultError: `unanswered` or `too-few-answers`.
        """
        if len(answers) < self.min_answers:
            if not answers and not fates:
                raise RecordFaultError("unanswered")
            raise RecordFaultError("too-few-answers", f"{len(answers)}; min_answers is {self.min_answers}")
        scored = [
            (preference_score(answer.votes, is_accepted=str(answer.post_id) == question.accepted_id), answer)
            for answer in answers
        ]
        scored.sort(key=lambda pair: (-pair[0], -pair[1].votes, pair[1].post_id))
        for score, answer in scored[self.max_answers :]:
            fates[answer.post_id] = RecordFaultError("beyond-max-answers", f"score {score}")
        return scored[: self.max_answers]


def _items(file: RawFile) -> Iterator[XmlRow | Broken]:
    try:
        stream = open_member(file.path, "Posts.xml") if is_seven_zip(file.path) else open_bytes(file.path)
    except DamagedFileError as damage:
        yield Broken(RawRecord(b"", 0, 1), damage.code, damage.detail)
        return
    with stream:
        yield from xml_rows(stream, file.label)


def _keep(builder: BatchBuilder, join: PostJoin, item: XmlRow | Broken) -> None:
    """Put a question or an answer aside until its thread is whole; all else is rejected at once."""
    if isinstance(item, Broken):
        builder.reject(item.raw, item.code, item.detail)
        return
    try:
        post_id, question_id = _place(item.attributes)
    except RecordFaultError as fault:
        builder.reject(item.raw, fault.code, fault.detail)
        return
    if not join.put(post_id, question_id, item.raw):
        builder.reject(item.raw, "duplicate-id", f"Id {post_id}")


def _place(attributes: dict[str, str]) -> tuple[int, int]:
    kind = integer(attributes, "PostTypeId")
    if kind not in {_QUESTION, _ANSWER}:
        raise RecordFaultError("other-post-type", f"PostTypeId {kind}")
    post_id = integer(attributes, "Id")
    if kind == _QUESTION:
        return post_id, post_id
    question_id = integer(attributes, "ParentId")
    if question_id == post_id:
        raise RecordFaultError("bad-attribute", f"ParentId and Id are both {post_id}")
    return post_id, question_id


def _body(attributes: dict[str, str]) -> str:
    body = attributes.get("Body")
    if body is None:
        raise RecordFaultError("missing-attribute", "Body")
    text = to_markdown(body)
    if not text.strip():
        raise RecordFaultError("empty-body")
    return text


def _question(thread: Thread) -> _Question:
    assert thread.question is not None
    attributes = parse_row(thread.question.data)
    repairs: list[str] = []
    accepted_id = attributes.get("AcceptedAnswerId")
    if accepted_id is not None and accepted_id not in {str(post_id) for post_id, _ in thread.answers}:
        repairs.append("dangling-accepted-answer")
    title = " ".join(attributes.get("Title", "").split())
    if not title:
        repairs.append("no-title")
    try:
        integer(attributes, "Score")
    except RecordFaultError:
        repairs.append("bad-question-score")
    prompt = [Message("user", "\n\n".join(filter(None, (title, _body(attributes)))))]
    return _Question(thread.question_id, prompt, accepted_id, author_of(attributes), license_of(attributes), repairs)


def _answer(post_id: int, attributes: dict[str, str], site: str | None) -> _Answer:
    reply = Message("assistant", _body(attributes))
    url = f"https://{site}/a/{post_id}" if site else None
    response = Response([reply], 0, None, author_of(attributes), url, license_of(attributes))
    return _Answer(post_id, integer(attributes, "Score"), response)


def _row(question: _Question, used: Sequence[tuple[int, _Answer]], site: str | None) -> Parsed:
    ranks = {score: rank for rank, score in enumerate(sorted({score for score, _ in used}, reverse=True))}
    responses = [answer.response._replace(rank=ranks[score], score=float(score)) for score, answer in used]
    licenses = [question.license, *(response.license or "" for response in responses)]
    row = RowDraft(
        group=str(question.post_id),
        prompt=question.prompt,
        responses=responses,
        url=f"https://{site}/q/{question.post_id}" if site else None,
        author=question.author,
        license=max(licenses),  # "cc-by-sa-4.0" is behind "cc-by-sa-3.0"
    )
    return Parsed([row], question.repairs)


SOURCE: type[Source] = StackExchange
