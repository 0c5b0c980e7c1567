import json

import pytest

from dataforge.sources.the_stack import TheStack
from tests.sources.laws import drafts_of, keeps_all_laws, rejects_of

FIRST = {
    "hexsha": "f0",
    "ext": "py",
    "lang": "Python",
    "content": "print('tide')\n",
    "max_stars_repo_path": "src/tide tools.py",
    "max_stars_repo_name": "ann/tides",
    "max_stars_repo_head_hexsha": "c0ffee",
    "max_stars_repo_licenses": ["MIT"],
}
SECOND = {
    "blob_id": "f0",
    "path": "/src/tide tools.py",
    "content": "print('tide')\n",
    "detected_licenses": ["MIT"],
    "license_type": "permissive",
    "repo_name": "ann/tides",
    "revision_id": "c0ffee",
    "language": "Python",
}


def read(tmp_path, *records, **fields):
    def make(on_error):
        return TheStack(on_error=on_error, **fields)

    return keeps_all_laws(make, "\n".join(map(json.dumps, records)).encode(), tmp_path)


@pytest.mark.parametrize(("record", "path"), [(FIRST, "src/tide tools.py"), (SECOND, "/src/tide tools.py")])
def test_both_versions_give_the_file_with_what_its_license_asks_for(tmp_path, record, path):
    (row,) = drafts_of(read(tmp_path, record)).iter_rows(named=True)

    assert row["prompt"][0]["content"] == f"Write the Python file {path}."
    assert row["responses"][0]["messages"][0]["content"] == "print('tide')\n"
    assert (row["license"], row["author"], row["group"]) == ("mit", "ann", "ann/tides")
    assert row["url"] == "https://github.com/ann/tides/blob/c0ffee/src/tide%20tools.py"


@pytest.mark.parametrize("licenses", [[], None, ["GPL-3.0-only"], ["MIT", "GPL-3.0-only"], "AGPL-3.0"])
def test_a_file_without_a_permissive_license_is_no_row_and_no_fault(tmp_path, licenses):
    assert rejects_of(read(tmp_path, {**FIRST, "max_stars_repo_licenses": licenses})) == ["license-not-allowed"]


def test_all_licenses_of_a_file_are_kept(tmp_path):
    drafts = drafts_of(read(tmp_path, {**FIRST, "max_stars_repo_licenses": ["MIT", "Apache-2.0"]}))

    assert drafts["license"].to_list() == ["apache-2.0 and mit"]


def test_licenses_can_be_allowed_by_name(tmp_path):
    gpl = {**FIRST, "max_stars_repo_licenses": ["GPL-3.0-only"]}

    assert rejects_of(read(tmp_path, gpl, FIRST, allowed_licenses=("GPL-3.0-only",))) == ["license-not-allowed"]
    assert drafts_of(read(tmp_path, gpl, allowed_licenses=("GPL-3.0-only",))).height == 1


def test_a_file_without_content_or_path_is_refused(tmp_path):
    nowhere = {name: value for name, value in FIRST.items() if name != "max_stars_repo_path"}

    assert rejects_of(read(tmp_path, {**FIRST, "content": ""}, nowhere, [])) == [
        "empty-response",
        "missing-column",
        "not-an-object",
    ]
