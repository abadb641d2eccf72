"""Builds the parts of a satellite that its settings ask for."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interject.satellite.aec.memory import EchoMemory
from interject.satellite.app.found_servers import FoundServers
from interject.satellite.app.info import conversation_id, satellite_state
from interject.satellite.audio.sounds import RoomSounds, load_sounds
from interject.satellite.conversation.timers import ring_audio
from interject.satellite.records.event_service import EventForwarder
from interject.satellite.records.hooks.runner import load_hooks
from interject.satellite.records.why import DecisionLog, decisions_file
from interject.satellite.settings import Audio, PipelineKind, WakeSource
from interject.satellite.state_file import StateFile
from interject.satellite.transports.assist.state import WakeIn
from interject.satellite.transports.direct.marks import TtsMarks
from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.direct.transport import DirectTransport, Identity
from interject.satellite.transports.recorded import RecordedTransport, Recorder
from interject.satellite.transports.wyoming.announcements import WithHomeAssistant
from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings, HomeAssistantTransport
from interject.satellite.transports.wyoming.uplink import HomeAssistantWake
from interject.satellite.wake.base import SeveralDetectors
from interject.satellite.wake.choice import WordChoice, make_detector
from interject.satellite.wake.stop_grammar import is_english, is_installed
from interject.satellite.wake.stop_search import StopWordSearch
from interject.wire import client
from interject.wire.discovery import ServiceKind, default_instance_name, find_services, still_does
from interject.wire.trace import Trace
from interject.wire.uri import TcpAddress, parse_uri
from interject.wire.xdg import our_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interject.satellite.settings import SatelliteSettings
    from interject.satellite.transports.base import Transport
    from interject.satellite.wake.base import WakeDetector

_LOGGER = logging.getLogger(__name__)

_HOME_ASSISTANT = "home-assistant"


class Helper(Protocol):
    """Works beside the conversation."""

    async def run(self) -> None:
        """Work until cancelled."""


class Reaction(Trace, Helper, Protocol):
    """Does something about what happens."""


@dataclass(frozen=True, slots=True)
class TransportParts:
    """What converses, the side that Home Assistant sees, what listens for words, and what helps them."""

    transport: Transport
    link: HomeAssistantLink
    wake: WakeDetector | None
    servers: tuple[Server, ...]
    helpers: tuple[Helper, ...] = ()


async def transport_parts(settings: SatelliteSettings, state: StateFile | None) -> TransportParts:
    """Build what hears, thinks and speaks; raises SettingError, BadUriError, WakeModelError.

    `state` is what is kept of this satellite; None: nothing, as where settings are only tried.
    """
    link, servers = await _link(state), _servers(settings)
    wake_server = _given("wake", settings.wake_uri) if settings.wake_word is WakeSource.REMOTE else None
    detectors = [detector] if (detector := await _detector(settings, wake_server)) is not None else []
    transport: Transport
    if settings.pipeline is PipelineKind.HOME_ASSISTANT:
        through = _home_assistant_pipeline(settings, link, servers)
        transport = through
        if settings.wake_word is WakeSource.HOME_ASSISTANT:
            detectors.append(HomeAssistantWake(through))
    else:
        transport = WithHomeAssistant(await _direct_transport(settings, servers, state), link)
    helpers: tuple[Helper, ...] = ()
    if settings.debug_recording_dir is not None:
        recorder = Recorder(settings.debug_recording_dir)
        transport, helpers = RecordedTransport(transport, recorder), (recorder,)
    wake = detectors[0] if len(detectors) == 1 else SeveralDetectors(tuple(detectors)) if detectors else None
    used = (*servers.values(), *(() if wake_server is None else (wake_server,)))
    return TransportParts(transport, link, wake, used, helpers)


def state_file(settings: SatelliteSettings) -> StateFile:
    """Return where what is this satellite's own is kept."""
    return satellite_state(our_state(os.environ), settings.name, _place(settings.uri))


def echo_memory(settings: SatelliteSettings) -> EchoMemory | None:
    """Build what remembers the room; None for a room that is simulated anew each time, or not heard at all."""
    file = settings.echo_memory
    if file is None:
        if settings.text or settings.audio is Audio.SIMULATED:
            return None
        file = our_state(os.environ) / "echo.json"
    devices = (settings.mic_device, settings.snd_device, settings.mic_command, settings.snd_command)
    return EchoMemory(file, " | ".join(device or "default" for device in devices))


async def stop_search(settings: SatelliteSettings) -> StopWordSearch | None:
    """Build what hears stop words by themselves, if this satellite can; the log says why not where it is wanted."""
    if not settings.stop_words or settings.text:
        return None
    if not is_english(settings.language):
        _LOGGER.info("stop words are heard by the recogniser alone: pocketsphinx knows no %s", settings.language)
        return None
    if not await asyncio.to_thread(is_installed):
        _LOGGER.info("stop words are heard by the recogniser alone: pocketsphinx is not installed")
        return None
    return StopWordSearch()


