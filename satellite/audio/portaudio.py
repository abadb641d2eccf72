"""The machine's own microphone and loudspeaker: PortAudio through PyAudio, one full-duplex stream."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.audio.base import (
    Block,
    DeviceBusyError,
    DeviceError,
    DeviceFormatError,
    DeviceLostError,
    DeviceSetupError,
    DeviceStalledError,
    render_exactly,
)
from interject.satellite.audio.portaudio_host import (
    SCANNED_WITHIN_S,
    PortAudioHost,
    PortAudioThread,
    portaudio,
    sound_cards,
)
from interject.satellite.audio.sound_cards import Direction, SoundCard, SoundCards, channel_counts, choose

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from interject.satellite.audio.base import Render, Samples

_LOGGER = logging.getLogger(__name__)

# 10 ms blocks stalled in one of three runs on a virtual card, 20 ms in none of twelve.
BLOCK_MS = 20
# Fifty periods: no scheduling hiccup, and soon enough that a person who was not heard says it again.
STALLED_AFTER_S = 1.0
# A sound server needs 0.2 s until the first period, and 2 s when it has just been started itself. PulseAudio gives one
# period and then none for 1.9 s, where no other client asks it for low latency.
SETTLES_WITHIN_S = 5.0
# How soon a stream that ended by itself is noticed; PortAudio tells nobody.
ENDED_NOTICED_WITHIN_S = 0.2
# Opening takes some milliseconds; HDMI and Bluetooth devices wake up within seconds.
OPENED_WITHIN_S = 10.0
# Closing takes 4 ms; where the driver hangs, nobody should wait for it.
CLOSED_WITHIN_S = 0.5
# What the consumer may fall behind before the oldest audio is lost.
QUEUE_S = 2.0
# The rates to try, best first, before the one that PortAudio calls the default: it answers 44.1 kHz for whatever can
# do it, also for a sound server whose cards run at 48 kHz.
PREFERRED_RATES_HZ = (48_000,)
# The dac time jitters by a period with every callback; this settles within half a second.
LATENCY_SMOOTHING = 0.05
# No local loudspeaker is further away: what is beyond is a host API that does not know.
MOST_LATENCY_S = 1.0

# PortAudio's own numbers (portaudio.h).
PA_INPUT_OVERFLOW = 2
PA_CONTINUE = 0
PA_ABORT = 2
PA_INT16 = 8
PA_DEVICE_UNAVAILABLE = -9985
PA_INVALID_SAMPLE_RATE = -9997
PA_INVALID_CHANNEL_COUNT = -9998


@dataclass(frozen=True, slots=True)
class PortAudioChoice:
    """Which devices: an index or a part of a name, None for the default.

    channel: which of the microphone's channels to use, from 0.
    """

    microphone: str | None = None
    loudspeaker: str | None = None
    channel: int | None = None


async def find_portaudio(choice: PortAudioChoice, host: PortAudioHost) -> PortAudioDevice:
    """Look for the chosen devices and give them as one Device at their native rate, not yet opened.

    Raises DeviceMissingError, DeviceFormatError, DeviceBusyError or DeviceSetupError.
    """
    search = host.run(host.thread(), "the search for sound devices", lambda: _probe(choice), SCANNED_WITHIN_S)
    return PortAudioDevice(choice, await search, host)


@dataclass(frozen=True, slots=True)
class _Found:
    microphone: SoundCard
    loudspeaker: SoundCard
    rate_hz: int
    channels: int

    @property
    def name(self) -> str:
        if self.microphone == self.loudspeaker:
            return f"sound device {self.microphone.name!r}"
        return f"microphone {self.microphone.name!r} with loudspeaker {self.loudspeaker.name!r}"


class PortAudioDevice:
    """A Device on PortAudio; made by find_portaudio()."""

    def __init__(self, choice: PortAudioChoice, found: _Found, host: PortAudioHost) -> None:
        self._choice = choice
        self._found = found
        self._host = host
        self._latency_s = 0.0

    @property
    def name(self) -> str:
        """What logs and errors call it."""
        return self._found.name

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""
        return self._found.rate_hz

    @property
    def output_latency_frames(self) -> int:
        """Frames between render() and the loudspeaker, as PortAudio measures it, smoothed."""
        return round(self._latency_s * self.rate_hz)

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        """Open the stream and yield its periods.

        Raises DeviceBusyError, DeviceFormatError or DeviceMissingError when it cannot be opened, DeviceStalledError
        when its callbacks cease, DeviceLostError when it ends, and what `render` raises.
        """
        exchange = _Exchange(render, self._found, asyncio.get_running_loop())
        stream = _Stream(self._choice, self._found, exchange)
        thread = self._host.thread()
        try:
            self._latency_s = await self._host.run(thread, self.name, stream.open, OPENED_WITHIN_S)
            clock = asyncio.get_running_loop().time
            settled_s = clock() + SETTLES_WITHIN_S
            lost = 0
            previous: _Period | None = None
            while True:
                await self._arrival(exchange, stream, SETTLES_WITHIN_S if clock() < settled_s else STALLED_AFTER_S)
                while exchange.arrived:
                    period = exchange.arrived.popleft()
                    lost += lost_frames(previous, period, self.rate_hz)
                    previous = period
                    self._measure(period)
                    yield Block(exchange.microphone(period), period.played, period.frame + lost)
        finally:
            await self._close(thread, stream)

    async def _arrival(self, exchange: _Exchange, stream: _Stream, patience_s: float) -> None:
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + patience_s
        while not await _set_within(exchange.wake, ENDED_NOTICED_WITHIN_S):
            if exchange.failure is None and not stream.is_active():
                raise DeviceLostError(self.name, "its stream ended, as when it is unplugged")
            if loop.time() >= give_up_s:
                raise DeviceStalledError(self.name, patience_s)
        exchange.wake.clear()
        if exchange.failure is not None:
            raise exchange.failure

    def _measure(self, period: _Period) -> None:
        if 0 < period.latency_s < MOST_LATENCY_S:
            self._latency_s += LATENCY_SMOOTHING * (period.latency_s - self._latency_s)

    async def _close(self, thread: PortAudioThread, stream: _Stream) -> None:
        try:
            await self._host.run(thread, f"closing {self.name}", stream.close, CLOSED_WITHIN_S)
        except DeviceStalledError:
            _LOGGER.warning(
                "%s does not close: its driver hangs; devices that are new may not be seen until a restart", self.name
            )
        except OSError as error:
            _LOGGER.debug("%s: closing it failed: %s", self.name, error)


@dataclass(frozen=True, slots=True)
class _Period:
    """What one callback brought; times are those of PortAudio's clock."""

    captured: bytes
    played: Samples
    frame: int
    time_s: float
    latency_s: float
    status: int


