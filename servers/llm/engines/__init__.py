"""The engines that can write replies, each loaded only when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.servers.engine_registry import EngineEntry, EngineRegistry
from interject.servers.llm.settings import LlmEngine

if TYPE_CHECKING:
    from interject.servers.llm.engines.base import Engine
    from interject.servers.llm.settings import LlmSettings

ENGINES: EngineRegistry[LlmSettings, Engine] = EngineRegistry(
    {
        LlmEngine.OFFLINE: EngineEntry("interject.servers.llm.engines.offline", "llm"),
        LlmEngine.OPENAI: EngineEntry("interject.servers.llm.engines.openai_chat", "llm"),
    }
)


async def open_engine(settings: LlmSettings) -> Engine:
    """Load the engine that the settings choose; raises ExtraMissingError, SettingError for what it cannot do."""
    return await ENGINES.open(settings.backend or LlmEngine.OFFLINE, settings)
