"""Which device the settings ask for."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from interject.satellite.audio.command import CommandDevice, MicCommand, PcmFormat, SndCommand
from interject.satellite.audio.portaudio import PortAudioChoice, find_portaudio
from interject.satellite.audio.portaudio_host import PortAudioHost
from interject.satellite.audio.sound_cards import table
from interject.satellite.audio.supervised import DeviceHealth, supervise
from interject.satellite.records.device import DeviceReported
from interject.satellite.settings import Audio
from interject.satellite.simulator.device import SimulatedDevice, text_mode_device
from interject.satellite.simulator.room import RoomAcoustics, ScriptedRoom
from interject.satellite.simulator.script import RoomScript, load_script
from interject.wire.trace import open_trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from interject.satellite.audio.base import Device
    from interject.satellite.settings import SatelliteSettings
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger(__name__)


@asynccontextmanager
async def sound_device(settings: SatelliteSettings, trace: Trace) -> AsyncIterator[Device]:
    """Give the device; real ones are supervised, so that one that is missing or breaks is reported and retried.

    Raises DeviceError for settings that no device can follow.
    """
    if settings.audio is Audio.SIMULATED:
        yield await _simulated_room(settings)
    elif settings.mic_command or settings.snd_command:
        command = _command_device(settings)
        yield await supervise(_remake(lambda: _command_device(settings)), command.name, _report(trace))
    elif settings.text:
        yield text_mode_device()
    else:
        choice = PortAudioChoice(settings.mic_device, settings.snd_device, settings.mic_channel_index)
        host = PortAudioHost()
        try:
            yield await supervise(lambda: find_portaudio(choice, host), "the sound card", _report(trace))
        finally:
            host.close()


async def list_devices() -> str:
    """Return a table of the sound devices that there are; raises DeviceSetupError."""
    host = PortAudioHost()
    try:
        return table(await host.cards())
    finally:
        host.close()


async def _simulated_room(settings: SatelliteSettings) -> Device:
    script = RoomScript()
    if settings.room_script is not None:
        script = await asyncio.to_thread(load_script, settings.room_script)
    elif not settings.text:
        _LOGGER.warning(
            "nobody speaks in the simulated room: give --room-script FILE, which says who says what when; its format "
            "is in docs/hearing.md"
        )
    acoustics = RoomAcoustics(
        echo_db=-math.inf if settings.text else settings.room_echo_db, noise_db=settings.room_noise_db
    )
    room_trace = await asyncio.to_thread(open_trace, settings.trace_file, "room")
    return SimulatedDevice(ScriptedRoom(script, acoustics), record_to=settings.room_record_dir, trace=room_trace)


def _command_device(settings: SatelliteSettings) -> CommandDevice:
    mic = snd = None
    if settings.mic_command:
        pcm = PcmFormat(settings.mic_command_rate, settings.mic_command_width, settings.mic_command_channels)
        mic = MicCommand(settings.mic_command, pcm, settings.mic_command_samples_per_chunk, settings.mic_channel_index)
    if settings.snd_command:
        pcm = PcmFormat(settings.snd_command_rate, settings.snd_command_width, settings.snd_command_channels)
        snd = SndCommand(settings.snd_command, pcm)
    return CommandDevice(mic, snd)


def _remake(make: Callable[[], Device]) -> Callable[[], Awaitable[Device]]:
    async def again() -> Device:
        return make()

    return again


def _report(trace: Trace) -> Callable[[DeviceHealth, str], None]:
    def report(health: DeviceHealth, text: str) -> None:
        trace.emit(DeviceReported(health=health.value, text=text))

    return report
