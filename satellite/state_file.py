"""A small JSON file of what a satellite keeps over a restart, readable by its owner alone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import secrets
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from satellite.control.place import plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOGGER = logging.getLogger(__name__)

_CONVERSATION = "conversation"
# The name is for people; what tells satellites apart is this much of a hash.
_DIGEST_CHARACTERS = 8
_RANDOM_BYTES = 16


class StateFile:
    """A JSON object in a file, replaced whole.

    It is a convenience: one that cannot be read or written is told once, and the satellite goes on without.
    """

    def __init__(self, file: Path, holds: str) -> None:
        """`holds` completes "it does not tell …"."""
        self._file = file
        self._holds = holds
        self._is_unreadable = False
        self._is_unwritable = False
        # Also a write that was cancelled goes on in its thread.
        self._writing = threading.Lock()

    async def read(self) -> Mapping[str, object]:
        """Return what is kept; nothing where that cannot be read."""
        try:
            kept = await asyncio.to_thread(self._read)
        except (OSError, ValueError, TypeError) as error:
            log = _LOGGER.debug if self._is_unreadable else _LOGGER.warning
            reason = error.strerror if isinstance(error, OSError) else error
            log("%s: it does not tell %s (%s); make it readable, or delete it", self._file, self._holds, reason)
            self._is_unreadable = True
            return {}
        if self._is_unreadable:
            _LOGGER.warning("%s: it can be read again", self._file)
        self._is_unreadable = False
        return kept

    async def put(self, key: str, value: object) -> None:
        """Keep a value of JSON in place of the one before; the others stay. A file that is damaged is written anew."""
        try:
            await asyncio.to_thread(self._put, key, value)
        except OSError as error:
            log = _LOGGER.debug if self._is_unwritable else _LOGGER.warning
            log("%s: cannot keep %s there (%s)", self._file, self._holds, error.strerror)
            self._is_unwritable = True
            return
        if self._is_unwritable:
            _LOGGER.warning("%s: %s is kept again", self._file, self._holds)
        self._is_unwritable = False

    def _read(self) -> dict[str, object]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        if not isinstance(kept, dict):
            raise TypeError("it holds no JSON object")
        return kept

    def _put(self, key: str, value: object) -> None:
        with self._writing:
            try:
                others = self._read()
            except (ValueError, TypeError):
                others = {}
            text = json.dumps({**others, key: value})
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only its owner may read a file that is made so.
            descriptor, unfinished = tempfile.mkstemp(prefix=f"{self._file.name}.", dir=self._file.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as new:
                    new.write(text)
                    new.flush()
                    os.fsync(new.fileno())
                # Whoever reads finds the old file or the new one, whole.
                Path(unfinished).replace(self._file)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise


def satellite_state(folder: Path, name: str, place: str) -> StateFile:
    """Return the file of a satellite; those of the same name that listen at different places are different ones."""
    digest = hashlib.sha256(f"{name}@{place}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
    file = folder / f"satellite-{plain_name(name)}-{digest}.json"
    return StateFile(file, "which conversation and which Home Assistant are this satellite's")


async def conversation_id(state: StateFile | None, name: str) -> str:
    """Return the id of a satellite's conversation, made up when there is none yet; without a file it is new each time.

    Whoever knows the id can ask the bridge what was said: it begins with the name, by which people find it in a list,
    and ends with what nobody can guess.
    """
    kept = (await state.read()).get(_CONVERSATION) if state is not None else None
    if isinstance(kept, str) and kept:
        return kept
    fresh = f"satellite-{plain_name(name)}-{secrets.token_hex(_RANDOM_BYTES)}"
    if state is not None:
        await state.put(_CONVERSATION, fresh)
    return fresh
