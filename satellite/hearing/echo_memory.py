"""What the canceller knew of the room, kept over a restart: so it is believed from the first word on."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from satellite.hearing.cancelling.canceller import Path as EchoPath

if TYPE_CHECKING:
    from pathlib import Path

    from satellite.hearing.echo import EchoControl

_LOGGER = logging.getLogger(__name__)

# A power cut loses no more of what was learnt.
_SAVE_EVERY_S = 300.0
_BYTES = ("response", "leak_db")


class EchoMemory:
    """A JSON file of what was known of the echo, by the pair of devices that it lies between.

    It is a convenience: a file that cannot be read or written is told once, and the room is learnt anew.
    """

    def __init__(self, file: Path, devices: str) -> None:
        self._file = file
        self._devices = devices
        self._saved: EchoPath | None = None
        self._is_failing = False
        # Also a save that was cancelled goes on in its thread.
        self._writing = threading.Lock()

    async def load(self) -> EchoPath | None:
        """Return what was known, if anything was."""
        self._saved = await asyncio.to_thread(self._load)
        return self._saved

    async def keep(self, control: EchoControl) -> None:
        """Save what is known now and then, until cancelled."""
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            await self.save(control.path)

    async def save(self, path: EchoPath | None) -> None:
        """Save what is known; nothing where that is nothing, or nothing new."""
        if path is None or path == self._saved:
            return
        try:
            await asyncio.to_thread(self._save, path)
        except OSError as error:
            log = _LOGGER.debug if self._is_failing else _LOGGER.warning
            log("%s: cannot keep what is known of the echo there (%s); give --echo-memory", self._file, error.strerror)
            self._is_failing = True
            return
        if self._is_failing:
            _LOGGER.warning("%s: what is known of the echo is kept again", self._file)
        self._is_failing = False
        self._saved = path

    def _load(self) -> EchoPath | None:
        try:
            kept = self._read().get(self._devices)
            return None if kept is None else _from_json(kept)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            _LOGGER.warning("%s: it tells nothing of the echo (%s); the room is learnt anew", self._file, error)
            return None

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        if not isinstance(kept, dict):
            raise TypeError("it holds no JSON object")
        return kept

    def _save(self, path: EchoPath) -> None:
        with self._writing:
            self._write(path)

    def _write(self, path: EchoPath) -> None:
        try:
            others = self._read()
        except (ValueError, TypeError):
            others = {}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_name(self._file.name + ".new")
        unfinished.write_text(json.dumps(others | {self._devices: _as_json(path)}), encoding="utf-8")
        # Whoever reads finds the old file or the new one, whole.
        unfinished.replace(self._file)


def _as_json(path: EchoPath) -> dict[str, Any]:
    kept = asdict(path)
    return kept | {name: base64.b64encode(kept[name]).decode() for name in _BYTES}


def _from_json(kept: dict[str, Any]) -> EchoPath:
    return EchoPath(**(kept | {name: base64.b64decode(kept[name], validate=True) for name in _BYTES}))
