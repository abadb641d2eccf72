"""Which of the servers that zeroconf finds a satellite uses: the one it was told, or the one it used last."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from satellite.errors import ServerNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from satellite.pipelines.server import Locate
    from wire.discovery import Found, ServiceKind

_LOGGER = logging.getLogger(__name__)

# Services on the same network answer a browse within a second.
_BROWSE_S = 1.5


def choose(found: Sequence[Found], wanted: str | None, last: str | None) -> Found | None:
    """Choose by instance name: the one that is wanted, else the one used last, else the first; None: none will do.

    Anybody on the network can announce a server; that it comes first by name must not get it the user's speech.
    """
    by_name = {service.name: service for service in found}
    if wanted is not None:
        return by_name.get(wanted)
    return by_name.get(last or "") or (found[0] if found else None)


class FoundServers:
    """Finds servers, and remembers in a JSON file which one was used for what.

    The file is a convenience: one that cannot be read or written is told, and the choice is made as if it was the
    first.
    """

    def __init__(self, file: Path, look: Callable[[ServiceKind, float], Awaitable[list[Found]]]) -> None:
        self._file = file
        self._look = look
        self._told: dict[str, str] = {}

    def locate(self, kind: ServiceKind, wanted: str | None) -> Locate:
        """Make what finds the URI of a server; it raises ServerNotFoundError."""

        async def locate() -> str:
            found = await self._look(kind, _BROWSE_S)
            last = (await asyncio.to_thread(self._read)).get(kind.value)
            chosen = choose(found, wanted, last)
            if chosen is None:
                raise ServerNotFoundError(kind.value, wanted, [service.name for service in found])
            self._tell(kind, chosen, found, last if wanted is None else wanted)
            if chosen.name != last:
                await asyncio.to_thread(self._write, kind, chosen.name)
            return chosen.uri

        return locate

    def _tell(self, kind: ServiceKind, chosen: Found, found: Sequence[Found], expected: str | None) -> None:
        if self._told.get(kind.value) == chosen.uri:
            return
        self._told[kind.value] = chosen.uri
        _LOGGER.info("%s server: using %s at %s", kind.value, chosen.name, chosen.uri)
        others = ", ".join(f"{service.name} at {service.uri}" for service in found if service is not chosen)
        if others and chosen.name != expected:
            _LOGGER.warning(
                "%s server: others answered too: %s; --%s-name NAME says which one to use",
                kind.value,
                others,
                kind.value,
            )

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            _LOGGER.warning("%s: it does not tell which servers were used last (%s)", self._file, error)
            return {}
        return {str(kind): str(name) for kind, name in kept.items()} if isinstance(kept, dict) else {}

    def _write(self, kind: ServiceKind, name: str) -> None:
        text = json.dumps({**self._read(), kind.value: name})
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(self._file)
        except OSError as error:
            _LOGGER.warning("%s: cannot keep which server is used there (%s)", self._file, error.strerror)
