"""Engines by name: each is a module that is loaded only when it is chosen, and the extra that brings its packages."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from interject.wire.extras import needing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from enum import Enum

SettingsT = TypeVar("SettingsT")
EngineT = TypeVar("EngineT")


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """Where an engine is: a module with an `async def open_engine(settings)`, and the extra that it needs."""

    module: str
    extra: str


class EngineRegistry(Generic[SettingsT, EngineT]):
    """The engines of one server, by the values of the setting that chooses one."""

    def __init__(self, entries: Mapping[Enum, EngineEntry]) -> None:
        self._entries = entries

    @property
    def names(self) -> frozenset[Enum]:
        """The engines that there are."""
        return frozenset(self._entries)

    async def open(self, name: Enum, settings: SettingsT) -> EngineT:
        """Load an engine, and make it as the settings say.

        Raises ExtraMissingError where a package of its extra is not installed, and what its `open_engine` raises:
        SettingError for settings that cannot work.
        """
        entry = self._entries[name]
        with needing(entry.extra):
            # Importing an engine takes up to a second.
            module = await asyncio.to_thread(importlib.import_module, entry.module)
        open_engine = cast("Callable[[SettingsT], Awaitable[EngineT]]", module.open_engine)
        return await open_engine(settings)
