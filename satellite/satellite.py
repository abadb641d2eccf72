"""Composition root: builds the parts, runs them, stops them; holds no decisions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from wyoming.info import Attribution, Info
from wyoming.info import Satellite as SatelliteInfo

from satellite.conversation import Conversation
from satellite.devices.base import running
from satellite.errors import ServerNotFoundError
from satellite.hearing.echo import Identity as NoCanceller
from satellite.hearing.frontend import FrontEnd, HearingSettings
from satellite.hearing.vad import SileroVad
from satellite.pipelines.direct import DirectPipeline, Identity
from satellite.pipelines.server import Server, fixed
from satellite.settings import player_settings, turn_settings
from satellite.sound import sound_device
from satellite.speaking.player import Player
from satellite.text_mode import standard_text_mode
from wire import client, package_version
from wire.discovery import ServiceKind, advertise, default_instance_name, find_service
from wire.service import STOP_SIGNALS, Service
from wire.trace import Trace, open_trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from wyoming.event import Event

    from satellite.devices.base import Device
    from satellite.settings import SatelliteSettings
    from wire.service import Peer

_LOGGER = logging.getLogger(__name__)

# Services on the same network answer a browse within a second.
_BROWSE_S = 1.5
_PROJECT = Attribution(name="Interject", url="https://github.com/interject/wyoming-interject")


class Tee:
    """A trace that passes each record on to several."""

    def __init__(self, *traces: Trace) -> None:
        self._traces = list(traces)

    def add(self, trace: Trace) -> None:
        """Pass records on to another one too."""
        self._traces.append(trace)

    def emit(self, kind: str, **fields: Any) -> None:
        """Record that something happened now."""
        for trace in self._traces:
            trace.emit(kind, **fields)


class LogTrace:
    """Logs what a person who runs the satellite wants to follow."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Record that something happened now."""
        if kind == "phase":
            _LOGGER.info("%s -> %s", fields["was"], fields["phase"])
        elif kind == "ask":
            _LOGGER.info("heard the question: %s", fields["text"])
        elif kind == "interrupt":
            _LOGGER.info("interrupted (%s) after %r", fields["reason"], fields["heard"])


class IgnoreEvents:
    """The satellite answers describe and ping; in direct mode nobody tells it anything else."""

    async def handle(self, event: Event) -> None:
        """Take no notice."""
        _LOGGER.debug("ignored a %s event", event.type)


async def run_satellite(settings: SatelliteSettings) -> None:
    """Run a satellite until it is told to stop, or in text mode until there is nothing more to type.

    Raises BadUriError, SettingError, NoKeyboardError, HearingError, DeviceError.
    """
    # Before anything listens: whoever sees that it is ready may tell it to stop.
    stopping = _on_stop_signal()
    trace = Tee(open_trace(settings.trace_file, "satellite"))
    async with contextlib.AsyncExitStack() as stack:
        device = await stack.enter_async_context(sound_device(settings, trace))
        player = Player(device.rate_hz, player_settings(settings))
        pipeline = _direct_pipeline(settings)
        conversation = Conversation(
            turn_settings(settings),
            player,
            _front_end(settings, device),
            pipeline,
            trace,
            volume=settings.snd_volume_multiplier,
        )
        text_mode = standard_text_mode(conversation) if settings.text else None
        trace.add(text_mode or LogTrace())
        service = Service(settings.uri, lambda: _info(settings), _ignore)
        stack.push_async_callback(service.stop)
        uri = await service.start()
        if settings.zeroconf and uri.startswith("tcp:"):
            name = settings.zeroconf_name or default_instance_name()
            await stack.enter_async_context(advertise(name=name, uri=uri, host=settings.zeroconf_host))
        _LOGGER.info("Ready at %s", uri)
        work: dict[str, Coroutine[Any, Any, object]] = {
            "audio": _move_audio(device, player, conversation),
            "pipeline": pipeline.run(conversation),
            "stop signal": stopping.wait(),
        }
        if text_mode is not None:
            work["text mode"] = text_mode.run()
        await _until_one_ends(work)


def _on_stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in STOP_SIGNALS:
        loop.add_signal_handler(signal_number, stopping.set)
    return stopping


async def _until_one_ends(work: Mapping[str, Coroutine[Any, Any, object]]) -> None:
    tasks = [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _move_audio(device: Device, player: Player, conversation: Conversation) -> None:
    async with running(device, player.render) as blocks:
        async for block in blocks:
            conversation.on_block(block, device.output_latency_frames)


def _front_end(settings: SatelliteSettings, device: Device) -> FrontEnd:
    hearing = HearingSettings(
        noise_suppression=settings.mic_noise_suppression,
        auto_gain=settings.mic_auto_gain,
        volume_multiplier=settings.mic_volume_multiplier,
    )
    return FrontEnd(device.rate_hz, hearing, SileroVad(), NoCanceller())


def _direct_pipeline(settings: SatelliteSettings) -> DirectPipeline:
    satellite_id = settings.zeroconf_name or default_instance_name()
    identity = Identity(
        satellite_id=satellite_id,
        conversation_id=settings.conversation_id or f"satellite-{satellite_id}",
        language=settings.language,
        voice=settings.voice,
    )
    return DirectPipeline(
        stt=_server(ServiceKind.STT, settings.stt_uri),
        llm=_server(ServiceKind.LLM, settings.llm_uri),
        tts=_server(ServiceKind.TTS, settings.tts_uri),
        identity=identity,
    )


def _server(kind: ServiceKind, uri: str | None) -> Server:
    return Server(kind.value, fixed(uri) if uri else _found(kind), client.connect)


def _found(kind: ServiceKind) -> Callable[[], Awaitable[str]]:
    async def locate() -> str:
        uris = await find_service(kind, _BROWSE_S)
        if not uris:
            raise ServerNotFoundError(kind.value)
        return uris[0]

    return locate


def _ignore(_peer: Peer) -> IgnoreEvents:
    return IgnoreEvents()


def _info(settings: SatelliteSettings) -> Info:
    return Info(
        satellite=SatelliteInfo(
            name=settings.name,
            area=settings.area,
            description="Voice satellite that can be interrupted",
            attribution=_PROJECT,
            installed=True,
            version=package_version(),
            has_vad=True,
        )
    )
