"""This machine on the network: by what it is known, and where others can reach it."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
import uuid
from typing import TYPE_CHECKING

import ifaddr

if TYPE_CHECKING:
    from collections.abc import Sequence

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# The group of multicast DNS (RFC 6762): the address that packets to it leave from is the one to announce.
_MDNS_GROUP = "224.0.0.251"
# Linux, <linux/sockios.h> and <net/if.h>: a request names an interface in 16 bytes and has 24 for the answer.
_GET_FLAGS = 0x8913
_GET_HARDWARE_ADDRESS = 0x8927
_REQUEST = struct.Struct("16s24x")
_MULTICAST_FLAG = 0x1000
_ETHERNET = 1
# Set in the addresses that software made up: bridges, containers, and Wi-Fi that hides.
_LOCALLY_ADMINISTERED = 0x02


def mac_address() -> str:
    """Return a MAC address of this machine in hex: the same at every start.

    Not the one of `uuid.getnode`, which makes one up while no interface has an IP address, as after a power cut.
    """
    addresses = _hardware_addresses()
    given_by_makers = [address for address in addresses if not address[0] & _LOCALLY_ADMINISTERED]
    for address in [*given_by_makers, *addresses]:
        return address.hex()
    return f"{uuid.getnode():012x}"


def own_addresses() -> tuple[IpAddress, ...]:
    """Return the addresses of all interfaces that are not for this machine alone, in the order of the interfaces."""
    adapters = sorted(ifaddr.get_adapters(), key=lambda adapter: adapter.index or 0)
    found = [ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0]) for it in adapters for ip in it.ips]
    return tuple(address for address in found if not address.is_loopback)


def address_to_announce(wildcard: str, addresses: Sequence[IpAddress]) -> IpAddress | None:
    """Choose where others reach a service that listens at all addresses of one family; None while they cannot.

    wildcard: `0.0.0.0` or `::`, which asyncio binds to IPv6 alone; addresses: as from own_addresses.
    """
    version = ipaddress.ip_address(wildcard).version
    candidates = [address for address in addresses if address.version == version]
    routed = _address_of_route()
    # Home Assistant takes no link-local address.
    candidates.sort(key=lambda address: (address.is_link_local, address != routed))
    return candidates[0] if candidates else None


def _address_of_route() -> IpAddress | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing; it only chooses the address to send from.
            probe.connect((_MDNS_GROUP, 1))
        except OSError:
            # A network of its own, with no way out of it, has no route for this.
            return None
        return ipaddress.ip_address(probe.getsockname()[0])


def _hardware_addresses() -> list[bytes]:
    """Return the MAC addresses of all interfaces that multicast, those that are down included, in their order."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in sorted(socket.if_nameindex()):
            request = _REQUEST.pack(name.encode())
            try:
                (flags,) = struct.unpack_from("H", fcntl.ioctl(probe, _GET_FLAGS, request), 16)
                answer = fcntl.ioctl(probe, _GET_HARDWARE_ADDRESS, request)
            except OSError:
                # Gone in this moment, or a system that is not Linux.
                continue
            (kind,) = struct.unpack_from("H", answer, 16)
            if kind == _ETHERNET and flags & _MULTICAST_FLAG and any(answer[18:24]):
                found.append(answer[18:24])
    return found
