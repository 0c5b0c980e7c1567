"""Reads the attributes of a post in a Stack Exchange dump: ids, votes, author, licence; and the site it is from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath

from dataforge.reading.drafts import RecordFaultError

# SQLite and Arrow hold 64 bits.
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")

_LICENSE = re.compile(r"CC BY-SA ([0-9]\.[0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# stackoverflow.com/help/licensing: which licence a contribution is under, by the day it was made.
_LICENSE_FROM = (("2018-05-02", "4.0"), ("2011-04-08", "3.0"), ("", "2.5"))

_COMMUNITY_ID = "-1"

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_WORD = re.compile(r"[a-z0-9-]+(?:\.meta)?")
_FILE_NAME = re.compile(r"(?:(?P<site>.+)[-_.])?posts\.(?:xml|7z)(?:\.[a-z0-9]+)?", re.IGNORECASE)
_ARCHIVE_NAME = re.compile(r"(?P<site>.+)\.7z", re.IGNORECASE)
_OWN_DOMAIN = {
    "stackoverflow": "stackoverflow.com",
    "serverfault": "serverfault.com",
    "superuser": "superuser.com",
    "askubuntu": "askubuntu.com",
    "stackapps": "stackapps.com",
    "mathoverflow": "mathoverflow.net",
}


def integer(attributes: Mapping[str, str], name: str) -> int:
    """Read a whole number.

    Args:
        attributes: Of one post.
        name: Which of them.

    Returns:
        The number.

    Raises:
        RecordFaultError: `missing-attribute` or `bad-attribute`.
    """
    text = attributes.get(name)
    if text is None:
        raise RecordFaultError("missing-attribute", name)
    if not _WHOLE.fullmatch(text):
        raise RecordFaultError("bad-attribute", f"{name} is '{text[:40]}', not a whole number")
    return int(text)


def license_of(attributes: Mapping[str, str]) -> str:
    """Name the licence of a post: as it says, else by the day it was written.

    Args:
        attributes: Of one post; `ContentLicense` and `CreationDate` are read.

    Returns:
        A name such as `cc-by-sa-4.0`.

    Raises:
        RecordFaultError: `unknown-license`.
    """
    stated = attributes.get("ContentLicense")
    if stated is not None:
        found = _LICENSE.fullmatch(stated.strip())
        if found is None:
            raise RecordFaultError("unknown-license", f"ContentLicense is '{stated[:40]}'")
        return f"cc-by-sa-{found[1]}"
    day = _DATE.match(attributes.get("CreationDate", ""))
    if day is None:
        raise RecordFaultError("unknown-license", "there is neither a ContentLicense nor a CreationDate")
    return "cc-by-sa-" + next(version for start, version in _LICENSE_FROM if day[0] >= start)


def author_of(attributes: Mapping[str, str]) -> str | None:
    """Name who wrote a post: the name where the dump has it, else the number of the account; None where it has none."""
    name = attributes.get("OwnerDisplayName", "").strip()
    number = attributes.get("OwnerUserId", "").strip()
    if name:
        return name
    if number == _COMMUNITY_ID:
        return "Community"
    return f"user {number}" if number else None


def preference_score(votes: int, *, is_accepted: bool) -> int:
    """Score an answer as Askell et al. 2021 (appendix C) and the stack-exchange-preferences data set do.

    Args:
        votes: Votes for it less votes against it.
        is_accepted: Whether the asker accepted it.

    Returns:
        log2(1 + votes), rounded half up, plus 1 if accepted; -1 where votes are negative.
    """
    if votes < 0:
        return -1
    # Exact, as floats are not: rounding log2(n) half up is the integer part of log2(2 n²) / 2.
    return ((1 + votes) ** 2).bit_length() // 2 + is_accepted


def is_host(name: str) -> bool:
    """Tell a host's name, such as `beer.stackexchange.com`, from other text."""
    return _HOST.fullmatch(name) is not None


def site_of(label: str) -> str | None:
    """Guess a site's host from the name of its dump; None where the name does not tell.

    `beer-Posts.xml` is of beer.stackexchange.com, `stackoverflow-Posts.xml` of stackoverflow.com;
    `beer.stackexchange.com.7z`, `beer.stackexchange.com-Posts.7z` and a folder called like a host say it themselves.
    """
    path = PurePath(label)
    found = _FILE_NAME.fullmatch(path.name)
    site = found["site"] if found else None
    if found is None:
        archive = _ARCHIVE_NAME.fullmatch(path.name)
        site = archive["site"] if archive else None
    if site is not None:
        return _host(site.lower(), may_be_word=found is not None)
    return _host(path.parent.name.lower(), may_be_word=False)


def _host(name: str, *, may_be_word: bool) -> str | None:
    if may_be_word and _WORD.fullmatch(name):
        return _OWN_DOMAIN.get(name, f"{name}.stackexchange.com")
    return name if is_host(name) else None
