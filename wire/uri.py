"""Addresses of Wyoming services."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from interject.wire.errors import BadUriError, PeerUnreachableError
from interject.wire.framing import DEFAULT_LIMITS, FrameLimits


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host and a port; port 0 asks the system for a free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system."""

    path: str


def parse_uri(uri: str) -> TcpAddress | UnixAddress:
    """Parse `tcp://HOST:PORT` or `unix:///PATH`; raises BadUriError."""
    try:
        parts = urlsplit(uri)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise BadUriError(uri, str(error)) from None
    if parts.scheme == "tcp":
        if not parts.hostname or port is None:
            raise BadUriError(uri, "a tcp URI needs a host and a port")
        return TcpAddress(parts.hostname, port)
    if parts.scheme == "unix":
        if not parts.path:
            raise BadUriError(uri, "a unix URI needs a path")
        if parts.netloc:
            raise BadUriError(uri, f"a unix URI needs an absolute path after unix://, not {parts.netloc!r}")
        return UnixAddress(parts.path)
    raise BadUriError(uri, f"the scheme {parts.scheme!r} is not supported")


def tcp_uri(host: str, port: int) -> str:
    """Write a URI; an IPv6 address goes in brackets."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


async def open_stream(
    uri: str, timeout_s: float, limits: FrameLimits = DEFAULT_LIMITS
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a service; raises BadUriError, PeerUnreachableError."""
    address = parse_uri(uri)
    try:
        async with asyncio.timeout(timeout_s):
            if isinstance(address, TcpAddress):
                return await asyncio.open_connection(address.host, address.port, limit=limits.header_bytes)
            return await asyncio.open_unix_connection(address.path, limit=limits.header_bytes)
    except TimeoutError:
        raise PeerUnreachableError(uri, f"no answer within {timeout_s:g} s") from None
    except OSError as error:
        raise PeerUnreachableError(uri, error.strerror or str(error)) from None
