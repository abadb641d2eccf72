"""Rooms in software: what the microphone of a device hears there of what its loudspeaker plays.

`Room` is the seam that every simulated room has; `ScriptedRoom` is the one that needs nothing but NumPy: an echo that
is quieter and late, a user who follows a script, and noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE, gain_of, to_int16
from interject.satellite.simulator.script import RoomScript
from interject.satellite.simulator.user import RoomUser, load_clips

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples
    from interject.satellite.audio.pcm import Mono
    from interject.wire.trace import Trace

# The noise repeats after this many samples (16 s at 16 kHz): longer than an ear or a VAD remembers.
_NOISE_PERIOD_FRAMES = 2**18


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A block of sound in a room.

    mic: what the microphone gives, rounded and clipped as 16 bits do. sent: what the device sends to its loudspeaker.
    loudspeaker: what leaves the loudspeaker meanwhile. echo, people, noise: what reaches the microphone, taken apart,
    full scale ±1; the microphone's own gain is in them, its noise suppression is in `mic` only.
    """

    mic: Samples
    sent: Samples
    loudspeaker: Samples
    echo: Mono
    people: Mono
    noise: Mono


class OpenRoom(Protocol):
    """What happens in a room from the moment in which its device was opened."""

    def listen(self, played: Samples) -> Heard:
        """Take what the device is told to play in its next block, give what is heard during it."""


class Room(Protocol):
    """A room in software, as a `SimulatedDevice` needs it."""

    @property
    def name(self) -> str:
        """What logs and errors call a device in it."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""

    @property
    def output_latency_frames(self) -> int:
        """Frames between a device being given a sample and it leaving the loudspeaker."""

    def open(self, trace: Trace) -> OpenRoom:
        """Begin anew (blocking); `trace` gets what happens, in seconds of the device's clock.

        Raises RoomScriptError when what is to be said cannot be read.
        """


class NoiseColour(Enum):
    """Spectrum of the noise: flat, or falling 3 dB an octave as in most rooms."""

    WHITE = 0.0
    PINK = -0.5


class Noise:
    """An endless noise of a set level (dBFS, RMS), the same for the same seed; `None` is silence."""

    def __init__(self, level_db: float | None, colour: NoiseColour, seed: int) -> None:
        self._at = 0
        if level_db is None:
            self._period = np.zeros(_NOISE_PERIOD_FRAMES, np.float32)
            return
        generator = np.random.default_rng(seed)
        bins = _NOISE_PERIOD_FRAMES // 2 + 1
        spectrum = np.exp(2j * np.pi * generator.random(bins))
        spectrum *= np.maximum(np.arange(bins), 1.0) ** colour.value
        spectrum[0] = 0
        signal = np.fft.irfft(spectrum, _NOISE_PERIOD_FRAMES)
        self._period = (signal * (gain_of(level_db) / np.sqrt(np.mean(signal**2)))).astype(np.float32)

    def next(self, frames: int) -> Mono:
        """Give the next samples, full scale ±1."""
        taken = self._period.take(np.arange(self._at, self._at + frames), mode="wrap")
        self._at = (self._at + frames) % _NOISE_PERIOD_FRAMES
        return taken


@dataclass(frozen=True, slots=True)
class RoomAcoustics:
    """What a scripted room does to sound.

    echo_db: level of the loudspeaker at the microphone. echo_delay_ms: from leaving the loudspeaker to the microphone.
    noise_db: level of the background noise at the microphone, dBFS RMS; None for none.
    output_latency_ms: from the device being given a sample to it leaving the loudspeaker.
    """

    echo_db: float = -40.0
    echo_delay_ms: float = 5.0
    noise_db: float | None = -60.0
    noise_colour: NoiseColour = NoiseColour.PINK
    noise_seed: int = 1
    output_latency_ms: float = 10.0


class ScriptedRoom:
    """A Room in which a user says the clips of a script."""

    def __init__(
        self,
        script: RoomScript | None = None,
        acoustics: RoomAcoustics | None = None,
        *,
        rate_hz: int = 16_000,
        name: str = "the simulated room",
    ) -> None:
        self._script = script or RoomScript()
        self._acoustics = acoustics or RoomAcoustics()
        self._rate_hz = rate_hz
        self._name = name

    @property
    def name(self) -> str:
        """What logs and errors call a device in it."""
        return self._name

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""
        return self._rate_hz

    @property
    def output_latency_frames(self) -> int:
        """Frames between a device being given a sample and it leaving the loudspeaker."""
        return round(self._acoustics.output_latency_ms * self._rate_hz / 1000)

    def open(self, trace: Trace) -> OpenRoom:
        """Begin anew; raises RoomScriptError when a clip cannot be read."""
        user = RoomUser(load_clips(self._script, self._rate_hz), self._rate_hz, trace)
        return _OpenScriptedRoom(user, self._acoustics, self._rate_hz, self.output_latency_frames)


class _OpenScriptedRoom:
    def __init__(self, user: RoomUser, acoustics: RoomAcoustics, rate_hz: int, output_latency_frames: int) -> None:
        self._user = user
        self._noise = Noise(acoustics.noise_db, acoustics.noise_colour, acoustics.noise_seed)
        self._echo_gain = np.float32(gain_of(acoustics.echo_db) / INT16_FULL_SCALE)
        self._output = _DelayLine(output_latency_frames)
        self._air = _DelayLine(round(acoustics.echo_delay_ms * rate_hz / 1000))
        self._frame = 0

    def listen(self, played: Samples) -> Heard:
        """Take what the device is told to play in its next block, give what is heard during it."""
        loudspeaker = self._output.pass_on(played)
        people = self._user.says(loudspeaker, self._frame)
        echo = self._air.pass_on(loudspeaker).astype(np.float32) * self._echo_gain
        noise = self._noise.next(len(played))
        self._frame += len(played)
        return Heard(to_int16(people + echo + noise), played, loudspeaker, echo, people, noise)


class _DelayLine:
    """Gives what it is given, some samples later."""

    def __init__(self, frames: int) -> None:
        self._late = np.zeros(frames, np.int16)

    def pass_on(self, samples: Samples) -> Samples:
        line = np.concatenate((self._late, samples))
        passed, self._late = line[: len(samples)], line[len(samples) :]
        return passed
