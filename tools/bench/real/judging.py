"""What a recording comes to: whom the turn machine heard and how soon, what it took for a user, what speech got lost.

Everything here is pure; times are seconds of the recording.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from tools.bench.real.listening import at_16_khz, hear, hear_in_a_loop
from tools.bench.room.judged import AFTERWARDS_S, YIELD_S
from tools.bench.room.sound import erle_db
from tools.simulator.levels import frames_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tools.bench.real.listening import Moment
    from tools.bench.real.recordings import Kind, Recording, Span
    from tools.bench.real.voices import Added, Length
    from tools.bench.room.performance import Options
    from tools.simulator.levels import Signal

# Labels that somebody set by ear or by a detector are good to so much.
_LABELS_S = 0.1
# Playback is what is louder than this, and what the room makes of it for so long after.
_PLAYING_DBFS = -50.0
_TAIL_S = 0.3
_STEP_S = 0.01
# The canceller has learnt by then, if it ever does.
_LEARNING_S = 4.0
# An engine may give its output so much later than the microphone's.
_MOST_LATE_S = 0.02
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the turn machine took for one: from its first voiced window to its last, when it ducked and paused."""

    start_s: float
    end_s: float
    duck_s: float | None
    pause_s: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a user's speech.

    ducked, paused: within two seconds. duck_s, pause_s: from the onset, None also where it had begun before.
    refused: how many windows of it, in those two seconds, did not count as voiced, and why; windows: of how many.
    """

    recording: str
    start_s: float
    ducked: bool
    paused: bool
    duck_s: float | None
    pause_s: float | None
    refused: Mapping[str, int]
    windows: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A recording as one engine heard it.

    false_ducks, false_pauses: when, outside everybody's speech, while something was played. erle_db: of what speech
    recognition gets, while only we speak, from four seconds of playback on.
    """

    name: str
    kind: Kind
    playback_s: float
    outcomes: tuple[Outcome, ...]
    false_ducks_s: tuple[float, ...]
    false_pauses_s: tuple[float, ...]
    erle_db: float | None
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class JudgedVoice:
    """A voice that was put into a recording, open loop and with ducks.

    si_sdr_db: of the voice in what speech recognition gets, open loop; mic_si_sdr_db: in the microphone's signal.
    """

    length: Length
    echo_db: float
    open: Outcome
    closed: Outcome
    si_sdr_db: float
    mic_si_sdr_db: float


def judge(recording: Recording, options: Options) -> Judged:
    """Listen to a recording, and judge."""
    heard = hear(recording, options)
    mic, played = (at_16_khz(signal, recording.rate_hz) for signal in (recording.mic, recording.played))
    playing = _playing(played)
    spans = recording.spans
    false = [
        utterance
        for utterance in utterances(heard.moments)
        if playing[min(len(playing) - 1, int(utterance.start_s / _STEP_S))] and not any(_overlap(utterance, spans))
    ]
    return Judged(
        name=recording.name,
        kind=recording.kind,
        playback_s=float(playing.sum() * _STEP_S),
        outcomes=tuple(outcome(recording.name, span, heard.moments) for span in spans),
        false_ducks_s=tuple(each.duck_s for each in false if each.duck_s is not None),
        false_pauses_s=tuple(each.pause_s for each in false if each.pause_s is not None),
        erle_db=_erle_db(mic, heard.kept, playing, spans),
        cpu_ms=heard.cpu_ms,
    )


def judge_voice(added: Added, options: Options) -> JudgedVoice:
    """Listen to a recording with a voice in it, twice, and judge."""
    mixed = added.mixed
    heard = hear(mixed, options)
    mic, voice = at_16_khz(mixed.mic, mixed.rate_hz), added.voice_at_16_khz
    part = slice(frames_of(added.span.start_s), frames_of(added.span.end_s))
    name = f"{mixed.name}, {added.name} at {added.echo_db:g} dB"
    return JudgedVoice(
        length=added.length,
        echo_db=added.echo_db,
        open=outcome(name, added.span, heard.moments),
        closed=outcome(name, added.span, hear_in_a_loop(added, options).moments),
        si_sdr_db=si_sdr_db(heard.kept.astype(np.float32), voice, part),
        mic_si_sdr_db=si_sdr_db(mic, voice, part),
    )


