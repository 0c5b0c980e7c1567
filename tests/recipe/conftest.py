"""What all tests of recipes share."""

from __future__ import annotations

import functools

import pytest

from dataforge.core import params


@pytest.fixture(autouse=True, scope="session")
def _checkers_are_made_once():
    """Some tests load a recipe hundreds of times: most of that time would go into making the same checkers again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(params, "_adapter", functools.cache(params._adapter))
        yield


@pytest.fixture
def fresh_checkers(monkeypatch):
    """Undo that for a test that measures time."""
    monkeypatch.setattr(params, "_adapter", params._adapter.__wrapped__)