async def reactions_to(settings: SatelliteSettings) -> tuple[Reaction, ...]:
    """Build what the user wants done when something happens; raises SettingError."""
    reactions: tuple[Reaction, ...] = (
        await load_hooks(settings),
        DecisionLog(decisions_file(our_state(os.environ), settings.name)),
    )
    return (*reactions, EventForwarder(settings.event_uri)) if settings.event_uri else reactions


async def room_sounds(settings: SatelliteSettings, rate_hz: int) -> RoomSounds:
    """Load the satellite's own sounds; raises SettingError."""
    sounds = await load_sounds(settings, rate_hz)
    repeat = settings.timer_finished_wav_repeat
    return RoomSounds(
        error=sounds.error,
        not_understood=sounds.not_understood,
        ring=lambda: ring_audio(sounds.ring, rate_hz, repeat.times, repeat.delay_s),
        ring_once=sounds.ring_once,
        awake=sounds.awake,
        done=sounds.done,
        echo_tail_s=None if settings.mic_no_mute_during_awake_wav else settings.mic_seconds_to_mute_after_awake_wav,
    )


async def _detector(settings: SatelliteSettings, server: Server | None) -> WakeDetector | None:
    own = settings.wake_word in (WakeSource.LOCAL, WakeSource.REMOTE)
    choice = WordChoice(
        wake=settings.wake_word_name if own else (),
        stop=settings.stop_word_name,
        engine=settings.wake_engine,
        thresholds=settings.wake_threshold,
        folders=settings.wake_word_dir,
        refractory_s=settings.wake_refractory_seconds,
    )
    return await make_detector(choice, server)


def _home_assistant_pipeline(
    settings: SatelliteSettings, link: HomeAssistantLink, servers: Mapping[ServiceKind, Server]
) -> HomeAssistantTransport:
    wake = WakeIn.HOME_ASSISTANT if settings.wake_word is WakeSource.HOME_ASSISTANT else WakeIn.SATELLITE
    tts = servers.get(ServiceKind.TTS)
    return HomeAssistantTransport(
        link,
        HomeAssistantSettings(
            satellite_id=settings.name,
            language=settings.language,
            endpoint_silence_ms=settings.endpoint_silence_ms,
            reply_timeout_s=settings.reply_timeout_s,
            wake=wake,
        ),
        stt=servers.get(ServiceKind.STT),
        llm=servers.get(ServiceKind.LLM),
        marks=TtsMarks(tts, settings.voice) if tts is not None else None,
    )


async def _link(state: StateFile | None) -> HomeAssistantLink:
    if state is None:
        return HomeAssistantLink()
    kept = (await state.read()).get(_HOME_ASSISTANT)
    remembered = kept if isinstance(kept, str) and kept else None

    async def remember(address: str) -> None:
        await state.put(_HOME_ASSISTANT, address)

    return HomeAssistantLink(remembered, remember)


async def _direct_transport(
    settings: SatelliteSettings, servers: Mapping[ServiceKind, Server], state: StateFile | None
) -> DirectTransport:
    instance = settings.zeroconf_name or default_instance_name()
    identity = Identity(
        satellite_id=f"{settings.name}@{instance}:{_place(settings.uri)}",
        conversation_id=settings.conversation_id or await conversation_id(state, settings.name),
        language=settings.language,
        voice=settings.voice,
    )
    return DirectTransport(
        stt=servers[ServiceKind.STT],
        llm=servers[ServiceKind.LLM],
        tts=servers[ServiceKind.TTS],
        identity=identity,
    )


def _place(uri: str | None) -> str:
    if uri is None:
        return "text"
    address = parse_uri(uri)
    return str(address.port) if isinstance(address, TcpAddress) else address.path


def _servers(settings: SatelliteSettings) -> dict[ServiceKind, Server]:
    """Give the servers that were named; with the direct pipeline those that were not are looked for."""
    named = {
        ServiceKind.STT: (settings.stt_uri, settings.stt_name),
        ServiceKind.LLM: (settings.llm_uri, settings.llm_name),
        ServiceKind.TTS: (settings.tts_uri, settings.tts_name),
    }
    file = StateFile(our_state(os.environ) / "servers.json", "which servers were used before")
    found = FoundServers(file, find_services, still_does)
    servers = {kind: _given(kind.value, uri) for kind, (uri, _) in named.items()}
    if settings.pipeline is PipelineKind.DIRECT:
        looked_for = {
            kind: Server(kind.value, found.locate(kind, name), client.connect) for kind, (_, name) in named.items()
        }
        servers = {kind: server or looked_for[kind] for kind, server in servers.items()}
    return {kind: server for kind, server in servers.items() if server is not None}


def _given(kind: str, uri: str | None) -> Server | None:
    return Server(kind, fixed(uri), client.connect) if uri else None
