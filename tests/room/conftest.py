from __future__ import annotations

import pytest

from tests.rooms import skip_without_rooms
from tools.simulator.corpus import Corpus, built_in


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Return what is said; skip the tests of scenes where their room cannot be computed."""
    skip_without_rooms()
    return built_in()
