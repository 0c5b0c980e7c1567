"""What is missing is named before work begins, and the libraries are quiet."""

import logging
import warnings

import pytest

from dataforge.core.errors import MachineError
from dataforge.models.environment import check_installed, fitting_threads, quiet, versions


def test_missing_packages_are_all_named_with_what_to_type():
    with pytest.raises(MachineError, match="no_such_one, no_such_two") as caught:
        check_installed(("torch", "no_such_one", "no_such_two"))

    assert caught.value.fix == "pip install 'dataforge[train]'"


def test_versions_are_those_of_what_is_installed():
    assert set(versions(("torch", "no_such_one"))) == {"torch"}


def test_warnings_and_logs_are_kept_back_and_then_let_through_again(monkeypatch):
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    log = logging.getLogger("transformers")
    before = log.level

    with quiet():
        warnings.warn("noise", UserWarning, stacklevel=1)
        assert log.level == logging.ERROR

    assert log.level == before
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)


def test_a_small_model_has_one_thread_and_a_large_one_all():
    import torch

    before = torch.get_num_threads()
    with fitting_threads(1_000_000):
        assert torch.get_num_threads() == 1
    with fitting_threads(1_000_000_000):
        assert torch.get_num_threads() == before
    assert torch.get_num_threads() == before
