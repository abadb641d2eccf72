from __future__ import annotations

import pytest

from tools.testing.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def slow_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no program for stuck that a busy machine has not started yet."""
    monkeypatch.setattr("interject.satellite.audio.command.STALLED_AFTER_S", PATIENCE_S)
