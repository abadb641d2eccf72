from __future__ import annotations

import importlib.util

import pytest

from tests.room.corpus import Corpus, built_in


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Return what is said; skip the tests of scenes where their room cannot be computed."""
    if importlib.util.find_spec("pyroomacoustics") is None:
        pytest.skip("pyroomacoustics is not installed: run script/setup --dev")
    return built_in()
