from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.servers.tts.settings import TtsEngine, TtsSettings
from tests.servers.tts.tiny_voice import write_voice

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "tcp://127.0.0.1:0"


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with tiny Piper voices: plain, with two speakers, without alignments, and slow."""
    directory = tmp_path_factory.mktemp("voices")
    write_voice(directory, "en_US-tiny-low")
    write_voice(directory, "en_US-duo-low", speakers=("ann", "bob"))
    write_voice(directory, "en_US-mute-low", aligned=False)
    # More than half a minute a sentence.
    write_voice(directory, "en_US-slow-low", rounds=60_000_000)
    return directory


@pytest.fixture
def espeak_settings() -> TtsSettings:
    return TtsSettings(uri=LOOPBACK)


@pytest.fixture
def piper_settings(voices: Path) -> TtsSettings:
    return TtsSettings(
        uri=LOOPBACK, engine=TtsEngine.PIPER, voice="en_US-tiny-low", data_dir=(voices,), local_files_only=True
    )


@pytest.fixture(params=list(TtsEngine), ids=lambda engine: str(engine.value))
def settings(request: pytest.FixtureRequest, espeak_settings: TtsSettings, piper_settings: TtsSettings) -> TtsSettings:
    """Give the settings of each engine in turn."""
    return espeak_settings if request.param is TtsEngine.ESPEAK_NG else piper_settings