def lost_frames(previous: _Period | None, period: _Period, rate_hz: int) -> int:
    """Give how many frames the device dropped before `period`: what its clock says when it reports an overflow."""
    if previous is None or not period.status & PA_INPUT_OVERFLOW:
        return 0
    frames = len(period.played)
    beyond = round((period.time_s - previous.time_s) * rate_hz) - frames
    # Callbacks jitter by a part of a period.
    return beyond if beyond > frames // 2 else 0


class _Exchange:
    """Where the audio thread leaves what it captured, and fetches what it plays."""

    def __init__(self, render: Render, found: _Found, loop: asyncio.AbstractEventLoop) -> None:
        self.wake = asyncio.Event()
        self.failure: Exception | None = None
        self.arrived: deque[_Period] = deque(maxlen=round(QUEUE_S * 1000 / BLOCK_MS))
        self.channel = 0
        self._render = render
        self._channels = found.channels
        self._loop = loop
        self._frame = 0

    def callback(self, captured: bytes, frames: int, times: dict[str, float], status: int) -> tuple[bytes, int]:
        """Copy and count, in the audio thread: nothing else."""
        try:
            played = render_exactly(self._render, frames)
            now_s = times["current_time"]
            latency_s = times["output_buffer_dac_time"] - now_s
            self.arrived.append(_Period(captured, played, self._frame, now_s, latency_s, status))
            self._frame += frames
            self._loop.call_soon_threadsafe(self.wake.set)
        except Exception as error:  # noqa: BLE001 - raised again by the one who reads the blocks
            self.failure = error
            self._wake_at_last()
            return bytes(2 * frames * self._channels), PA_ABORT
        return np.repeat(played, self._channels).tobytes(), PA_CONTINUE

    def microphone(self, period: _Period) -> Samples:
        """Give the wanted channel of what was captured."""
        captured = np.frombuffer(period.captured, np.int16)
        return captured.reshape(-1, self._channels)[:, self.channel].copy()

    def _wake_at_last(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.wake.set)


