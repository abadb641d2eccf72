"""The engines that can speak, each loaded only when it is chosen."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from servers.tts.settings import EngineName
from wire.errors import SettingError

if TYPE_CHECKING:
    from servers.tts.engines.base import Engine
    from servers.tts.settings import TtsSettings

_MODULES = {
    EngineName.ESPEAK_NG: "servers.tts.engines.espeak",
    EngineName.PIPER: "servers.tts.engines.piper",
}


async def open_engine(settings: TtsSettings) -> Engine:
    """Load the chosen engine; raises SettingError for what it cannot do."""
    choice = settings.engine or EngineName.ESPEAK_NG
    try:
        # Importing piper takes half a second: it brings onnxruntime and onnx.
        module = await asyncio.to_thread(importlib.import_module, _MODULES[choice])
    except ModuleNotFoundError as error:
        raise SettingError(
            f"--engine {choice.value}",
            f"the package {error.name} is missing; install wyoming-interject[tts]",
        ) from None
    engine: Engine = await module.open_engine(settings)
    return engine