def utterances(moments: Sequence[Moment]) -> list[Utterance]:
    """Find what the turn machine took for somebody's speech."""
    found: list[Utterance] = []
    is_new = True
    for moment in moments:
        evidence = moment.evidence
        if evidence.onset_s is None:
            is_new = True
            continue
        before = Utterance(evidence.onset_s, 0.0, None, None) if is_new else found.pop()
        is_new = False
        found.append(
            Utterance(
                before.start_s,
                evidence.last_voice_s,
                moment.at_s if evidence.triggered and before.duck_s is None else before.duck_s,
                moment.at_s if evidence.confirmed and before.pause_s is None else before.pause_s,
            )
        )
    return found


def outcome(recording: str, span: Span, moments: Sequence[Moment]) -> Outcome:
    """Tell what became of somebody's speech."""
    until_s = span.start_s + YIELD_S
    within = [
        each for each in utterances(moments) if each.start_s <= until_s and each.end_s >= span.start_s - _LABELS_S
    ]
    ducks = [each.duck_s for each in within if each.duck_s is not None and each.duck_s <= until_s]
    pauses = [each.pause_s for each in within if each.pause_s is not None and each.pause_s <= until_s]
    own = [moment for moment in moments if span.start_s < moment.at_s <= min(span.end_s, until_s)]
    return Outcome(
        recording=recording,
        start_s=span.start_s,
        ducked=bool(ducks),
        paused=bool(pauses),
        duck_s=_since(span.start_s, ducks),
        pause_s=_since(span.start_s, pauses),
        refused=dict(Counter(moment.refused for moment in own if moment.refused is not None)),
        windows=len(own),
    )


def si_sdr_db(heard: Signal, voice: Signal, part: slice) -> float:
    """Give the scale-invariant signal-to-distortion ratio of a voice in what was heard, at the lag that suits best."""
    wanted = voice[part].astype(np.float64)
    wanted -= wanted.mean()
    energy = float(wanted @ wanted)
    best = -math.inf
    for late in range(frames_of(_MOST_LATE_S)):
        got = heard[part.start + late : part.stop + late].astype(np.float64)
        if len(got) < len(wanted):
            break
        got -= got.mean()
        explained = float(got @ wanted) ** 2 / (energy + _TINY)
        best = max(best, 10 * math.log10((explained + _TINY) / (float(got @ got) - explained + _TINY)))
    return best


def _playing(played: Signal) -> NDArray[np.bool_]:
    """Tell of every 10 ms whether something is played, or was a moment ago."""
    step = frames_of(_STEP_S)
    powers = np.mean(np.square(played[: len(played) // step * step]).reshape(-1, step), axis=1)
    loud = (powers > 10 ** (_PLAYING_DBFS / 10)).astype(np.float32)
    return np.convolve(loud, np.ones(round(_TAIL_S / _STEP_S), np.float32))[: len(loud)] > 0


def _erle_db(mic: Signal, kept: NDArray[np.int16], playing: NDArray[np.bool_], spans: Sequence[Span]) -> float | None:
    chosen = np.repeat(playing, frames_of(_STEP_S))
    chosen[: (int(np.argmax(chosen)) if chosen.any() else 0) + frames_of(_LEARNING_S)] = False
    for span in spans:
        chosen[frames_of(max(0.0, span.start_s - _LABELS_S)) : frames_of(span.end_s + AFTERWARDS_S)] = False
    count = min(len(chosen), len(kept), len(mic))
    heard = np.rint(mic[:count] * np.float32(INT16_FULL_SCALE)).astype(np.int16)
    return erle_db(heard, kept[:count], chosen[:count])


def _overlap(utterance: Utterance, spans: Sequence[Span]) -> list[bool]:
    return [
        utterance.end_s >= span.start_s - _LABELS_S and utterance.start_s <= span.end_s + AFTERWARDS_S for span in spans
    ]


def _since(onset_s: float, times_s: Sequence[float]) -> float | None:
    soonest = min(times_s, default=None)
    return None if soonest is None or soonest < onset_s - _LABELS_S else soonest - onset_s
