"""Statistics of the echo over the last minutes of playback."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.satellite.aec.base import Convergence

if TYPE_CHECKING:
    from interject.satellite.aec.base import EchoReport

# What is left of our voice differs by 20 dB from word to word: the mean of the last sentences counts.
_MEAN_S = 5.0
# A filter that has just converged still gets better by 10 dB: its first seconds do not count, and few are not enough.
_LEARNING_S = 4.0
_BELIEVED_S = 8.0
# Longer than any delay of an echo and any pause between sentences, so that each stretch holds both voice and echo.
_STRETCH_S = 2.0
# Somebody who speaks makes the microphone louder than our echo; in some of the last stretches nobody does.
_FIRST_STRETCHES, _STRETCHES = 2, 5
# How long it counts that the echo's delay jumped, that the microphone clipped, that a voice cut in and said nothing.
_JUMP_COUNTS_S = 60.0
_CLIP_COUNTS_S = 10.0
_CUT_COUNTS_S = 300.0
# Far above what two clocks do that drift apart by 120 ppm, the most that is followed: 0.06 ms in half a second.
_JUMP_MS = 2.0
# A syllable that clips does so in several blocks.
_CLIP_APART_S = 0.5
# No block of audio is longer; a clock that jumped by more tells nothing of playback.
_LONGEST_BLOCK_S = 0.5
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Observation:
    """Some audio, no more than half a second, and what was known of the echo after it.

    now_s: its end by the device's clock. mic_power, played_power: mean squares, full scale 1; user_power: of the
    user's usual voice (0: not known). clips: the microphone is at its limit. live: a reply is under way.
    """

    now_s: float
    report: EchoReport
    mic_power: float
    played_power: float
    user_power: float = 0.0
    clips: bool = False
    live: bool = True


@dataclass(frozen=True, slots=True)
class EchoStatistics:
    """Means and counts over playback: seconds are of playback, times (`_at`) are of the device's clock.

    settled_s: for how long a canceller has known the path; unsettled_s: for how long not even its delay. left: mean
    squares of what is left of our voice. at_most_db: the microphone against what was played, in stretches of 2 s; no
    echo is louder than the lowest of them.
    """

    now_s: float | None = None
    played_s: float = 0.0
    delay_ms: float | None = None
    settled_s: float = 0.0
    unsettled_s: float = 0.0
    left_sum: float = 0.0
    left_weight: float = 0.0
    stretch_s: float = 0.0
    stretch_mic: float = 0.0
    stretch_played: float = 0.0
    at_most_db: tuple[float, ...] = ()
    jumped_at: tuple[float, ...] = ()
    clipped_at: tuple[float, ...] = ()
    cut_at: tuple[float, ...] = ()

    @property
    def left_dbfs(self) -> float | None:
        """What is left of our voice on average; None until that can be believed."""
        if self.settled_s < _BELIEVED_S or not self.left_weight:
            return None
        return decibels(self.left_sum / self.left_weight)

    @property
    def echo_at_most_db(self) -> float | None:
        """No echo was louder than this against what was played, whoever else was heard; None: not known yet."""
        return min(self.at_most_db) if len(self.at_most_db) >= _FIRST_STRETCHES else None


def remember(history: EchoStatistics, seen: Observation) -> EchoStatistics:
    """Take in the next block."""
    before_s = seen.now_s if history.now_s is None else history.now_s
    seconds = min(max(0.0, seen.now_s - before_s), _LONGEST_BLOCK_S)
    kept = replace(
        history,
        now_s=seen.now_s,
        jumped_at=_since(history.jumped_at, seen.now_s - _JUMP_COUNTS_S),
        clipped_at=_since(history.clipped_at, seen.now_s - _CLIP_COUNTS_S),
        cut_at=_since(history.cut_at, seen.now_s - _CUT_COUNTS_S),
    )
    if not seen.report.playing:
        return replace(kept, stretch_s=0.0, stretch_mic=0.0, stretch_played=0.0)
    played = replace(kept, played_s=history.played_s + seconds)
    return _measure(_settle(_with_clip(played, seen), seen, seconds), seen, seconds)


def cut_off(history: EchoStatistics, now_s: float) -> EchoStatistics:
    """Take note that a voice cut a reply off and said nothing."""
    return replace(history, cut_at=(*history.cut_at, now_s))


def decibels(power: float) -> float:
    """Return a ratio of powers in dB, or a mean square in dB below full scale."""
    return 10 * math.log10(power + _TINY)


def _since(times: tuple[float, ...], start_s: float) -> tuple[float, ...]:
    return times if not times or times[0] >= start_s else tuple(time for time in times if time >= start_s)


def _with_clip(history: EchoStatistics, seen: Observation) -> EchoStatistics:
    if not seen.clips or (history.clipped_at and seen.now_s - history.clipped_at[-1] < _CLIP_APART_S):
        return history
    return replace(history, clipped_at=(*history.clipped_at, seen.now_s))


def _settle(history: EchoStatistics, seen: Observation, seconds: float) -> EchoStatistics:
    """Note whether the path is known, whether it jumped, and what is left of our voice if it is known."""
    delay_ms, before_ms = seen.report.delay_ms, history.delay_ms
    jumped = delay_ms is not None and before_ms is not None and abs(delay_ms - before_ms) > _JUMP_MS
    noted = replace(
        history,
        delay_ms=before_ms if delay_ms is None else delay_ms,
        jumped_at=(*history.jumped_at, seen.now_s) if jumped else history.jumped_at,
    )
    if seen.report.convergence is not Convergence.CONVERGED:
        # Once the delay is known, the guard tells a clear voice by its evidence alone: script/bench real.
        unsettled_s = history.unsettled_s + seconds if delay_ms is None else 0.0
        return replace(noted, settled_s=0.0, unsettled_s=unsettled_s, left_sum=0.0, left_weight=0.0)
    settled = replace(noted, settled_s=history.settled_s + seconds, unsettled_s=0.0)
    if settled.settled_s < _LEARNING_S:
        return settled
    left, fades = _left(seen), math.exp(-seconds / _MEAN_S)
    return replace(
        settled,
        left_sum=fades * history.left_sum + seconds * left,
        left_weight=fades * history.left_weight + seconds,
    )


def _left(seen: Observation) -> float:
    """Return the mean square that our voice has behind the canceller; it is worth a guess where nobody measures it."""
    report = seen.report
    if report.residual_dbfs is not None:
        return float(10 ** (report.residual_dbfs / 10))
    return 0.0 if report.echo_db is None else float(seen.played_power * 10 ** (report.echo_db / 10))


def _measure(history: EchoStatistics, seen: Observation, seconds: float) -> EchoStatistics:
    summed = replace(
        history,
        stretch_s=history.stretch_s + seconds,
        stretch_mic=history.stretch_mic + seconds * seen.mic_power,
        stretch_played=history.stretch_played + seconds * seen.played_power,
    )
    if summed.stretch_s < _STRETCH_S:
        return summed
    at_most_db = decibels((summed.stretch_mic + _TINY) / (summed.stretch_played + _TINY))
    kept = (*history.at_most_db, at_most_db)[-_STRETCHES:]
    return replace(summed, stretch_s=0.0, stretch_mic=0.0, stretch_played=0.0, at_most_db=kept)
