"""What the canceller knew of the room, kept over a restart: so it is believed from the first word on."""

from __future__ import annotations

import asyncio
import base64
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from interject.satellite.aec.canceller import Path as EchoPath
from interject.satellite.state_file import StateFile

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.aec.base import EchoControl

_LOGGER = logging.getLogger(__name__)

# A power cut loses no more of what was learnt.
_SAVE_EVERY_S = 300.0
_BYTES = ("response", "leak_db")


class EchoMemory:
    """What was known of the echo, in a JSON file, by the pair of devices that it lies between.

    It is a convenience: where nothing is known that makes sense, that is told, and the room is learnt anew.
    """

    def __init__(self, file: Path, devices: str) -> None:
        self._file = file
        self._devices = devices
        self._state = StateFile(file, "what is known of the echo", "give --echo-memory")
        self._saved: EchoPath | None = None

    async def load(self) -> EchoPath | None:
        """Return what was known, if anything was."""
        kept = (await self._state.read()).get(self._devices)
        try:
            self._saved = None if kept is None else _from_json(kept)
        except (ValueError, TypeError) as error:
            _LOGGER.warning("%s: it tells nothing of the echo (%s); the room is learnt anew", self._file, error)
        return self._saved

    async def keep(self, control: EchoControl) -> None:
        """Save what is known now and then, until cancelled."""
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            await self.save(control.path)

    async def save(self, path: EchoPath | None) -> None:
        """Save what is known; nothing where that is nothing, or nothing new."""
        if path is not None and path != self._saved and await self._state.put(self._devices, _as_json(path)):
            self._saved = path


def _as_json(path: EchoPath) -> dict[str, Any]:
    kept = asdict(path)
    return kept | {name: base64.b64encode(kept[name]).decode() for name in _BYTES}


def _from_json(kept: object) -> EchoPath:
    """Read what was written; raises ValueError, TypeError."""
    if not isinstance(kept, dict) or not all(name in kept for name in _BYTES):
        raise TypeError("it is no echo path")
    return EchoPath(**(kept | {name: base64.b64decode(kept[name], validate=True) for name in _BYTES}))
