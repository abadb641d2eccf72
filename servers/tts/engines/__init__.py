"""The engines that can speak, each loaded only when it is chosen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from interject.servers.engine_registry import EngineEntry, EngineRegistry
from interject.servers.tts.settings import TtsEngine

if TYPE_CHECKING:
    from interject.servers.tts.engines.base import Engine
    from interject.servers.tts.settings import TtsSettings

# What piper.download_voices takes, without anything that could leave the download directory.
_PIPER_VOICE = re.compile(r"[a-z]{2,3}_[A-Z0-9]{2,3}-\w+-\w+", re.ASCII)
MODEL_SUFFIX = ".onnx"
ENGINES: EngineRegistry[TtsSettings, Engine] = EngineRegistry(
    {
        TtsEngine.ESPEAK_NG: EngineEntry("interject.servers.tts.engines.espeak", "tts"),
        TtsEngine.PIPER: EngineEntry("interject.servers.tts.engines.piper", "tts"),
    }
)


def is_pipers(voice: str) -> bool:
    """Tell whether a voice's name has the form that Piper's own have (en_US-lessac-medium), or is that of its files."""
    return voice.endswith(MODEL_SUFFIX) or _PIPER_VOICE.fullmatch(voice) is not None


async def open_engine(settings: TtsSettings) -> Engine:
    """Load the chosen engine, else that of the voice; raises ExtraMissingError, SettingError for what it cannot do."""
    pipers = settings.voice is not None and is_pipers(settings.voice)
    choice = settings.engine or (TtsEngine.PIPER if pipers else TtsEngine.ESPEAK_NG)
    return await ENGINES.open(choice, settings)
