"""Find Wyoming services on the local network, and be found, by zeroconf (mDNS, DNS-SD)."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import uuid
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from wyoming.info import Describe, Info
from zeroconf import (
    BadTypeInNameException,
    DNSQuestionType,
    Error,
    InterfaceChoice,
    IPVersion,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from wire.client import connect
from wire.errors import SettingError, WireError
from wire.uri import TcpAddress, parse_uri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from wire.client import Connection

_LOGGER = logging.getLogger(__name__)

SERVICE_TYPE = "_wyoming._tcp.local."
# The group of multicast DNS (RFC 6762): the address that packets to it leave from is the one to announce.
_MDNS_GROUP = "224.0.0.251"
# A service on the same network answers a question about its address, or `describe`, in some ten milliseconds.
_ANSWER_TIMEOUT_S = 1.5
# Saying goodbye takes zeroconf 0.25 s; a service that was told to stop has no more time to give.
_GOODBYE_TIMEOUT_S = 0.5
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
    return f"{uuid.getnode():012x}"


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

    `host` is the address to announce; without it the URI's, or the machine's own where the URI names all interfaces.
    A name that another service has gets a number after it. Without a network one warning is logged and the service
    goes on. Raises BadUriError; SettingError for a name, a host or a URI that cannot be announced.
    """
    service = await _describe_service(name, uri, host)
    async with contextlib.AsyncExitStack() as stack:
        registered = None
        if service is not None:
            try:
                zeroconf = AsyncZeroconf(interfaces=interfaces, ip_version=_ip_version(service))
                stack.push_async_callback(_say_goodbye, zeroconf)
                await zeroconf.async_register_service(service, allow_name_change=True)
                registered = service.get_name()
            except (OSError, Error) as error:
                _warn_not_announced(uri, str(error) or type(error).__name__)
        if service is not None and registered is not None:
            if registered != name:
                _LOGGER.warning("the name %r is taken on this network; announced as %r", name, registered)
            _LOGGER.info("announced as %s at %s port %s", registered, service.parsed_addresses()[0], service.port)
        yield registered


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
        await _say_goodbye(zeroconf)
    return [service for service in found if service is not None]


async def find_service(
    kind: ServiceKind,
    timeout_s: float,
    *,
    look: Callable[[float], Awaitable[list[Found]]] = browse,
) -> list[str]:
    """Return the URIs of the services that do `kind`: browse for `timeout_s`, then ask each one what it does."""
    services = await look(timeout_s)
    offered = await asyncio.gather(*(_ask(service) for service in services))
    return [service.uri for service, kinds in zip(services, offered, strict=True) if kind in kinds]


async def _describe_service(name: str, uri: str, host: str | None) -> AsyncServiceInfo | None:
    address = parse_uri(uri)
    if not isinstance(address, TcpAddress):
        raise SettingError("zeroconf", f"{uri} cannot be reached over the network; listen at tcp://HOST:PORT")
    try:
        ip = await _announced_ip(host or address.host)
    except OSError as error:
        if host is not None:
            raise SettingError("zeroconf-host", f"{host!r} is no address of a host ({error})") from None
        _warn_not_announced(uri, str(error))
        return None
    if ip.is_loopback:
        _LOGGER.warning("announcing %s, which only this machine can reach; listen at tcp://0.0.0.0:PORT", ip)
    try:
        return AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}", addresses=[ip.packed], port=address.port)
    except BadTypeInNameException:
        raise SettingError("zeroconf-name", f"{name!r} is not accepted; give 1 to 63 printable characters") from None


async def _announced_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if host in {"0.0.0.0", "::"}:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0)
            # Connecting a datagram socket sends nothing; it only chooses the address to send from.
            probe.connect((_MDNS_GROUP, 1))
            return ipaddress.ip_address(probe.getsockname()[0])
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host)
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    by_family = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return ipaddress.ip_address(by_family[0][4][0])


def _ip_version(service: AsyncServiceInfo) -> IPVersion | None:
    """Return what zeroconf needs to speak for an IPv6 address; its own choice otherwise."""
    return None if service.addresses_by_version(IPVersion.V4Only) else IPVersion.All


def _warn_not_announced(uri: str, reason: str) -> None:
    _LOGGER.warning(
        "not announced on the network (%s): give its address with --zeroconf-host, or name %s at the other side",
        reason,
        uri,
    )


async def _say_goodbye(zeroconf: AsyncZeroconf) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GOODBYE_TIMEOUT_S):
            await zeroconf.async_unregister_all_services()
    await zeroconf.async_close()


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
