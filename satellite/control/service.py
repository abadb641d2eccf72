"""The satellite's side of the control socket: takes commands, and answers each with how the satellite is then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wyoming.user_event import UserEvent

from interject.satellite.audio.lateness import WINDOW_S
from interject.satellite.control.place import NONE, ControlSocketError, file_name, usable_folder
from interject.satellite.control.status import Status, of_servers
from interject.satellite.conversation.loop import MuteSwitch
from interject.satellite.records.device import VolumeChanged
from interject.satellite.records.event_service import wyoming_event
from interject.wire.errors import CannotListenError, RequestError
from interject.wire.events import user_event_name
from interject.wire.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wyoming.event import Event
    from wyoming.info import Info

    from interject.satellite.audio.lateness import LatenessMeter
    from interject.satellite.audio.player import Player
    from interject.satellite.control.status import MicrophoneWatch
    from interject.satellite.conversation.loop import Conversation
    from interject.satellite.settings import SatelliteSettings
    from interject.satellite.transports.direct.server import Server
    from interject.satellite.transports.wyoming.link import HomeAssistantLink
    from interject.wire.peer import Peer
    from interject.wire.trace import Record


# As much as Home Assistant's buttons for a media player do.
VOLUME_STEP = 10
LOUDEST = 100
# Some ten turns, as for an event service: who reads more slowly than that is told of the newest.
_WAITING_EVENTS = 64
# A sound card is open within a second; whoever pressed a button gives up after some.
_STARTS_WITHIN_S = 3.0


_LOGGER = logging.getLogger(__name__)

# Who may command it: the user that it runs as.
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Commanded:
    """What commands act on, and what is told of it."""

    name: str
    version: str
    pipeline: str
    conversation: Conversation
    player: Player
    microphone: MicrophoneWatch
    lateness: LatenessMeter
    link: HomeAssistantLink
    servers: tuple[Server, ...]


class Controls:
    """Carries out commands. As a trace it passes on what happens to everybody who asked for events."""

    def __init__(self, commanded: Commanded) -> None:
        self._on = commanded
        self._volume = LOUDEST
        self._watchers: set[asyncio.Queue[Event]] = set()
        conversation = commanded.conversation
        self._commands: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "listen": lambda _: self._listen(),
            "stop": lambda _: conversation.stop(),
            "mute": lambda _: conversation.mute(MuteSwitch.SATELLITE),
            "unmute": lambda _: conversation.unmute(MuteSwitch.SATELLITE),
            "toggle-mute": lambda _: self._toggle_mute(),
            "volume": self._change_volume,
            "status": lambda _: None,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The commands that there are."""
        return tuple(self._commands)

    def carry_out(self, name: str, data: Mapping[str, Any]) -> None:
        """Do what a command says; raises RequestError."""
        command = self._commands.get(name)
        if command is None:
            raise RequestError("unknown-command", f"there is no command {name!r}; there are {', '.join(self.names)}")
        command(data)

    async def wait_until_running(self) -> None:
        """Let a satellite that has just been started come to hear and to converse; raises RequestError."""
        try:
            async with asyncio.timeout(_STARTS_WITHIN_S):
                await self._on.microphone.began.wait()
        except TimeoutError:
            raise RequestError("starting", "the satellite is still starting; try again") from None

    def status(self, data: Mapping[str, Any] | None = None) -> Status:
        """Return how the satellite is; `data` may say over how many `seconds` lateness is told. Raises RequestError."""
        seconds = WINDOW_S if data is None else data.get("seconds", WINDOW_S)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= WINDOW_S:
            raise RequestError("bad-event", f"seconds are more than 0 and at most {WINDOW_S:g}")
        on = self._on
        return Status(
            name=on.name,
            version=on.version,
            pipeline=on.pipeline,
            phase=on.conversation.phase,
            muted_by=on.conversation.muted_by,
            volume=self._volume,
            home_assistant=on.link.connected,
            microphone_error=on.microphone.error,
            lateness=on.lateness.lately(seconds),
            servers=of_servers(on.servers),
        )

    def emit(self, record: Record, t: float | None = None) -> None:
        """Pass on what an event service would be told of this record."""
        event = wyoming_event(record, t) if self._watchers else None
        if event is not None:
            for queue in self._watchers:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(event)

    @contextlib.contextmanager
    def watched(self) -> Iterator[asyncio.Queue[Event]]:
        """Give a queue of what happens meanwhile; of what is not taken the oldest is left out."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_WAITING_EVENTS)
        self._watchers.add(queue)
        try:
            yield queue
        finally:
            self._watchers.discard(queue)

    def _listen(self) -> None:
        if self._on.conversation.muted_by:
            raise RequestError("muted", "the microphone is off; switch it on first, with unmute")
        self._on.conversation.listen()

    def _toggle_mute(self) -> None:
        conversation = self._on.conversation
        turn = conversation.unmute if conversation.muted_by else conversation.mute
        turn(MuteSwitch.SATELLITE)

    def _change_volume(self, data: Mapping[str, Any]) -> None:
        percent, step = data.get("percent"), data.get("step")
        if step in ("up", "down"):
            percent = self._volume + (VOLUME_STEP if step == "up" else -VOLUME_STEP)
            percent = min(max(percent, 0), LOUDEST)
        if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= LOUDEST:
            raise RequestError("bad-event", f"volume needs percent, from 0 to {LOUDEST}, or step: up or down")
        self._volume = percent
        self._on.player.set_volume(gain_of(percent))
        self._on.conversation.note(VolumeChanged(percent=percent))


def gain_of(percent: int) -> float:
    """Return the gain of a volume: cubic, as in PulseAudio, PipeWire and mpv, by which half sounds like half."""
    return (percent / 100) ** 3


class ControlSession:
    """One connection to the control socket."""

    def __init__(self, peer: Peer, controls: Controls) -> None:
        self._peer = peer
        self._controls = controls

    async def handle(self, event: Event) -> None:
        """Take the next command; raises RequestError for one that cannot be followed."""
        name = user_event_name(event)
        if name is None:
            raise RequestError("bad-event", f"{event.type} is no command; a command is a user-event")
        if name == "events":
            self._peer.start(self._tell_events(), "events")
            return
        if name != "status":
            await self._controls.wait_until_running()
        data = event.data.get("data")
        data = data if isinstance(data, dict) else {}
        self._controls.carry_out(name, data)
        await self._peer.send(UserEvent("status", self._controls.status(data).as_json()).event())

    async def _tell_events(self) -> None:
        with self._controls.watched() as happening:
            while True:
                await self._peer.send(await happening.get())


async def serve_controls(settings: SatelliteSettings, controls: Controls, info: Callable[[], Info]) -> Service | None:
    """Listen for commands; None where nobody is to listen, or nobody can and the user asked for no special place.

    Raises ControlSocketError for a socket that was asked for.
    """
    given = settings.control_socket
    if given in ("", NONE) or (given is None and settings.text):
        return None
    if given is not None:
        return await _listen(await asyncio.to_thread(_whole, given), controls, info)
    folder = await asyncio.to_thread(usable_folder, os.environ)
    if folder is None:
        _LOGGER.warning("no control socket: neither XDG_RUNTIME_DIR nor the state directory can be written")
        return None
    try:
        return await _listen(folder / file_name(settings.name), controls, info)
    except ControlSocketError as error:
        _LOGGER.warning("%s; where another satellite of this name has it, give this one another --name", error)
        return None


async def _listen(path: Path, controls: Controls, info: Callable[[], Info]) -> Service:
    service = Service(f"unix://{path}", info, lambda peer: ControlSession(peer, controls), socket_mode=_OWNER_ONLY)
    try:
        await service.start()
    except CannotListenError as error:
        raise ControlSocketError(path, error.reason) from None
    _LOGGER.debug("commands are taken at %s", path)
    return service


def _whole(path: str) -> Path:
    return Path(path).expanduser().absolute()
