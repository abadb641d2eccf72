"""The engines that can speak, each loaded only when it is chosen."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from servers.tts.settings import EngineName
from wire.extras import needing

if TYPE_CHECKING:
    from servers.tts.engines.base import Engine
    from servers.tts.settings import TtsSettings

_MODULES = {
    EngineName.ESPEAK_NG: "servers.tts.engines.espeak",
    EngineName.PIPER: "servers.tts.engines.piper",
}


async def open_engine(settings: TtsSettings) -> Engine:
    """Load the chosen engine; raises ExtraMissingError, SettingError for what it cannot do."""
    choice = settings.engine or EngineName.ESPEAK_NG
    with needing("tts"):
        # Importing piper takes half a second: it brings onnxruntime and onnx.
        module = await asyncio.to_thread(importlib.import_module, _MODULES[choice])
    engine: Engine = await module.open_engine(settings)
    return engine
