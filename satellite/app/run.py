"""Composition root: builds the parts, runs them, stops them; holds no decisions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from interject import package_version
from interject.satellite.aec.engines import make_echo_control
from interject.satellite.app.device import sound_device
from interject.satellite.app.info import satellite_info
from interject.satellite.app.parts import (
    echo_memory,
    reactions_to,
    room_sounds,
    state_file,
    stop_search,
    transport_parts,
)
from interject.satellite.audio.base import running
from interject.satellite.audio.lateness import LatenessMeter
from interject.satellite.audio.player import Player
from interject.satellite.control.service import Commanded, Controls, serve_controls
from interject.satellite.control.status import MicrophoneWatch
from interject.satellite.conversation.loop import Conversation, WordListeners
from interject.satellite.conversation.text_frontend import standard_text_mode
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import SileroVad
from interject.satellite.records.log import LogTrace
from interject.satellite.settings import PipelineKind, player_settings, turn_settings
from interject.wire.discovery import advertise, default_instance_name
from interject.wire.process import spare_what_is_loaded
from interject.wire.reach import is_for_this_machine
from interject.wire.service import STOP_SIGNALS, Service
from interject.wire.trace import Record, Trace, open_trace

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from wyoming.info import Info

    from interject.satellite.aec.base import EchoControl
    from interject.satellite.audio.base import Device
    from interject.satellite.settings import SatelliteSettings

_LOGGER = logging.getLogger(__name__)


class Tee:
    """A trace that passes each record on to several."""

    def __init__(self, *traces: Trace) -> None:
        self._traces = list(traces)

    def add(self, trace: Trace) -> None:
        """Pass records on to another one too."""
        self._traces.append(trace)

    def emit(self, record: Record, t: float | None = None) -> None:
        """Record that something happened now."""
        for trace in self._traces:
            trace.emit(record, t)


async def run_satellite(settings: SatelliteSettings) -> None:
    """Run a satellite until it is told to stop, or in text mode until there is nothing more to type.

    Raises BadUriError, SettingError, NoKeyboardError, HearingError, DeviceError.
    """
    # Before anything listens: whoever sees that it is ready may tell it to stop.
    stopping = _on_stop_signal()
    microphone = MicrophoneWatch()
    trace = Tee(await asyncio.to_thread(open_trace, settings.trace_file, "satellite"), microphone)
    async with contextlib.AsyncExitStack() as stack:
        device = await stack.enter_async_context(sound_device(settings, trace))
        lateness = LatenessMeter(device.rate_hz)
        player = Player(device.rate_hz, player_settings(settings))
        memory = echo_memory(settings)
        echo = make_echo_control(settings.echo_canceller, await memory.load() if memory is not None else None)
        parts = await transport_parts(settings, state_file(settings))
        conversation = Conversation(
            await asyncio.to_thread(turn_settings, settings),
            player,
            _front_end(settings, device, echo),
            parts.transport,
            trace,
            volume=settings.snd_volume_multiplier,
            words=WordListeners(parts.wake, await stop_search(settings)),
            sounds=await room_sounds(settings, device.rate_hz),
        )
        text_mode = standard_text_mode(conversation) if settings.text else None
        trace.add(text_mode or LogTrace())
        reactions = await reactions_to(settings)
        for reaction in reactions:
            trace.add(reaction)
        words = parts.wake.words if parts.wake is not None else ()

        def info() -> Info:
            return satellite_info(settings, words, device.rate_hz)

        version = await asyncio.to_thread(package_version)
        commanded = Commanded(
            settings.name,
            version,
            settings.pipeline.value,
            conversation,
            player,
            microphone,
            lateness,
            parts.link,
            parts.servers,
        )
        controls = Controls(commanded)
        trace.add(controls)
        spare_what_is_loaded()
        control_service = await serve_controls(settings, controls, info)
        if control_service is not None:
            stack.push_async_callback(control_service.stop)
        if settings.uri is not None:
            service = Service(settings.uri, info, parts.link.session, rules=settings.access_rules())
            stack.push_async_callback(service.stop)
            uri = await service.start()
            if settings.zeroconf:
                name = settings.zeroconf_name or default_instance_name()
                await stack.enter_async_context(advertise(name=name, uri=uri, host=settings.zeroconf_host))
            await _say_ready(uri, settings)
        work: dict[str, Coroutine[Any, Any, object]] = {
            "audio": _move_audio(device, player, conversation, (microphone, lateness)),
            "lateness": lateness.report(trace),
            "conversation": conversation.run(),
            "transport": parts.transport.run(conversation),
            "stop signal": stopping.wait(),
        }
        for helper in (*reactions, *parts.helpers):
            work[type(helper).__name__] = helper.run()
        if text_mode is not None:
            work["text mode"] = text_mode.run()
        if memory is not None:
            work["echo memory"] = memory.keep(echo)
            stack.push_async_callback(lambda: memory.save(echo.path))
        await _until_one_ends(work)


async def _say_ready(uri: str, settings: SatelliteSettings) -> None:
    _LOGGER.info("Ready at %s", uri)
    if not await asyncio.to_thread(is_for_this_machine, uri):
        _LOGGER.info("may connect, without a password: %s (--allow; docs/security.md)", settings.who_may_connect())
    if settings.pipeline is PipelineKind.HOME_ASSISTANT or settings.home_assistant:
        _LOGGER.info(
            "Waiting for Home Assistant: it finds this satellite by itself, under Settings > Devices & services; or "
            "add the integration Wyoming Protocol there, with the address of this machine and the port above"
        )


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


async def _move_audio(
    device: Device, player: Player, conversation: Conversation, watched_by: tuple[MicrophoneWatch, LatenessMeter]
) -> None:
    microphone, lateness = watched_by
    async with running(device, player.render) as blocks:
        async for block in blocks:
            microphone.moved()
            lateness.handled(block.frame + len(block.mic))
            conversation.on_block(block, device.output_latency_frames)


def _front_end(settings: SatelliteSettings, device: Device, echo: EchoControl) -> FrontEnd:
    hearing = HearingSettings(
        noise_suppression=settings.mic_noise_suppression,
        auto_gain=settings.mic_auto_gain,
        volume_multiplier=settings.mic_volume_multiplier,
    )
    return FrontEnd(device.rate_hz, hearing, SileroVad(), echo)
