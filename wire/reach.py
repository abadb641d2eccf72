"""Whether other machines can reach what listens at a URI."""

from __future__ import annotations

import ipaddress
import socket

from interject.wire.errors import SettingError
from interject.wire.uri import TcpAddress, UnixAddress, parse_uri


def is_for_this_machine(uri: str) -> bool:
    """Tell whether only this machine can connect to a service at a URI; blocking, as a host's name is looked up.

    A name that has no address is for nobody yet, and listening there says so. Raises BadUriError.
    """
    address = parse_uri(uri)
    if isinstance(address, UnixAddress):
        return True
    try:
        found = socket.getaddrinfo(address.host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    hosts = [str(socket_address[0]).partition("%")[0] for *_, socket_address in found]
    return all(ipaddress.ip_address(host).is_loopback for host in hosts)


def require_reach(uri: str) -> None:
    """Raise SettingError where what listens at a URI shall be announced, and nobody else could reach it; blocking.

    Raises BadUriError.
    """
    if is_for_this_machine(uri):
        address = parse_uri(uri)
        port = address.port if isinstance(address, TcpAddress) else "PORT"
        raise SettingError(
            "zeroconf", f"no other machine could reach {uri}; listen at all addresses: --uri tcp://0.0.0.0:{port}"
        )
