"""The engines that can speak, each loaded only when it is chosen."""

from __future__ import annotations

import asyncio
import importlib
import re
from typing import TYPE_CHECKING

from interject.servers.tts.settings import EngineName
from interject.wire.extras import needing

if TYPE_CHECKING:
    from interject.servers.tts.engines.base import Engine
    from interject.servers.tts.settings import TtsSettings

# What piper.download_voices takes, without anything that could leave the download directory.
_PIPER_VOICE = re.compile(r"[a-z]{2,3}_[A-Z0-9]{2,3}-\w+-\w+", re.ASCII)
MODEL_SUFFIX = ".onnx"
_MODULES = {
    EngineName.ESPEAK_NG: "interject.servers.tts.engines.espeak",
    EngineName.PIPER: "interject.servers.tts.engines.piper",
}


def is_pipers(voice: str) -> bool:
    """Tell whether a voice's name has the form that Piper's own have (en_US-lessac-medium), or is that of its files."""
    return voice.endswith(MODEL_SUFFIX) or _PIPER_VOICE.fullmatch(voice) is not None


async def open_engine(settings: TtsSettings) -> Engine:
    """Load the chosen engine, else that of the voice; raises ExtraMissingError, SettingError for what it cannot do."""
    pipers = settings.voice is not None and is_pipers(settings.voice)
    choice = settings.engine or (EngineName.PIPER if pipers else EngineName.ESPEAK_NG)
    with needing("tts"):
        # Importing piper takes half a second: it brings onnxruntime and onnx.
        module = await asyncio.to_thread(importlib.import_module, _MODULES[choice])
    engine: Engine = await module.open_engine(settings)
    return engine
