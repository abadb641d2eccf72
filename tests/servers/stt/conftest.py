from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import TYPE_CHECKING

import faster_whisper
import pytest

from interject.servers.stt.settings import SttEngine, SttSettings
from tests.servers.stt.harness import LOOPBACK, Running, serving, started
from tests.servers.stt.tiny_whisper import build

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.servers.stt.engines.base import Engine


@pytest.fixture(scope="session", autouse=True)
def no_progress_monitor() -> None:
    """Keep the progress bars of faster-whisper, which no one sees, from starting a thread that stays."""
    faster_whisper.transcribe.tqdm.monitor_interval = 0


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def whisper_settings(tiny_model: Path) -> SttSettings:
    # One thread: more of them only wait for each other, busily.
    return SttSettings(
        uri=LOOPBACK,
        engine=SttEngine.FASTER_WHISPER,
        model=str(tiny_model),
        cpu_threads=1,
        local_files_only=True,
    )


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Whisper say what it hears with each piece of audio: else it pauses for as long as the machine took before."""
    monkeypatch.setattr(
        "interject.servers.stt.engines.whisper_recognition.time", SimpleNamespace(monotonic=lambda: 0.0)
    )


@pytest.fixture
def sphinx_settings() -> SttSettings:
    if importlib.util.find_spec("pocketsphinx") is None:
        pytest.skip("pocketsphinx has no build for this Python")
    return SttSettings(uri=LOOPBACK, engine=SttEngine.POCKETSPHINX)


@pytest.fixture(params=list(SttEngine), ids=lambda choice: str(choice.value))
def settings(request: pytest.FixtureRequest) -> SttSettings:
    """Give the settings of each engine in turn."""
    fixture = "sphinx_settings" if request.param is SttEngine.POCKETSPHINX else "whisper_settings"
    found = request.getfixturevalue(fixture)
    assert isinstance(found, SttSettings)
    return found


@pytest.fixture(scope="session")
def engines() -> dict[SttSettings, Engine]:
    """Keep the engines that tests hand on to each other, as loading one takes longer than most tests."""
    return {}


@pytest.fixture
async def engine(settings: SttSettings, engines: dict[SttSettings, Engine]) -> Engine:
    """Give an engine that others may have used before: it hears each utterance afresh."""
    if settings not in engines:
        engines[settings] = await started(settings)
    return engines[settings]


@pytest.fixture
async def server(settings: SttSettings, engine: Engine) -> AsyncIterator[Running]:
    async with serving(settings, engine) as found:
        yield found
