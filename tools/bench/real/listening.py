"""One recording through the product's own front end: what the turn machine makes of it, window by window."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.delay import DelayEstimator
from interject.satellite.aec.engines import make_echo_control
from interject.satellite.aec.facts import ResidualEchoGuard
from interject.satellite.audio.gain import Ramp, apply_gain
from interject.satellite.audio.pcm import INT16_FULL_SCALE, gain_of
from interject.satellite.audio.player import PlayerSettings
from interject.satellite.audio.resampling import CaptureResampler
from interject.satellite.frontend.frontend import FrontEnd
from interject.satellite.frontend.vad import SileroVad
from interject.satellite.turn.events import VoiceWindow
from interject.satellite.turn.state import Phase
from interject.satellite.turn.utterance import Utterance, update
from tools.simulator.levels import RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled, EchoControl, EchoReport
    from interject.satellite.aec.canceller import Path
    from interject.satellite.audio.base import Samples
    from interject.satellite.frontend.frontend import Window
    from tools.bench.real.recordings import Recording
    from tools.bench.real.voices import Added
    from tools.bench.room.performance import Options
    from tools.simulator.levels import Signal

# Blocks as the satellite's device delivers them.
_BLOCK_S = 0.02
NO_VOICE = "the VAD hears no voice"
_AS_LOUD_AS_ECHO = "no louder than the echo"


@dataclass(frozen=True, slots=True)
class Moment:
    """The end of a window of 32 ms, what the turn machine knew after it, and why it did not count as voiced."""

    at_s: float
    evidence: Utterance
    refused: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What became of a recording.

    kept: what speech recognition gets of it, at 16 kHz. for_vad: what the canceller leaves for the VAD, full scale 1,
    before noise suppression. cpu_ms: CPU time of the front end with its VAD for each second
    of audio.
    """

    moments: tuple[Moment, ...]
    kept: Samples
    for_vad: Signal
    cpu_ms: float


def hear(recording: Recording, options: Options) -> Heard:
    """Listen to a recording as it is, open loop: whatever the turn machine decides, playback does not change."""
    ear = _Ear(recording.rate_hz, options)
    block = round(recording.rate_hz * _BLOCK_S)
    for start in range(0, len(recording.mic) - block + 1, block):
        ear.push(recording.mic[start : start + block], recording.played[start : start + block])
    return ear.heard()


def hear_in_a_loop(added: Added, options: Options) -> Heard:
    """Listen to a recording with a voice in it; while the turn machine ducks, playback and its echo are ducked.

    The echo follows the duck as late as the recording's delay. Noise in the recording is ducked with it.
    """
    recording, settings = added.recording, PlayerSettings()
    rate_hz = recording.rate_hz
    ear = _Ear(rate_hz, options)
    block = round(rate_hz * _BLOCK_S)
    ramp = Ramp(1.0)
    late = round(delay_s(recording) * rate_hz)
    gains = np.ones(late + len(recording.mic), np.float32)
    ducked = False
    for start in range(0, len(recording.mic) - block + 1, block):
        now = slice(start, start + block)
        if ear.evidence.active is not ducked:
            ducked = ear.evidence.active
            ms = settings.duck_ms if ducked else settings.unduck_ms
            ramp.to(gain_of(settings.duck_db) if ducked else 1.0, round(ms * rate_hz / 1000))
        gains[late + start : late + start + block] = ramp.peek(block)
        played = apply_gain(recording.played[now], ramp.peek(block))
        ramp.advance(block)
        echo = recording.mic[now] * gains[now] + added.voice[now] * np.float32(INT16_FULL_SCALE)
        ear.push(np.clip(np.rint(echo), -INT16_FULL_SCALE, INT16_FULL_SCALE - 1).astype(np.int16), played)
    return ear.heard()


def delay_s(recording: Recording) -> float:
    """Tell how much later the loudspeaker is heard than it was told; 0 where that cannot be found."""
    mic, played = (at_16_khz(signal, recording.rate_hz) for signal in (recording.mic, recording.played))
    delays = DelayEstimator()
    for start in range(0, len(mic) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        delays.push(mic[start : start + BLOCK_SAMPLES], played[start : start + BLOCK_SAMPLES])
    return (delays.samples or 0) / RATE_HZ


def at_16_khz(samples: Samples, rate_hz: int) -> Signal:
    """Bring a signal to 16 kHz as the front end does, full scale 1."""
    return CaptureResampler(rate_hz).process(samples)


class _Observed:
    """An EchoControl that keeps what it left for the VAD, and why it took windows for our own voice (None: not)."""

    def __init__(self, control: EchoControl) -> None:
        self._control = control
        self.refusals: list[str | None] = []
        self.for_vad: list[Signal] = []

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        cancelled = self._control.process(mic_20ms, played_20ms)
        self.for_vad.append(cancelled.for_vad)
        return cancelled

    def is_echo(self) -> bool:
        explained = self._control.is_echo()
        refusal = self._control.refusal() if isinstance(self._control, ResidualEchoGuard) else None
        self.refusals.append((refusal.value if refusal else _AS_LOUD_AS_ECHO) if explained else None)
        return explained

    @property
    def report(self) -> EchoReport:
        return self._control.report

    @property
    def path(self) -> Path | None:
        return self._control.path


class _Ear:
    """Front end and turn evidence, with what they made of each window."""

    def __init__(self, rate_hz: int, options: Options) -> None:
        self.evidence = Utterance()
        self._rate_hz = rate_hz
        self._turn = options.turn
        self._control = _Observed(make_echo_control(options.engine))
        self._front_end = FrontEnd(rate_hz, options.hearing, SileroVad(), self._control)
        self._moments: list[Moment] = []
        self._kept: list[Samples] = []
        self._frames = 0
        self._cpu_s = 0.0

    def push(self, mic: Samples, played: Samples) -> None:
        """Take the next block of both."""
        kept_until, asked = self._front_end.ring.end, len(self._control.refusals)
        began_s = time.thread_time()
        windows = self._front_end.push(mic, played)
        self._cpu_s += time.thread_time() - began_s
        self._kept.append(self._front_end.ring.since(kept_until))
        self._frames += len(mic)
        for window, refusal in zip(windows, self._control.refusals[asked:], strict=True):
            # Nobody knows of a window before its block is over.
            self._weigh(window, refusal, self._frames / self._rate_hz)

    def heard(self) -> Heard:
        """Give all of it."""
        kept = np.concatenate(self._kept)
        for_vad = np.concatenate(self._control.for_vad)
        return Heard(tuple(self._moments), kept, for_vad, 1000 * self._cpu_s * self._rate_hz / self._frames)

    def _weigh(self, window: Window, refusal: str | None, at_s: float) -> None:
        vad = self._turn.vad(Phase.SPEAKING)
        threshold = vad.threshold - (vad.hysteresis if self.evidence.run else 0.0)
        heard = VoiceWindow(window.probability, window.is_echo, window.level_db, window.bright_share)
        self.evidence = update(self.evidence, heard, at_s, Phase.SPEAKING, self._turn)
        self._moments.append(Moment(at_s, self.evidence, NO_VOICE if window.probability < threshold else refusal))
