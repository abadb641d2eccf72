"""Find Wyoming services on the local network, and be found, by zeroconf (mDNS, DNS-SD)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from wyoming.info import Describe, Info
from zeroconf import (
    DNSQuestionType,
    Error,
    InterfaceChoice,
    IPVersion,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from interject.wire.announcer import SERVICE_TYPE, Announcer, host_to_announce, warn_not_announced
from interject.wire.client import connect
from interject.wire.errors import WireError
from interject.wire.machine import mac_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from interject.wire.client import Connection

_LOGGER = logging.getLogger(__name__)

# A service on the same network answers a question about its address, or `describe`, in some ten milliseconds.
_ANSWER_TIMEOUT_S = 1.5
# Of several programs on one machine that share the port of multicast DNS only one gets an answer sent to it alone
# (RFC 6762, section 15.1): ask for answers to all.
_ASK_ALL = DNSQuestionType.QM
# More services than one house has, and a bound for a network that answers without end.
_MAX_FOUND = 64


class ServiceKind(Enum):
    """What a service does for a satellite."""

    STT = "stt"
    LLM = "llm"
    TTS = "tts"
    SATELLITE = "satellite"


@dataclass(frozen=True, slots=True)
class Found:
    """A service that answered: its instance name and where it listens."""

    name: str
    uri: str


def default_instance_name() -> str:
    """Return the machine's MAC address in hex, as wyoming-satellite does: the same at every start."""
    return mac_address()


def offers(info: Info) -> frozenset[ServiceKind]:
    """Tell what a service does from its answer to `describe`."""
    offered = {
        ServiceKind.STT: info.asr,
        ServiceKind.LLM: info.handle,
        ServiceKind.TTS: info.tts,
        ServiceKind.SATELLITE: info.satellite,
    }
    return frozenset(kind for kind, programs in offered.items() if programs)


@contextlib.asynccontextmanager
async def advertise(
    *,
    name: str,
    uri: str,
    host: str | None,
    interfaces: InterfaceChoice | Sequence[str] = InterfaceChoice.All,
) -> AsyncIterator[str | None]:
    """Announce the service that listens at `uri` while the context lasts; gives the instance name, None if it failed.

    `host` is the address to announce; without it the URI's, or the machine's own where the URI names all interfaces:
    that is looked after, and announced anew when it changes. A name that another service has gets a number after it.
    Without a network one warning is logged and the service goes on; it is announced when there is one. Raises
    BadUriError; SettingError for a name, a host or a URI that cannot be announced.
    """
    try:
        fixed = await host_to_announce(uri, host)
    except OSError as error:
        warn_not_announced(uri, str(error))
        yield None
        return
    announcer = Announcer(name, uri, fixed, interfaces)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(announcer.close)
        await announcer.follow()
        following = asyncio.create_task(announcer.keep_following(), name="announcement")
        stack.push_async_callback(_cancel, following)
        yield announcer.registered


def announcement(name: str | None, host: str | None = None) -> Callable[[str], AbstractAsyncContextManager[object]]:
    """Return what `serve_until_stopped` takes as `announce`; a name of None announces nothing."""

    def announce(uri: str) -> AbstractAsyncContextManager[object]:
        return contextlib.nullcontext() if name is None else advertise(name=name, uri=uri, host=host)

    return announce


async def browse(timeout_s: float, interfaces: InterfaceChoice | Sequence[str] = InterfaceChoice.All) -> list[Found]:
    """Listen for `timeout_s` and return the Wyoming services that answered, by name; empty without a network."""
    names: set[str] = set()

    def on_change(*, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:  # noqa: ARG001 - zeroconf calls with these names
        if state_change is ServiceStateChange.Removed:
            names.discard(name)
        elif len(names) < _MAX_FOUND:
            names.add(name)

    try:
        zeroconf = AsyncZeroconf(interfaces=interfaces)
    except OSError as error:
        _LOGGER.warning("cannot look for services on this network: %s; name their URIs instead", error)
        return []
    try:
        browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPE, handlers=[on_change], question_type=_ASK_ALL)
        await asyncio.sleep(timeout_s)
        await browser.async_cancel()
        found = await asyncio.gather(*(_resolve(zeroconf.zeroconf, name) for name in sorted(names)))
    finally:
        await zeroconf.async_close()
    return [service for service in found if service is not None]


async def find_services(
    kind: ServiceKind,
    timeout_s: float,
    *,
    look: Callable[[float], Awaitable[list[Found]]] = browse,
) -> list[Found]:
    """Return the services that do `kind`, by name: browse for `timeout_s`, then ask each one what it does."""
    services = await look(timeout_s)
    offered = await asyncio.gather(*(_ask(service) for service in services))
    return [service for service, kinds in zip(services, offered, strict=True) if kind in kinds]


async def still_does(service: Found, kind: ServiceKind) -> bool:
    """Tell whether a service that was found before still does `kind` at its address, whoever is announced now."""
    return kind in await _ask(service)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _resolve(zeroconf: Zeroconf, full_name: str) -> Found | None:
    try:
        service = AsyncServiceInfo(SERVICE_TYPE, full_name)
        answered = await service.async_request(zeroconf, _ANSWER_TIMEOUT_S * 1000, question_type=_ASK_ALL)
    except (OSError, Error) as error:
        _LOGGER.debug("%s: %s", full_name, error)
        return None
    addresses = service.parsed_scoped_addresses(IPVersion.V4Only) or service.parsed_scoped_addresses(IPVersion.V6Only)
    if not answered or not addresses or service.port is None:
        _LOGGER.debug("%s did not tell its address", full_name)
        return None
    host = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    return Found(service.get_name(), f"tcp://{host}:{service.port}")


async def _ask(service: Found) -> frozenset[ServiceKind]:
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            return offers(await _info(service.uri))
    except TimeoutError:
        _LOGGER.debug("%s at %s did not say what it does", service.name, service.uri)
    except WireError as error:
        _LOGGER.debug("%s: %s", service.name, error)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # wyoming's info classes raise these for missing or mistyped fields.
        _LOGGER.debug("%s at %s sent a malformed info: %r", service.name, service.uri, error)
    return frozenset()


async def _info(uri: str) -> Info:
    connection: Connection = await connect(uri)
    try:
        await connection.send(Describe().event())
        while not Info.is_type((event := await connection.receive()).type):
            pass
        return Info.from_event(event)
    finally:
        await connection.close()
