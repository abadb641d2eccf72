"""Keeps a service announced by zeroconf while the machine's addresses come, change and go."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

from zeroconf import BadTypeInNameException, Error, InterfaceChoice, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from interject.wire.errors import SettingError
from interject.wire.machine import IpAddress, address_to_announce, own_addresses
from interject.wire.uri import TcpAddress, parse_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOGGER = logging.getLogger(__name__)

SERVICE_TYPE = "_wyoming._tcp.local."
# Saying goodbye takes zeroconf 0.25 s; a service that was told to stop has no more time to give.
_GOODBYE_TIMEOUT_S = 0.5
# Nobody waits for a new address to be announced more impatiently than this, and looking takes a tenth of a millisecond.
_LOOK_EVERY_S = 2.0
_WILDCARDS = frozenset({"0.0.0.0", "::"})
# What zeroconf raises without a network: RuntimeError where there is not even a loopback interface.
_NO_NETWORK = (OSError, Error, RuntimeError)


class Announcer:
    """One service on the network, under one name."""

    def __init__(
        self, name: str, uri: str, host: IpAddress | None, interfaces: InterfaceChoice | Sequence[str]
    ) -> None:
        """`host` is the address to announce; None: the machine's own, whichever it is at the time.

        Raises BadUriError; SettingError for a name or a URI that cannot be announced.
        """
        address = parse_uri(uri)
        if not isinstance(address, TcpAddress):
            raise SettingError("zeroconf", f"{uri} cannot be reached over the network; listen at tcp://HOST:PORT")
        self._uri = uri
        self._address = address
        self._host = host
        self._interfaces = interfaces
        self._name = name
        # Any address will do to find out whether the name can be announced.
        self._service = self._describe(f"{name}.{SERVICE_TYPE}", host or ipaddress.IPv4Address(0))
        self._zeroconf: AsyncZeroconf | None = None
        self._seen: tuple[IpAddress, ...] | None = None
        self._complained = False

    @property
    def registered(self) -> str | None:
        """The instance name on the network: a taken one got a number after it; None while not announced."""
        return self._service.get_name() if self._zeroconf is not None else None

    async def follow(self) -> None:
        """Announce where the machine is reached now; takes up to a second where that has changed."""
        addresses = own_addresses()
        if addresses == self._seen:
            return
        ip = self._host or address_to_announce(self._address.host, addresses)
        if ip is None:
            self._complain("this machine has no address there yet; announced as soon as it has")
            return
        try:
            await (self._register(ip) if self._zeroconf is None else self._move(self._zeroconf, ip))
        except _NO_NETWORK as error:
            self._complain(str(error) or type(error).__name__)
        else:
            self._seen = addresses
            self._complained = False

    async def keep_following(self) -> None:
        """Announce each change, until cancelled; never raises: a service is more than its announcement."""
        try:
            while True:
                await asyncio.sleep(_LOOK_EVERY_S)
                await self.follow()
        except Exception:
            _LOGGER.exception("the announcement of %s stays as it is from now on", self._uri)

    async def close(self) -> None:
        """Take the announcement back."""
        if self._zeroconf is not None:
            await _say_goodbye(self._zeroconf)

    async def _register(self, ip: IpAddress) -> None:
        service = self._describe(self._service.name, ip)
        zeroconf = AsyncZeroconf(interfaces=self._interfaces_for(ip), ip_version=_ip_version(ip))
        try:
            await zeroconf.async_register_service(service, allow_name_change=True)
        except BaseException:
            await _say_goodbye(zeroconf)
            raise
        self._zeroconf, self._service = zeroconf, service
        if service.get_name() != self._name:
            _LOGGER.warning("the name %r is taken on this network; announced as %r", self._name, service.get_name())
        self._tell(ip)

    async def _move(self, zeroconf: AsyncZeroconf, ip: IpAddress) -> None:
        """Go on under the same name: taking it back and asking for it anew would show as another device."""
        if self._service.addresses == [ip.packed]:
            await zeroconf.async_update_interfaces()
            return
        self._service = self._describe(self._service.name, ip)
        told = await zeroconf.async_update_service(self._service)
        # Interfaces that are new hear it from here, those that stay from the update.
        await zeroconf.async_update_interfaces(ip_version=_ip_version(ip))
        await told
        self._tell(ip)

    def _describe(self, full_name: str, ip: IpAddress) -> AsyncServiceInfo:
        try:
            service = AsyncServiceInfo(SERVICE_TYPE, full_name, addresses=[ip.packed], port=self._address.port)
        except BadTypeInNameException:
            raise SettingError(
                "zeroconf-name", f"{self._name!r} is not accepted; give 1 to 63 printable characters"
            ) from None
        service.set_server_if_missing()
        return service

    def _interfaces_for(self, ip: IpAddress) -> InterfaceChoice | Sequence[str]:
        """A service that only this machine reaches is nobody else's business: there its address means another one."""
        if not ip.is_loopback or self._interfaces is not InterfaceChoice.All:
            return self._interfaces
        return ["127.0.0.1" if isinstance(ip, ipaddress.IPv4Address) else str(ip)]

    def _tell(self, ip: IpAddress) -> None:
        whom = " to this machine alone" if ip.is_loopback else ""
        _LOGGER.info("announced%s as %s at %s port %s", whom, self.registered, ip, self._address.port)

    def _complain(self, reason: str) -> None:
        if not self._complained:
            warn_not_announced(self._uri, reason)
        self._complained = True


async def host_to_announce(uri: str, host: str | None) -> IpAddress | None:
    """Return the address that a service is announced with throughout; None if it listens at all there are.

    Raises BadUriError, OSError for a host of the URI that has no address, SettingError for one that was asked for.
    """
    address = parse_uri(uri)
    wanted = host or (address.host if isinstance(address, TcpAddress) else "")
    if not wanted or wanted in _WILDCARDS:
        return None
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(wanted)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(wanted, None, type=socket.SOCK_STREAM)
    except OSError as error:
        if host is None:
            raise
        raise SettingError("zeroconf-host", f"{host!r} is no address of a host ({error})") from None
    by_family = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return ipaddress.ip_address(by_family[0][4][0])


def warn_not_announced(uri: str, reason: str) -> None:
    """Log that nobody finds a service, and what to do."""
    _LOGGER.warning(
        "not announced on the network (%s): give its address with --zeroconf-host, or name %s at the other side",
        reason,
        uri,
    )


def _ip_version(ip: IpAddress) -> IPVersion | None:
    """Return what zeroconf needs to speak for an IPv6 address; its own choice otherwise."""
    return IPVersion.All if isinstance(ip, ipaddress.IPv6Address) else None


async def _say_goodbye(zeroconf: AsyncZeroconf) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GOODBYE_TIMEOUT_S):
            await zeroconf.async_unregister_all_services()
    await zeroconf.async_close()
