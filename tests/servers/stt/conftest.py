from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import TYPE_CHECKING

import faster_whisper
import pytest

from servers.stt.settings import EngineChoice, SttSettings
from tests.servers.stt.harness import LOOPBACK
from tests.servers.stt.tiny_whisper import build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def no_progress_monitor() -> None:
    """Keep the progress bars of faster-whisper, which no one sees, from starting a thread that stays."""
    faster_whisper.transcribe.tqdm.monitor_interval = 0


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def whisper_settings(tiny_model: Path) -> SttSettings:
    return SttSettings(uri=LOOPBACK, engine=EngineChoice.FASTER_WHISPER, model=str(tiny_model), local_files_only=True)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Whisper say what it hears with each piece of audio: else it pauses for as long as the machine took before."""
    monkeypatch.setattr("servers.stt.engines.faster_whisper.time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.fixture
def sphinx_settings() -> SttSettings:
    if importlib.util.find_spec("pocketsphinx") is None:
        pytest.skip("pocketsphinx has no build for this Python")
    return SttSettings(uri=LOOPBACK, engine=EngineChoice.POCKETSPHINX)


@pytest.fixture(params=list(EngineChoice), ids=lambda choice: str(choice.value))
def settings(request: pytest.FixtureRequest) -> SttSettings:
    """Give the settings of each engine in turn."""
    fixture = "sphinx_settings" if request.param is EngineChoice.POCKETSPHINX else "whisper_settings"
    found = request.getfixturevalue(fixture)
    assert isinstance(found, SttSettings)
    return found
