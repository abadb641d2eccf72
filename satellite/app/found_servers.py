"""Which of the servers that zeroconf finds a satellite uses: the one it was told, or the one it used before."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.errors import ServerNotFoundError
from interject.wire.discovery import Found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from interject.satellite.state_file import StateFile
    from interject.satellite.transports.direct.server import Locate
    from interject.wire.discovery import ServiceKind

_LOGGER = logging.getLogger(__name__)

# Services on the same network answer a browse within a second.
_BROWSE_S = 1.5


@dataclass(frozen=True, slots=True)
class Choice:
    """The server that is used, and what is strange about it."""

    server: Found
    warnings: tuple[str, ...] = ()


def choose(kind: str, found: Sequence[Found], wanted: str | None, known: Found | None) -> Choice | None:
    """Choose among those of the name that is wanted the one that is known, else the first; None: none will do.

    Anybody on the network can announce a server: that it comes first by name, or has the name of one that is away, must
    not get it the user's speech in silence, nor for good. Who only stands in for a known one is not kept.
    """
    if wanted is not None:
        found = [service for service in found if service.name == wanted]
    if not found:
        return None
    if known is None:
        return Choice(found[0], _also(kind, found, found[0]))
    same = next((service for service in found if service.uri == known.uri), None)
    if same is not None:
        return Choice(same, _also(kind, found, same))
    named = next((service for service in found if service.name == known.name), None)
    if named is not None:
        moved = (
            f"{kind} server: {named.name} answers at {named.uri}, and was at {known.uri} before, where nobody answers; "
            f"--{kind}-uri {known.uri} holds to that address, --{kind}-uri {named.uri} to the new one"
        )
        return Choice(named, (moved, *_also(kind, found, named)))
    away = (
        f"{kind} server: {known.name} at {known.uri}, which was used before, does not answer; {found[0].name} at "
        f"{found[0].uri} is used in its place; --{kind}-name NAME says which one to use from now on"
    )
    return Choice(found[0], (away, *_also(kind, found, found[0])))


class FoundServers:
    """Finds servers, and remembers which one was used for what."""

    def __init__(
        self,
        state: StateFile,
        look: Callable[[ServiceKind, float], Awaitable[list[Found]]],
        still_does: Callable[[Found, ServiceKind], Awaitable[bool]],
    ) -> None:
        """`look` finds those that are announced; `still_does` asks the known one at its address."""
        self._state = state
        self._look = look
        self._still_does = still_does
        self._told: dict[str, tuple[str, tuple[str, ...]]] = {}

    def locate(self, kind: ServiceKind, wanted: str | None) -> Locate:
        """Make what finds the URI of a server; it raises ServerNotFoundError."""

        async def locate() -> str:
            known = _known((await self._state.read()).get(kind.value))
            if known is not None and wanted not in (None, known.name):
                known = None
            found, is_there = await asyncio.gather(self._look(kind, _BROWSE_S), self._is_there(known, kind))
            if known is not None and is_there:
                # Whoever announces many services can keep its announcement from being heard, or take its name.
                found = [known, *(service for service in found if service.uri != known.uri)]
            choice = choose(kind.value, found, wanted, known)
            if choice is None:
                raise ServerNotFoundError(kind.value, wanted, [service.name for service in found])
            server = choice.server
            self._tell(kind.value, choice)
            if known is None:
                await self._state.put(kind.value, {"name": server.name, "uri": server.uri})
            return server.uri

        return locate

    async def _is_there(self, known: Found | None, kind: ServiceKind) -> bool:
        return known is not None and await self._still_does(known, kind)

    def _tell(self, kind: str, choice: Choice) -> None:
        uri, warnings = self._told.get(kind, ("", ()))
        self._told[kind] = choice.server.uri, choice.warnings
        if choice.server.uri != uri:
            _LOGGER.info("%s server: using %s at %s", kind, choice.server.name, choice.server.uri)
        if choice.warnings != warnings:
            for warning in choice.warnings:
                _LOGGER.warning("%s", warning)


def _known(kept: object) -> Found | None:
    match kept:
        case {"name": str(name), "uri": str(uri)}:
            return Found(name, uri)
        case _:
            return None


def _also(kind: str, found: Sequence[Found], chosen: Found) -> tuple[str, ...]:
    others = ", ".join(f"{service.name} at {service.uri}" for service in found if service is not chosen)
    if not others:
        return ()
    return (
        f"{kind} server: {chosen.name} is used; others are {others}; --{kind}-name or --{kind}-uri says which to use",
    )
