"""The engines that can transcribe, each loaded only when it is chosen."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
from typing import TYPE_CHECKING

from interject.servers.engine_registry import EngineEntry, EngineRegistry
from interject.servers.stt.settings import SttEngine

if TYPE_CHECKING:
    from interject.servers.stt.engines.base import Engine
    from interject.servers.stt.settings import SttSettings

_LOGGER = logging.getLogger("interject.servers.stt")

ENGINES: EngineRegistry[SttSettings, Engine] = EngineRegistry(
    {
        SttEngine.POCKETSPHINX: EngineEntry("interject.servers.stt.engines.pocketsphinx", "stt"),
        SttEngine.FASTER_WHISPER: EngineEntry("interject.servers.stt.engines.faster_whisper", "stt"),
    }
)


async def open_engine(settings: SttSettings) -> Engine:
    """Load the engine that the settings ask for, or the default; raises EngineMissingError, ExtraMissingError."""
    choice = await asyncio.to_thread(_default_engine) if settings.engine is None else settings.engine
    return await ENGINES.open(choice, settings)


def _default_engine() -> SttEngine:
    if importlib.util.find_spec("pocketsphinx") is not None:
        _LOGGER.info("engine: pocketsphinx, the embedded default (English commands; --engine chooses another)")
        return SttEngine.POCKETSPHINX
    _LOGGER.warning(
        "engine: faster-whisper, because pocketsphinx is not installed (it has no build for Python %d.%d, or the extra "
        "'stt' is missing); the model is downloaded on first use",
        *sys.version_info[:2],
    )
    return SttEngine.FASTER_WHISPER