class _Stream:
    """A PortAudio stream and the library under it; opened and closed in the host's thread."""

    def __init__(self, choice: PortAudioChoice, found: _Found, exchange: _Exchange) -> None:
        self._choice = choice
        self._found = found
        self._exchange = exchange
        self._life = ExitStack()
        self._stream: Any = None

    def open(self) -> float:
        """Open and start; give the output latency that PortAudio promises, in seconds."""
        with ExitStack() as opening:
            library = opening.enter_context(portaudio())
            microphone, loudspeaker = _chosen(sound_cards(library), self._choice)
            self._exchange.channel = self._choice.channel or 0
            try:
                found = replace(self._found, microphone=microphone, loudspeaker=loudspeaker)
                self._stream = _opened(library, found, self._exchange.callback)
                opening.callback(self._stream.close)
                self._stream.start_stream()
            except (OSError, ValueError) as error:
                raise _explained(self._found.name, error) from error
            self._life = opening.pop_all()
        return float(self._stream.get_output_latency())

    def is_active(self) -> bool:
        """Whether PortAudio still runs the stream."""
        try:
            return bool(self._stream.is_active())
        except OSError:
            return False

    def close(self) -> None:
        """Close what was opened; nothing when nothing was."""
        self._life.close()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _probe(choice: PortAudioChoice) -> _Found:
    """Find the devices, and the first rate and number of channels that both directions can do."""
    with portaudio() as library:
        microphone, loudspeaker = _chosen(sound_cards(library), choice)
        counts = channel_counts(microphone, loudspeaker, choice.channel)
        if not counts:
            raise DeviceFormatError(
                f"channel {choice.channel} of microphone {microphone.name!r}",
                f"the microphone has {microphone.inputs} channels, the loudspeaker {loudspeaker.outputs}, and one "
                "stream has one number for both; choose another channel or device, or use --mic-command",
            )
        rates_hz = dict.fromkeys((*PREFERRED_RATES_HZ, microphone.rate_hz, loudspeaker.rate_hz))
        reasons: list[DeviceError] = []
        for channels in counts:
            for rate_hz in rates_hz:
                found = _Found(microphone, loudspeaker, rate_hz, channels)
                try:
                    # is_format_supported() would ask the same, but it stops every thread of Python meanwhile.
                    _opened(library, found, _never_called).close()
                except (OSError, ValueError) as error:
                    reasons.append(_explained(found.name, error))
                else:
                    return found
    # Busy is the reason to tell when it is one of several: the formats were then not even tried.
    raise next((reason for reason in reasons if isinstance(reason, DeviceBusyError)), reasons[-1])


def _opened(library: Any, found: _Found, callback: Callable[..., tuple[bytes, int]]) -> Any:
    """Open a stream, not yet started; OSError or ValueError with PortAudio's number among its arguments."""
    return library.open(
        rate=found.rate_hz,
        channels=found.channels,
        format=PA_INT16,
        input=True,
        output=True,
        input_device_index=found.microphone.index,
        output_device_index=found.loudspeaker.index,
        frames_per_buffer=found.rate_hz * BLOCK_MS // 1000,
        start=False,
        stream_callback=callback,
    )


def _never_called(*_: Any) -> tuple[bytes, int]:
    return b"", PA_ABORT


def _chosen(cards: SoundCards, choice: PortAudioChoice) -> tuple[SoundCard, SoundCard]:
    microphone = choose(cards, choice.microphone, Direction.MICROPHONE)
    return microphone, choose(cards, choice.loudspeaker, Direction.LOUDSPEAKER)


def _explained(name: str, error: OSError | ValueError) -> DeviceError:
    """Say in our words what PortAudio said in its."""
    code = next((argument for argument in error.args if isinstance(argument, int)), None)
    text = next((argument for argument in error.args if isinstance(argument, str)), str(error))
    if code == PA_DEVICE_UNAVAILABLE:
        return DeviceBusyError(name, text)
    if code in (PA_INVALID_SAMPLE_RATE, PA_INVALID_CHANNEL_COUNT):
        return DeviceFormatError(name, f"{text}; choose another device (--list-devices), or use --mic-command")
    return DeviceSetupError(name, f"PortAudio says: {text}", "try another device (--list-devices)")
