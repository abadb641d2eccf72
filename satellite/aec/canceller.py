"""The canceller: delay, filter, suppressor and what is known of the echo, behind the seam of `hearing.echo`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec import stft as frames
from interject.satellite.aec.base import BLOCK_SAMPLES, Cancelled, Convergence
from interject.satellite.aec.delay import MAX_DELAY_SAMPLES, DelayEstimator
from interject.satellite.aec.divergence_guard import DivergenceGuard, GainBound
from interject.satellite.aec.drift import MAX_DRIFT_PPM, DriftEstimator, SlidingDelay
from interject.satellite.aec.facts import EchoFacts, EchoLevels, dbfs
from interject.satellite.aec.kalman import KalmanFilter
from interject.satellite.aec.near_end import Evidence
from interject.satellite.aec.nonlinearity import Loudspeaker
from interject.satellite.aec.partitions import BINS, FFT_SAMPLES, RATE_HZ, PlayedSpectra
from interject.satellite.aec.path_change import FilterAction, Observation, Origin, PathChangeDetector
from interject.satellite.aec.suppressor import RECENT_SAMPLES, ResidualEchoModel, Suppressor, gains
from interject.satellite.audio.pcm import scalar, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

# 180 ms of room, once the bulk delay is known.
_PARTITIONS = 9
_TAPS = _PARTITIONS * BLOCK_SAMPLES
# The direct path is kept so far inside: a delay that was measured too long, or shrinks, is still in reach.
_LEAD_BLOCKS = 1
# The filter looks elsewhere when the direct path comes nearer than this to its beginning, or later than this.
_NEAR_BLOCKS, _FAR_BLOCKS = 0.25, 2.0
# The filter's own direct path within this of the measured one is the same.
_SAME_BLOCKS = 0.75
# A delay that was found so far from the former one (2 ms) is another.
_SLIP_SAMPLES = 32
_MAX_DELAY_BLOCKS = MAX_DELAY_SAMPLES // BLOCK_SAMPLES
# A room that rings longer than the filter reaches still holds our voice for so long.
_TAIL_BLOCKS = 15
# Where the path changed, it may be anywhere within its former power.
_DOUBT_SHARE = 0.5
# What was played so long ago was heard, wherever the echo is.
_HEARD_BLOCKS = _MAX_DELAY_BLOCKS + 3
# With less evidence of somebody else the loudspeaker shows what it can do, if its echo is 10 dB above the noise.
_ALONE_EVIDENCE = 0.05
_AUDIBLE = 10.0
# A filter that has so much less of an echo (20 dB) than the delay was found by does not see it.
_UNSEEN = 0.01
# Blocks from one look to the next at what changes slowly, and at the loudspeaker, which never changes.
_SELDOM, _RARELY = 5, 10
# The suppressor's bins in the filter's.
_NEAREST = np.round(np.arange(frames.BINS) * (FFT_SAMPLES / frames.FRAME_SAMPLES)).astype(np.intp)
# What a block's spectrum sums up, as a mean square.
_PER_SAMPLE = scalar(1 / BLOCK_SAMPLES)
_NO_ECHO = np.zeros(BLOCK_SAMPLES, np.float32)
# As samples are kept over a restart.
_KEPT = np.dtype("<f4")
# Bins of 25 Hz in which the filter is judged: 200 to 4000 Hz.
_JUDGED = slice(8, 161)
# The same in the bins of frames.
_JUDGED_NOISE = slice(6, 129)


@dataclass(frozen=True, slots=True)
class Path:
    """What is worth keeping over a restart: enough to be believed from the first word in the same room.

    delay_samples: the bulk delay, at 16 kHz. drift_ppm: of the clocks. response: 2880 float32 (little-endian), the
    first of them for a delay of `response_from`. leak_db: 257 float32. Raises ValueError for others.
    """

    delay_samples: int
    drift_ppm: float
    response: bytes
    response_from: int
    leak_db: bytes

    def __post_init__(self) -> None:
        for name, kept, count in (("response", self.response, _TAPS), ("leak_db", self.leak_db, frames.BINS)):
            if len(kept) != count * _KEPT.itemsize or not np.isfinite(np.frombuffer(kept, _KEPT)).all():
                raise ValueError(f"{name} of the echo's path is not {count} finite float32: learn the path anew")
        found = 0 <= self.delay_samples <= MAX_DELAY_SAMPLES and abs(self.drift_ppm) <= MAX_DRIFT_PPM
        if not found or self.response_from < 0:
            raise ValueError(f"no echo is {self.delay_samples} samples late at {self.drift_ppm} ppm: learn it anew")


class KalmanCanceller:
    """Cancels the echo in blocks of 20 ms at 16 kHz and tells what it knows in `facts`.

    Output sample n is microphone sample n: there is no delay. While nothing is played the microphone passes
    unchanged. One that gives nothing but zeros is switched off, and teaches nothing. `path` is what an earlier
    canceller knew; without it two seconds of playback are spent learning.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._filter = KalmanFilter(_PARTITIONS)
        self.loudspeaker = Loudspeaker()
        self._played = PlayedSpectra(_MAX_DELAY_BLOCKS + _PARTITIONS)
        self._delays = DelayEstimator()
        self._drift = DriftEstimator()
        self._sliding = SlidingDelay()
        self._frames = frames.Frames()
        self._ceiling = GainBound()
        self._restraint = DivergenceGuard()
        self._leak = ResidualEchoModel()
        self._suppressor = Suppressor()
        self._evidence = Evidence()
        self._watch = PathChangeDetector()
        self._levels = EchoLevels()
        self._delay_blocks = 0
        self._delay_samples: int | None = None
        # Whether it was measured on the path as it is now.
        self._is_located = False
        # The response when it was last right, and the delay that it had.
        self._remembered: tuple[NDArray[np.float32], int] | None = None
        self._judged = 0
        self._playing = False
        if path is not None:
            self._resume(path)

    @property
    def path(self) -> Path | None:
        """What to give to the next canceller; None while the filter does not know it."""
        if self._delay_samples is None or self._watch.convergence is not Convergence.CONVERGED:
            return None
        return Path(
            self._delay_samples,
            self._drift.ppm,
            self._filter.response.astype(_KEPT).tobytes(),
            self._reads_from,
            self._leak.leak_db.astype(_KEPT).tobytes(),
        )

    @property
    def facts(self) -> EchoFacts:
        """What is known of the echo after the last block."""
        delay = self._delay_samples
        return EchoFacts(
            playing=self._playing,
            evidence=self._evidence.evidence,
            evidence_now=self._evidence.evidence_now,
            coherence=self._evidence.coherence,
            misfit=self._evidence.misfit,
            convergence=self._watch.convergence,
            located=self._is_located,
            residual_dbfs=dbfs(total(self._leak.expected) / frames.BINS),
            noise_dbfs=dbfs(total(self._leak.noise) / frames.BINS),
            echo_db=self._levels.echo_db,
            erle_db=self._levels.erle_db,
            delay_ms=None if delay is None else delay * 1000 / RATE_HZ,
            drift_ppm=self._drift.ppm,
        )

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        """Take out of the microphone's 320 samples (16 kHz, -1 to 1) what of `played_20ms` is in them.

        What is kept is what the filter leaves; the suppressor takes out more of it for the voice activity detector.
        Samples that are not finite count as 0. Raises ValueError for blocks of another length.
        """
        if mic_20ms.shape != (BLOCK_SAMPLES,) or played_20ms.shape != (BLOCK_SAMPLES,):
            raise ValueError(f"blocks have {BLOCK_SAMPLES} samples, not {mic_20ms.shape} and {played_20ms.shape}")
        mic, played = mic_20ms, played_20ms
        if not math.isfinite(mic.dot(played)):
            mic, played = _finite(mic), _finite(played)
        self._take_played(played)
        is_heard = np.count_nonzero(mic) > 0
        if is_heard and self._delays.push(mic, played) and self._delays.samples is not None:
            self._found(self._delays.samples)
        # Before the delay is known the echo may come at any time.
        delay_blocks = _MAX_DELAY_BLOCKS if self._delay_samples is None else self._delay_blocks + _LEAD_BLOCKS
        self._playing = self._played.silent_blocks < delay_blocks + _PARTITIONS + _TAIL_BLOCKS
        if not is_heard:
            silence = np.zeros_like(mic)
            return Cancelled(silence, silence, self._playing)
        return self._cancel(mic) if self._playing else self._pass(mic)

    @property
    def _reads_from(self) -> int:
        """The delay of the filter's first tap, in samples."""
        return self._delay_blocks * BLOCK_SAMPLES + round(self._sliding.lag)

    def _resume(self, path: Path) -> None:
        self._delay_samples = path.delay_samples
        self._drift.ppm = path.drift_ppm
        self._delay_blocks = self._wanted_blocks(path.delay_samples)
        self._filter.recall(
            np.frombuffer(path.response, _KEPT).astype(np.float32), path.response_from - self._reads_from
        )
        self._remembered = self._filter.response, path.delay_samples
        self._leak = ResidualEchoModel(np.frombuffer(path.leak_db, _KEPT).astype(np.float32))
        self._watch = PathChangeDetector(Origin.KEPT)

    def _take_played(self, played: NDArray[np.float32]) -> None:
        blocks = self._sliding.process(self.loudspeaker.bend(played), self._drift.ppm, self._delay_blocks)
        for block in blocks:
            self._played.push(block)
        self._delay_blocks = min(self._delay_blocks + len(blocks) - 1, _MAX_DELAY_BLOCKS)

    def _cancel(self, mic: NDArray[np.float32]) -> Cancelled:
        spectra = self._played.spectra(self._delay_blocks, _PARTITIONS)
        echo = self._filter.predict(spectra)
        residual = mic - echo
        misadjustment = self._filter.update(residual, spectra, self._played.powers(self._delay_blocks, _PARTITIONS))
        left = self._restraint.subtract(mic, echo, residual)
        self._frames.push(left, echo)
        self._frames.look()
        self._leak.push(self._frames.residual, self._frames.echo, misadjustment.take(_NEAREST) * _PER_SAMPLE)
        gain = gains(self._frames.residual, self._leak.expected)
        for_vad = self._suppressor.process(gain, self._frames.recent(RECENT_SAMPLES))
        self._judge(mic, residual, left, echo, misadjustment)
        self._evidence.push(self._frames, self._leak.expected, self._leak.noise)
        return Cancelled(left, for_vad, self._playing)

    def _pass(self, mic: NDArray[np.float32]) -> Cancelled:
        self._frames.push(mic, _NO_ECHO)
        self._frames.look()
        self._leak.rest(self._frames.residual)
        self._evidence.rest(self._frames, self._leak.expected, self._leak.noise)
        return Cancelled(mic, self._suppressor.open(self._frames.recent(RECENT_SAMPLES)), self._playing)

    def _judge(
        self,
        mic: NDArray[np.float32],
        residual: NDArray[np.float32],
        left: NDArray[np.float32],
        echo: NDArray[np.float32],
        misadjustment: NDArray[np.float32],
    ) -> None:
        self._ceiling.push(mic, self._played.powers(_HEARD_BLOCKS, 1)[0])
        self._judged += 1
        if self._judged % _SELDOM == 0:
            self._filter.limit(self._ceiling.gain)
        seen = Observation(
            played=self._played.level,
            mic=float(mic.dot(mic)) / BLOCK_SAMPLES,
            residual=float(residual.dot(residual)) / BLOCK_SAMPLES,
            echo=float(echo.dot(echo)) / BLOCK_SAMPLES,
            # The mean over the whole band of what was summed over the judged part.
            misadjustment=total(misadjustment[_JUDGED]) / (BLOCK_SAMPLES * BINS),
            left=total(self._frames.residual[_JUDGED_NOISE]) / frames.BINS,
            noise=total(self._leak.noise[_JUDGED_NOISE]) / frames.BINS,
            evidence=self._evidence.evidence,
            misfit=self._evidence.misfit,
        )
        was_right = self._watch.convergence is Convergence.CONVERGED
        action = self._watch.push(seen)
        if action is not FilterAction.KEEP:
            self._delays.forget()
            self._is_located = False
            if was_right and self._delay_samples is not None:
                self._remembered = self._filter.response, self._delay_samples
        if action is FilterAction.RESET:
            self._forget()
        elif action is FilterAction.DOUBT:
            self._filter.doubt(_DOUBT_SHARE)
            self._drift.forget()
        elif self._watch.convergence is Convergence.CONVERGED:
            self._remembered = None
            self._drift.push(self._filter.weights)
            self._study(seen, echo, residual)
        self._levels.push(self._played.level, seen.echo, seen.mic, float(left.dot(left)) / BLOCK_SAMPLES, seen.evidence)

    def _study(self, seen: Observation, echo: NDArray[np.float32], residual: NDArray[np.float32]) -> None:
        """Learn the loudspeaker from frames with nothing in them but an echo."""
        is_alone = seen.evidence < _ALONE_EVIDENCE and seen.echo > _AUDIBLE * seen.noise
        if is_alone and self._judged % _RARELY == 0:
            bent = self._played.blocks(self._delay_blocks, _PARTITIONS + 1)
            self.loudspeaker.learn(self._filter.weights, bent, echo, residual)

    def _found(self, delay_samples: int) -> None:
        is_first = self._delay_samples is None
        self._delay_samples = delay_samples
        self._is_located = True
        inside = (delay_samples - self._sliding.lag) / BLOCK_SAMPLES - self._delay_blocks
        nearest = _NEAR_BLOCKS if self._delay_blocks else -1.0
        by = 0 if nearest <= inside <= _FAR_BLOCKS else self._wanted_blocks(delay_samples) - self._delay_blocks
        self._delay_blocks += by
        response, before = self._remembered or (None, delay_samples)
        if response is not None and abs(delay_samples - before) > _SLIP_SAMPLES:
            # A buffer slipped, most likely, and the room is what it was.
            self._filter.recall(response, delay_samples - before - by * BLOCK_SAMPLES)
            self._drift.forget()
            self._remembered = None
        elif by and not is_first and abs(self._filter.peak - inside) <= _SAME_BLOCKS:
            # The filter had followed the path so far, and goes on where it is.
            self._filter.shift(by)
        elif by or self._is_blind():
            self._watch.restart()
            self._forget()

    def _is_blind(self) -> bool:
        """Tell whether the filter is sure that there is next to nothing of the echo that was found just now."""
        is_sure = self._watch.convergence is Convergence.CONVERGED
        return is_sure and self._delays.gain_exceeds(float(self._filter.power[_JUDGED].mean()) / _UNSEEN)

    def _forget(self) -> None:
        self._filter.reset()
        self._drift.forget()
        self.loudspeaker.forget()

    def _wanted_blocks(self, delay_samples: int) -> int:
        return max(0, int((delay_samples - self._sliding.lag) // BLOCK_SAMPLES) - _LEAD_BLOCKS)


def _finite(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
