"""How a satellite is, for people, scripts and health checks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.satellite.audio.supervised import DeviceHealth
from interject.satellite.records.device import DeviceReported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.satellite.audio.lateness import Lateness
    from interject.satellite.conversation.loop import MuteSwitch
    from interject.satellite.transports.direct.server import Server
    from interject.satellite.turn.state import Phase
    from interject.wire.trace import Record

# A device that is supervised reports a stall by itself, after 5 s where a stream has just begun: this is for others.
STALLED_AFTER_S = 6.0


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """A server that the satellite uses; error: why it does not work now, as far as is known."""

    kind: str
    uri: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """A satellite at one moment; volume: percent; microphone_error: why no audio moves; lateness: of audio."""

    name: str
    version: str
    pipeline: str
    phase: Phase
    muted_by: frozenset[MuteSwitch]
    volume: int
    home_assistant: bool
    microphone_error: str | None
    lateness: Lateness | None
    servers: tuple[ServerStatus, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """Say what keeps it from working; that nobody is connected, or that it is muted, does not."""
        microphone = () if self.microphone_error is None else (f"microphone: {self.microphone_error}",)
        broken = (server for server in self.servers if server.error is not None)
        return (*microphone, *(f"{server.kind} server: {server.error}" for server in broken))

    def as_json(self) -> dict[str, Any]:
        """Return it as docs/protocol.md has it."""
        return {
            "name": self.name,
            "version": self.version,
            "state": self.phase.value,
            "muted": bool(self.muted_by),
            "muted_by": sorted(switch.value for switch in self.muted_by),
            "volume": self.volume,
            "pipeline": self.pipeline,
            "home_assistant": self.home_assistant,
            "microphone": {"moving": self.microphone_error is None, "error": self.microphone_error},
            "lateness_ms": None if self.lateness is None else self.lateness.as_json(),
            "servers": [{"kind": server.kind, "uri": server.uri, "error": server.error} for server in self.servers],
            "faults": list(self.faults),
        }


class MicrophoneWatch:
    """A trace that knows whether audio moves; to be made and used in an event loop."""

    def __init__(self) -> None:
        self._error: str | None = None
        self._moved_s = _now()
        # Set from the first audio on: by then all of a satellite runs.
        self.began = asyncio.Event()

    def emit(self, record: Record, _t: float | None = None, /) -> None:
        """Take note of what the device reports."""
        if isinstance(record, DeviceReported):
            self._error = None if record.health == DeviceHealth.WORKING.value else record.text

    def moved(self) -> None:
        """Take note that audio came."""
        self._moved_s = _now()
        self.began.set()

    @property
    def error(self) -> str | None:
        """Why no audio moves, None while it does."""
        still_s = _now() - self._moved_s
        if self._error is None and still_s >= STALLED_AFTER_S:
            return f"no audio moved for {still_s:.0f} s"
        return self._error


def of_servers(servers: Sequence[Server]) -> tuple[ServerStatus, ...]:
    """Return how servers are, as far as the satellite has noticed."""
    return tuple(
        ServerStatus(server.kind, server.uri, None if server.error is None else str(server.error)) for server in servers
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
