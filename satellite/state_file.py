"""A small JSON file of what is kept over a restart, readable by its owner alone."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOGGER = logging.getLogger(__name__)


class StateFile:
    """A JSON object in a file, replaced whole.

    It is a convenience: one that cannot be read or written is told once, and the satellite goes on without.
    """

    def __init__(self, file: Path, holds: str, remedy: str = "make it writable") -> None:
        """`holds` completes "it does not tell …"; `remedy`: what to do where it cannot be written."""
        self._file = file
        self._holds = holds
        self._remedy = remedy
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

    async def put(self, key: str, value: object) -> bool:
        """Keep a value of JSON in place of the one before, and tell whether it is kept; the others stay.

        A file that is damaged is written anew.
        """
        try:
            await asyncio.to_thread(self._put, key, value)
        except OSError as error:
            log = _LOGGER.debug if self._is_unwritable else _LOGGER.warning
            log("%s: cannot keep %s there (%s); %s", self._file, self._holds, error.strerror, self._remedy)
            self._is_unwritable = True
            return False
        if self._is_unwritable:
            _LOGGER.warning("%s: %s is kept again", self._file, self._holds)
        self._is_unwritable = False
        return True

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
