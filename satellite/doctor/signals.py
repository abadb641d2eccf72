"""What the check-up plays: a sweep, silence, speech, and the sweep again.

speech.wav was made with `flite -voice slt -t "I am checking whether I hear myself while I speak. Please keep quiet for
a moment." -o speech.wav`; flite and its voices are free software, BSD-like, from Carnegie Mellon University.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from interject.satellite.audio.wav import read_wav

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples


# What carries speech at the front end's 16 kHz; a small loudspeaker has nothing below.
SWEEP_LOW_HZ = 100.0
SWEEP_HIGH_HZ = 7_000.0
# Long enough to measure an echo 40 dB below the room's noise, short enough to bear.
SWEEP_S = 2.0
# Nearly as loud as the peaks of speech, so that the loudspeaker is driven as far as speech drives it.
_SWEEP_PEAK_DBFS = -12.0
# A sweep that starts or ends at once clicks.
_SWEEP_EDGE_S = 0.02
# As text-to-speech programs deliver it.
SPEECH_DBFS = -20.0
# A canceller learns for two seconds; the rest shows what it has learnt.
_SPEECH_S = 8.0
# A sound server that has just woken up swallows what comes first.
_LEAD_S = 0.5
# The room has stopped ringing after one second, and then three tell its noise.
_RING_S = 1.0
_QUIET_S = 3.0
# The longest delay, the room's tail, and what tells its noise from them.
_TAIL_S = 2.2


# What is lower is digital silence; also what keeps logarithms finite.
FLOOR_DBFS = -120.0


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Something that is played: its samples, and the frame at which it starts."""

    name: str
    start: int
    samples: Samples

    @property
    def end(self) -> int:
        """One past its last frame."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """All that is played, int16 at `rate_hz`, and its parts in order; between them is silence."""

    rate_hz: int
    samples: Samples
    sweep: Part
    quiet: Part
    speech: Part
    last_sweep: Part

    @property
    def parts(self) -> tuple[Part, Part, Part, Part]:
        """The parts in order."""
        return self.sweep, self.quiet, self.speech, self.last_sweep


def make_programme(rate_hz: int, volume: float) -> Programme:
    """Render the programme (blocking: it reads a file); `volume` is the gain that the satellite gives its replies."""
    sweep = _louder(exponential_sweep(rate_hz), volume)
    quiet = np.zeros(round(_QUIET_S * rate_hz), np.int16)
    spoken = _louder(_speech(rate_hz), volume)
    at = round(_LEAD_S * rate_hz)
    ring = round(_RING_S * rate_hz)
    first = Part("Playing a sweep", at, sweep)
    silence = Part("Listening to the room", first.end + ring, quiet)
    speech = Part("Speaking", silence.end, spoken)
    last = Part("Playing the sweep again", speech.end + ring, sweep)
    samples = np.zeros(last.end + round(_TAIL_S * rate_hz), np.int16)
    for part in (first, speech, last):
        samples[part.start : part.end] = part.samples
    return Programme(rate_hz, samples, first, silence, speech, last)


def exponential_sweep(rate_hz: int) -> NDArray[np.float32]:
    """Return a sine whose frequency rises exponentially over the sweep's band (A. Farina, AES 108, 2000)."""
    frames = round(SWEEP_S * rate_hz)
    at_s = np.arange(frames) / rate_hz
    high_hz = min(SWEEP_HIGH_HZ, 0.45 * rate_hz)
    scale_s = SWEEP_S / math.log(high_hz / SWEEP_LOW_HZ)
    wave = np.sin(2 * math.pi * SWEEP_LOW_HZ * scale_s * np.expm1(at_s / scale_s))
    edge = round(_SWEEP_EDGE_S * rate_hz)
    rise = 0.5 - 0.5 * np.cos(math.pi * np.arange(edge) / edge)
    wave[:edge] *= rise
    wave[-edge:] *= rise[::-1]
    scaled: NDArray[np.float32] = (wave * 10 ** (_SWEEP_PEAK_DBFS / 20)).astype(np.float32)
    return scaled


def _speech(rate_hz: int) -> NDArray[np.float32]:
    clip = read_wav(Path(__file__).with_name("speech.wav"), rate_hz).astype(np.float32) / np.float32(INT16_FULL_SCALE)
    clip *= np.float32(10 ** (SPEECH_DBFS / 20) / math.sqrt(float(np.mean(np.square(clip)))))
    return np.resize(clip, round(_SPEECH_S * rate_hz))


def _louder(samples: NDArray[np.float32], volume: float) -> Samples:
    return to_int16(samples * np.float32(volume))


def dbfs(amplitude: float) -> float:
    """Return an amplitude, full scale 1, in dB; FLOOR_DBFS for silence."""
    return max(FLOOR_DBFS, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DBFS
