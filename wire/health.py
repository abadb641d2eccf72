"""Ask a process of ours whether it can do its work: the sub-command `health`, which a container's health check runs."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from wyoming.info import Describe, Info

from interject.wire.client import connect
from interject.wire.discovery import ServiceKind, offers
from interject.wire.errors import InterjectError, PeerSilentError, WireError
from interject.wire.uri import TcpAddress, parse_uri, tcp_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wyoming.info import Artifact

_HEALTHY, _NOT_HEALTHY = 0, 1
# A service answers in milliseconds; one that transcribes on a busy machine may take a second or two.
_ANSWER_TIMEOUT_S = 5.0
# Who listens at all addresses is asked at this machine's own.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class NotOfThisKindError(WireError):
    """A service answers, and it is another one."""

    def __init__(self, uri: str, kind: ServiceKind, offered: Iterable[ServiceKind]) -> None:
        found = ", ".join(sorted(other.value for other in offered)) or "nothing that we use"
        super().__init__(f"{uri} answers, and offers {found}, not {kind.value}")
        self.uri = uri
        self.kind = kind


class CannotWorkError(WireError):
    """A service answers, and has nothing to do its work with."""

    def __init__(self, uri: str, names: Sequence[str]) -> None:
        super().__init__(f"{uri} answers, and its model cannot be used: {', '.join(names) or 'it names none'}")
        self.uri = uri


def report_health(uri: str, kind: ServiceKind) -> int:
    """Print a line on how the process that listens at `uri` does, and return the exit status: 0 healthy, 1 not."""
    try:
        name = asyncio.run(ask_health(uri, kind))
    except InterjectError as error:
        sys.stdout.write(f"not healthy: {error}\n")
        return _NOT_HEALTHY
    sys.stdout.write(f"healthy: {name}\n")
    return _HEALTHY


async def ask_health(uri: str, kind: ServiceKind) -> str:
    """Return the name of the program that does this kind of work at `uri`; raises WireError, BadUriError."""
    asked = _at_loopback(uri)
    connection = await connect(asked)
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            await connection.send(Describe().event())
            while not Info.is_type((event := await connection.receive()).type):
                pass
    except TimeoutError:
        raise PeerSilentError(asked, "info", _ANSWER_TIMEOUT_S) from None
    finally:
        await connection.close()
    info = Info.from_event(event)
    if kind not in offers(info):
        raise NotOfThisKindError(asked, kind, offers(info))
    name, models = _means(info, kind)
    if not any(model.installed for model in models):
        raise CannotWorkError(asked, [model.name for model in models])
    return name


def _means(info: Info, kind: ServiceKind) -> tuple[str, Sequence[Artifact]]:
    """Return the program of a kind, and what it works with."""
    if kind is ServiceKind.STT:
        return info.asr[0].name, info.asr[0].models
    if kind is ServiceKind.LLM:
        return info.handle[0].name, info.handle[0].models
    if kind is ServiceKind.TTS:
        return info.tts[0].name, info.tts[0].voices
    assert info.satellite is not None  # noqa: S101 - it is offered
    return info.satellite.name, [info.satellite]


def _at_loopback(uri: str) -> str:
    address = parse_uri(uri)
    if isinstance(address, TcpAddress) and address.host in _LOOPBACK:
        return tcp_uri(_LOOPBACK[address.host], address.port)
    return uri
