"""Echo or somebody else? Judged by level, where no canceller of ours can tell."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import Cancelled, Convergence, EchoReport

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.base import EchoCanceller


RATE_HZ = 16_000

# One measurement a second of playback: long enough to tell our voice from the user's.
_WINDOW = RATE_HZ
# The longest way from the device's reference to the microphone: buffers and room together are 40 to 150 ms.
_MAX_LAG = round(0.3 * RATE_HZ)
# A little before and most of the energy after the direct path of a living room.
_BEFORE_PEAK = round(0.002 * RATE_HZ)
_AFTER_PEAK = round(0.030 * RATE_HZ)
# How much of the previous spectra stays: some seven windows count, which averages the user out and still finds a
# moved loudspeaker again.
_FORGETTING = 0.85
# Keeps bands where our voice has no energy from adding noise to the response (share of the mean power).
_REGULARISATION = 0.03
# Quieter playback tells nothing about the echo.
_MIN_PLAYED_DBFS = -50.0
# A microphone that gave zeros for longer was switched off meanwhile.
_MOSTLY = _WINDOW // 2
# The figure is the median over this many seconds of playback, and there is none before the first few.
_KEPT_WINDOWS = 15
_FIRST_WINDOWS = 3
# What is lower is no echo; also what keeps logarithms finite.
_FLOOR_DB = -80.0


# With more echo than this the voice activity detector hears our own speech: it does so down to -30 dB.
SAFE_ECHO_DB = -30.0

_FRAME_MS = 20
# About a window of the voice activity detector.
_HEARD_MS = 40
# The longest way from the device's reference to the microphone is 300 ms; with it, what still sounds in the room.
_PLAYED_MS = 360
# An echo is at most as loud as the loudest of what caused it; the response of a room is uneven by some dB.
_MARGIN_DB = 3.0

# What a loudspeaker does with a word is known from the first ones: so much playback is listened to, and no more.
_LISTEN_MS = 400
# A user who is to be told from an echo that nobody has measured is louder than its loudest by this much.
_ONSET_DB = 6.0
# What stays so loud for longer than an interruption is the loudspeaker, which was turned up.
_LOUD_MS = 1_500
# Slower than any voice begins, and fast enough for a vowel that the room likes better than those before.
_RISE_DB_PER_S = 10.0
# A bound that one knock has raised comes down again.
_FORGET_DB_PER_S = 0.5
# A headset's microphone gives nothing at all while nobody speaks, and so does one that is switched off: from there a
# bound has to be able to rise. A user is far above 40 dB below what is played.
_LEAST_BOUND = 10 ** (-40 / 10)
# Of playback so far below its loudest the echo may be lost in noise, and nothing is learnt of it.
_LEARN_WITHIN_DB = 12.0
# The same as ratios of power; what is forgotten, and how far it may rise, in one frame.
_FORGOTTEN = 10 ** (-_FORGET_DB_PER_S * _FRAME_MS / 1000 / 10)
_RISEN = 10 ** (_RISE_DB_PER_S * _FRAME_MS / 1000 / 10)
_LEARN_WITHIN = 10 ** (-_LEARN_WITHIN_DB / 10)
_ONSET = 10 ** (_ONSET_DB / 10)
# Below -60 dBFS nobody hears it: energy of 20 ms at 16 kHz.
_AUDIBLE_ENERGY = 1e-6 * 320


class EchoMeter:
    """How loud our loudspeaker arrives at the microphone, relative to what was played.

    From the seconds with playback it estimates the response from loudspeaker to microphone by a regularised FFT
    cross-correlation, kept around its peak, and correlates what that response predicts for the *next* second with
    what was heard in it. The errors of the two are independent, and so is a user who talks meanwhile: on average only
    the power of the echo remains. The result is the median over the last seconds: it is within 3 dB down to
    -25 dB when a user as loud as we talks for a third of the time, and to -60 dB when only we talk.
    """

    def __init__(self) -> None:
        self._mic = np.zeros(_MAX_LAG + _WINDOW, np.float32)
        self._played = np.zeros(_MAX_LAG + _WINDOW, np.float32)
        self._fill = _MAX_LAG
        bins = len(self._mic) // 2 + 1
        self._cross: NDArray[np.complexfloating] = np.zeros(bins, np.complex64)
        self._power: NDArray[np.floating] = np.zeros(bins, np.float32)
        self._returns: deque[float] = deque(maxlen=_KEPT_WINDOWS)

    @property
    def echo_db(self) -> float | None:
        """Echo relative to what was played, in dB; None until there was enough playback (about 4 s)."""
        if len(self._returns) < _FIRST_WINDOWS:
            return None
        return _db(statistics.median(self._returns))

    def push(self, mic: NDArray[np.float32], played: NDArray[np.float32]) -> None:
        """Take the next samples of both signals, as many of each (16 kHz, -1 to 1)."""
        while len(mic):
            count = min(len(mic), len(self._mic) - self._fill)
            self._mic[self._fill : self._fill + count] = mic[:count]
            self._played[self._fill : self._fill + count] = played[:count]
            self._fill += count
            mic, played = mic[count:], played[count:]
            if self._fill == len(self._mic):
                self._measure()
                self._mic[:_MAX_LAG] = self._mic[_WINDOW:]
                self._played[:_MAX_LAG] = self._played[_WINDOW:]
                self._fill = _MAX_LAG

    def _measure(self) -> None:
        heard, played = self._mic[_MAX_LAG:], self._played[_MAX_LAG:]
        played_energy = float(played @ played)
        if _db(played_energy / _WINDOW) < _MIN_PLAYED_DBFS or np.count_nonzero(heard) < _MOSTLY:
            return
        spectrum = np.fft.rfft(self._played)
        if self._power.any():
            echo = np.fft.irfft(spectrum * np.fft.rfft(self._response()), len(self._played))[_MAX_LAG:]
            self._returns.append(float(heard @ echo) / played_energy)
        aligned = np.zeros_like(self._mic)
        aligned[_MAX_LAG:] = heard
        self._cross = _FORGETTING * self._cross + np.fft.rfft(aligned) * np.conj(spectrum)
        # The cross spectrum sees one window of what the power sees with the lags in front of it.
        self._power = _FORGETTING * self._power + np.abs(spectrum) ** 2 * (_WINDOW / len(self._played))

    def _response(self) -> NDArray[np.float32]:
        """Return the impulse response estimated so far, zero away from its peak."""
        size = len(self._mic)
        whole = np.fft.irfft(self._cross / (self._power + _REGULARISATION * self._power.mean()), size)
        peak = int(np.argmax(np.abs(whole[:_MAX_LAG])))
        # Lags just below 0 lie at the end of the array.
        kept = np.arange(peak - _BEFORE_PEAK, peak + _AFTER_PEAK) % size
        response = np.zeros(size, np.float32)
        response[kept] = whole[kept]
        return response


def _db(power: float) -> float:
    return 10 * math.log10(max(power, 10 ** (_FLOOR_DB / 10)))


class Loudness:
    """What the microphone hears in 40 ms, against the loudest that was played in the 360 ms before."""

    def __init__(self) -> None:
        self._heard: deque[float] = deque(maxlen=_HEARD_MS // _FRAME_MS)
        self._played: deque[float] = deque(maxlen=_PLAYED_MS // _FRAME_MS)
        # The mean energy of the last frames, and that of the loudest.
        self.heard = self.played = 0.0

    def push(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> None:
        """Take the next 20 ms of both signals, before any cleaning or gain."""
        self._heard.append(float(mic_20ms.dot(mic_20ms)))
        self._played.append(float(played_20ms.dot(played_20ms)))
        self.heard = sum(self._heard) / len(self._heard)
        self.played = max(self._played)


class EchoGuard:
    """Compares what the microphone hears with what the loudspeaker's echo explains.

    In a quiet room Silero hears our voice 40 dB below what was played; speech across a room is louder than that echo.
    """

    def __init__(self) -> None:
        self._loudness = Loudness()

    @property
    def playing(self) -> bool:
        """Whether there is anything that an echo could come from."""
        return self._loudness.played > 0

    def push(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> None:
        """Take the next 20 ms of both signals, before any cleaning or gain."""
        self._loudness.push(mic_20ms, played_20ms)

    def is_echo(self, echo_db: float | None) -> bool:
        """Tell whether an echo of `echo_db` (None: not measured yet, as much as is safe) may be all that was heard."""
        assumed_db = SAFE_ECHO_DB if echo_db is None else echo_db
        loudest = self._loudness.played * 10 ** ((assumed_db + _MARGIN_DB) / 10)
        return loudest > 0 and self._loudness.heard <= loudest


class LoudOnset:
    """Tells a voice that is louder than any echo so far, while nothing else is known of the echo.

    It knows nothing in the first 0.4 s in which an echo of audible playback can be heard, however late it is; what it
    learns there it keeps over pauses. A faint prelude teaches nothing of what follows.
    """

    def __init__(self) -> None:
        self._loudness = Loudness()
        self._loudest_played = self._loudest_heard = 0.0
        # The loudest that was played when listening began.
        self._began_played = 0.0
        self._bound = 0.0
        self._begun_ms = self._listened_ms = self._loud_ms = 0

    def push(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> None:
        """Take the next 20 ms of both signals."""
        self._loudness.push(mic_20ms, played_20ms)
        played = self._loudness.played
        if played <= _AUDIBLE_ENERGY:
            return
        self._loudest_played = max(played, self._loudest_played * _FORGOTTEN)
        if played < self._loudest_played * _LEARN_WITHIN:
            return
        if self._began_played < self._loudest_played * _LEARN_WITHIN:
            self._began_played = self._loudest_played
            self._loudest_heard = 0.0
            self._begun_ms = self._listened_ms = 0
        self._begun_ms += _FRAME_MS
        if self._begun_ms <= _PLAYED_MS:
            return
        self._listened_ms += _FRAME_MS
        if self._listened_ms <= _LISTEN_MS:
            # A word that only begins is no measure for the noise that it is still lost in.
            self._loudest_heard = max(self._loudest_heard, self._loudness.heard)
            self._bound = max(_LEAST_BOUND, self._loudest_heard / self._loudest_played)
            return
        self._bound *= _FORGOTTEN
        self._loud_ms = self._loud_ms + _FRAME_MS if self.is_somebody() else 0
        if not self._loud_ms or self._loud_ms > _LOUD_MS:
            self._bound = max(self._bound, min(self._loudness.heard / played, self._bound * _RISEN))

    def is_somebody(self) -> bool:
        """Tell whether what is heard now is too loud for an echo of ours."""
        if self._listened_ms <= _LISTEN_MS:
            return False
        return self._loudness.heard > _ONSET * self._bound * self._loudness.played


class LevelEchoGuard:
    """An EchoControl that measures what a canceller leaves of our voice, and takes what is louder for somebody's."""

    def __init__(self, canceller: EchoCanceller) -> None:
        self._canceller = canceller
        self._meter = EchoMeter()
        self._guard = EchoGuard()

    @property
    def report(self) -> EchoReport:
        """What is known of the echo that the canceller leaves."""
        echo_db = self._meter.echo_db
        convergence = Convergence.STARTING if echo_db is None else Convergence.CONVERGED
        return EchoReport(playing=self._guard.playing, convergence=convergence, echo_db=echo_db)

    @property
    def path(self) -> None:
        """Nothing is worth keeping: a few seconds of playback tell as much."""

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        """Take out of the microphone's 320 samples (16 kHz, -1 to 1) what of `played_20ms` is in them."""
        heard = self._canceller.process(mic_20ms, played_20ms)
        self._meter.push(heard, played_20ms)
        self._guard.push(heard, played_20ms)
        # Its canceller may suppress, and what is left then does not tell how loud the echo was.
        return Cancelled(heard, heard, may_amplify=False)

    def is_echo(self) -> bool:
        """Tell whether the last 40 ms may be echo alone."""
        return self._guard.is_echo(self._meter.echo_db)
