"""A small loudspeaker: no bass, no brilliance, and a cone that distorts the more, the further the bass moves it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.simulator.convolution import convolve
from tools.simulator.levels import RATE_HZ, Signal, frames_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZE = 4096
# 32 ms: below 120 Hz nothing rings longer.
_TAPS = 512
_LOW_ORDER = 2
_HIGH_ORDER = 4
_FLOOR = 1e-4
# The cone touches the housing on one side, beyond so many times its RMS displacement: 13 % of the time with speech.
_TOUCHES_BEYOND = 1.5
_RATTLE_Q = 6.0
# Of the RMS of what is played, for a motor of strength 1: then the motor, which compresses what is loud, does so by no
# more than recorded loudspeakers do.
_RATTLE = 1.0
# A cone does not rest where its motor is strongest.
_OFFSET = 0.3
# 256 ms, longer than a loudspeaker's memory, and short enough for a hundred of them in a reply.
_COHERENCE_FRAMES = 4096
_LEAST_POWER = 1e-12
# As much of a reply tells how strong the distortion has to be.
_SPEECH_FRAMES = frames_of(12.0)
# The strength that is looked for, and the steps to it: each halves its ratio, to 0.1 dB.
_WEAKEST, _STRONGEST, _STEPS = 0.01, 30.0, 12


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """Its limits.

    knee: amplitude (full scale 1) that it approaches however loud it is driven; asymmetry: share of second order.
    low_hz, high_hz: its band, -3 dB.
    linear_db: by how much the best linear filter could lower what it makes of a reply; None for a cone without memory,
    where only the knee limits such a filter.
    resonance_hz, resonance_q: of the cone, whose displacement changes the force of its motor (Bl(x) in W. Klippel,
    "Loudspeaker Nonlinearities: Causes, Parameters, Symptoms", JAES 54, 2006). rattle_hz: of the housing it touches.
    """

    knee: float = 0.8
    asymmetry: float = 0.03
    low_hz: float = 150.0
    high_hz: float = 6_500.0
    linear_db: float | None = None
    resonance_hz: float = 250.0
    resonance_q: float = 1.2
    rattle_hz: float = 2_000.0

    def saturated(self, signal: Signal) -> Signal:
        """Bend the signal, sample by sample."""
        bent: Signal = signal + np.float32(self.asymmetry) * signal * signal
        bent *= np.float32(1 / self.knee)
        np.tanh(bent, out=bent)
        bent *= np.float32(self.knee)
        return bent

    def response(self) -> Signal:
        """Give the band limit as an impulse response without delay (minimum phase)."""
        hz = np.maximum(np.fft.rfftfreq(_SIZE, 1 / RATE_HZ), 1.0)
        low = 1 / np.sqrt(1 + (self.low_hz / hz) ** (2 * _LOW_ORDER))
        high = 1 / np.sqrt(1 + (hz / self.high_hz) ** (2 * _HIGH_ORDER))
        # The phase of a causal filter follows from its magnitude: fold the cepstrum onto positive times.
        cepstrum = np.fft.irfft(np.log(np.maximum(low * high, _FLOOR)), _SIZE)
        cepstrum[1 : _SIZE // 2] *= 2
        cepstrum[_SIZE // 2 + 1 :] = 0
        whole = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), _SIZE)
        response: Signal = whole[:_TAPS].astype(np.float32)
        return response


@dataclass(frozen=True, slots=True)
class Distortion:
    """How strong the distortion with memory is: the unit of displacement, strength of the motor's, rattle's gain."""

    displacement: float = 1.0
    motor: float = 0.0
    rattle: float = 0.0


class Driver:
    """A loudspeaker at work: takes a signal in pieces of any length, and knows where its cone is between them."""

    def __init__(self, loudspeaker: Loudspeaker, distortion: Distortion) -> None:
        self._loudspeaker = loudspeaker
        self._distortion = distortion
        self._cone = _Filter(_ringing(loudspeaker.resonance_hz, loudspeaker.resonance_q))
        self._housing = _Filter(_ringing(loudspeaker.rattle_hz, _RATTLE_Q))

    def process(self, signal: Signal) -> Signal:
        """Give what drives the air, its band not limited yet (see Loudspeaker.response)."""
        driven = self._loudspeaker.saturated(signal)
        distortion = self._distortion
        if not distortion.motor:
            return driven
        moved = self._cone.process(driven) * np.float32(1 / distortion.displacement)
        rattle = self._housing.process(_touching(moved))
        return _moving(driven, moved, distortion.motor) + np.float32(distortion.rattle) * rattle


def distortion_for(loudspeaker: Loudspeaker, reply: Signal) -> Distortion:
    """Find the distortion that leaves a linear filter as much of a reply as the loudspeaker is said to.

    What such a filter cannot take follows from the coherence of what is played and what sounds.
    """
    if loudspeaker.linear_db is None:
        return Distortion()
    speech = reply[:_SPEECH_FRAMES]
    driven = loudspeaker.saturated(speech)
    moved = convolve(driven, _ringing(loudspeaker.resonance_hz, loudspeaker.resonance_q))[: len(driven)]
    displacement = _rms(moved)
    moved /= np.float32(displacement)
    rattle = convolve(_touching(moved), _ringing(loudspeaker.rattle_hz, _RATTLE_Q))[: len(driven)]
    rattle_gain = _RATTLE * _rms(driven) / _rms(rattle)
    played, rattling = _spectra(speech), np.float32(rattle_gain) * _spectra(rattle)
    band = np.square(np.abs(np.fft.rfft(loudspeaker.response(), _COHERENCE_FRAMES)))
    weak, strong = _WEAKEST, _STRONGEST
    for _ in range(_STEPS):
        motor = math.sqrt(weak * strong)
        sounding = _spectra(_moving(driven, moved, motor)) + np.float32(motor) * rattling
        if _predicted_db(played, sounding, band) > loudspeaker.linear_db:
            weak = motor
        else:
            strong = motor
    return Distortion(displacement, weak, weak * rattle_gain)


def _moving(driven: Signal, moved: Signal, strength: float) -> Signal:
    """Give the force of a motor that gets weaker the further the cone is from its middle."""
    force: Signal = driven / (1 + np.square(np.float32(strength) * (moved + np.float32(_OFFSET))))
    return force


def _touching(moved: Signal) -> Signal:
    """Give the blows of a cone that moves too far."""
    blows: Signal = np.maximum(moved - np.float32(_TOUCHES_BEYOND), 0)
    return blows


def _ringing(hz: float, q: float) -> Signal:
    """Give the impulse response of something that rings at a frequency, of energy 1, down to -60 dB."""
    decay = math.pi * hz / q
    t = np.arange(round(math.log(1000) / decay * RATE_HZ) + 1) / RATE_HZ
    response = np.exp(-decay * t) * np.sin(2 * math.pi * hz * t)
    return np.asarray(response / np.sqrt(response @ response), np.float32)


def _spectra(signal: Signal) -> NDArray[np.complex64]:
    """Give the spectrum of each half-overlapping window; single precision errs by far less than a step of strength."""
    windows = np.lib.stride_tricks.sliding_window_view(signal, _COHERENCE_FRAMES)[:: _COHERENCE_FRAMES // 2]
    windows = windows * np.hanning(_COHERENCE_FRAMES).astype(np.float32)
    return np.asarray(np.fft.rfft(windows, axis=1), np.complex64)


def _predicted_db(source: NDArray[np.complex64], spectra: NDArray[np.complex64], band: NDArray[np.float64]) -> float:
    """Give by how much a linear filter of the source lowers the spectra, each frequency's power as the band lets it."""
    shared = np.square(np.abs(np.sum(np.conj(source) * spectra, axis=0)))
    powers = np.sum(np.square(np.abs(spectra)), axis=0)
    left = powers - shared / (np.sum(np.square(np.abs(source)), axis=0) + _LEAST_POWER)
    return 10 * math.log10(max(_LEAST_POWER, float(powers @ band)) / max(_LEAST_POWER, float(left @ band)))


def _rms(signal: Signal) -> float:
    return math.sqrt(float(np.mean(np.square(signal))) + _LEAST_POWER)


class _Filter:
    """A short FIR filter of a stream in pieces."""

    def __init__(self, response: Signal) -> None:
        self._response = response
        self._before = np.zeros(len(response) - 1, np.float32)

    def process(self, signal: Signal) -> Signal:
        line = np.concatenate((self._before, signal))
        self._before = line[len(line) - len(self._before) :]
        filtered: Signal = np.convolve(line, self._response, "valid")
        return filtered
