"""What truly happened in a talk: told from the recordings of the sound server, by the clock of the system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.turn.state import Phase
from tools.simulator.levels import RATE_HZ, frames_of
from tools.simulator.scene import INTERRUPTIONS
from tools.sound_card.tape import RATE_HZ as CARD_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.satellite.audio.base import Samples
    from tools.simulator.rendering import Label
    from tools.sound_card.card import RoomCard
    from tools.sound_card.talk import Snapshot, Talk
    from tools.sound_card.tape import Tape

# What is recognised in the microphone's recording: a syllable before the onset and some words after.
_BEFORE_S, _AFTER_S = 0.1, 0.5
# The air holds less than this.
_MOST_AIR_S = 0.4
# Who is not given way to by now has to say it again.
_YIELD_S = 2.0
# What a sound sets off may come this long after its end: the room rings, the recogniser thinks.
_AFTERMATH_S = 1.5
# After a decision the loudspeaker is silent within this, or it does not become so.
_SILENT_WITHIN_S = 0.5
# One step of 16 bits is rounding.
_AUDIBLE = 2
_MOST_ECHO_DELAY_S = 0.5


@dataclass(frozen=True, slots=True)
class Answered:
    """An interruption while the satellite spoke: milliseconds from its onset at the microphone, None for never.

    silent_ms: to the loudspeaker's last sample.
    """

    text: str
    duck_ms: float | None
    decided_ms: float | None
    silent_ms: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A talk: its interruptions, and what the satellite did to itself in `playback_s` of speaking."""

    answered: tuple[Answered, ...]
    playback_s: float
    self_interrupts: int
    self_ducks: int


def judge(talk: Talk, card: RoomCard) -> Judged:
    """Find what was said in the recordings, and what came of it."""
    loudspeaker, microphone, spoken = card.loudspeaker, card.microphone, card.spoken
    onsets = [(label, _onset_s(label, spoken, loudspeaker, microphone)) for label in talk.rendered.labels]
    phases = list(_phases(talk))
    spans = [
        (onset_s, onset_s + (label.end_frame - label.start_frame) / RATE_HZ + _AFTERMATH_S) for label, onset_s in onsets
    ]
    own = [
        record["type"]
        for record in talk.records
        if record["type"] in {"duck", "pause", "interrupt"}
        and not any(start <= record["mono"] <= end for start, end in spans)
    ]
    return Judged(
        answered=tuple(
            _answered(label, onset_s, talk, loudspeaker)
            for label, onset_s in onsets
            if label.kind in INTERRUPTIONS and _speaks(phases, onset_s)
        ),
        playback_s=sum(end - start for phase, start, end in phases if phase == Phase.SPEAKING.value),
        self_interrupts=own.count("pause") + own.count("interrupt"),
        self_ducks=own.count("duck"),
    )


def echo_delay_ms(snapshot: Snapshot) -> float | None:
    """Give where the echo is strongest, by whitened cross-correlation; None where nothing was played."""
    played, mic = (signal.astype(np.float32) for signal in (snapshot.played, snapshot.mic))
    size = 2 * len(played)
    spectrum = np.fft.rfft(played, size)
    if not played.any():
        return None
    cross = np.fft.rfft(mic, size) * spectrum.conj()
    # What the loudspeaker cannot play is left out: it would only add noise.
    band = slice(round(300 * size / CARD_RATE_HZ), round(4000 * size / CARD_RATE_HZ))
    whitened = np.zeros_like(cross)
    whitened[band] = cross[band] / (np.abs(spectrum[band]) ** 2 + 1e-3 * np.mean(np.abs(spectrum[band]) ** 2))
    response = np.fft.irfft(whitened, size)[: round(_MOST_ECHO_DELAY_S * CARD_RATE_HZ)]
    return float(np.abs(response).argmax()) * 1000 / CARD_RATE_HZ


def _onset_s(label: Label, spoken: Samples, loudspeaker: Tape, microphone: Tape) -> float:
    """Find a sound of the room in what the microphone got; the room steps with the loudspeaker's samples."""
    first = max(0, label.start_frame - frames_of(_BEFORE_S))
    known = spoken[first : label.start_frame + frames_of(_AFTER_S)].astype(np.float32)
    said_s = loudspeaker.time_of(first * CARD_RATE_HZ // RATE_HZ)
    heard = microphone.between(said_s, said_s + len(known) / RATE_HZ + _MOST_AIR_S)
    alike = np.correlate(soxr.resample(heard.astype(np.float32), CARD_RATE_HZ, RATE_HZ), known, "valid")
    into = int(alike.argmax()) + label.start_frame - first
    return microphone.time_of(microphone.frame_at(said_s) + into * CARD_RATE_HZ // RATE_HZ)


def _answered(label: Label, onset_s: float, talk: Talk, loudspeaker: Tape) -> Answered:
    def first(*kinds: str) -> float | None:
        came = (record["mono"] for record in talk.records if record["type"] in kinds)
        return next((mono for mono in came if onset_s <= mono <= onset_s + _YIELD_S), None)

    duck_s, decided_s = first("duck", "pause"), first("pause", "interrupt")
    silent_s = None
    if decided_s is not None:
        heard = loudspeaker.between(onset_s, decided_s + _SILENT_WITHIN_S)
        audible = np.flatnonzero(np.abs(heard.astype(np.int32)) > _AUDIBLE)
        silent_s = onset_s + (float(audible[-1]) + 1) / CARD_RATE_HZ if len(audible) else onset_s
    return Answered(label.text, *(_ms(moment, onset_s) for moment in (duck_s, decided_s, silent_s)))


def _ms(moment: float | None, onset_s: float) -> float | None:
    return None if moment is None else 1000 * (moment - onset_s)


def _phases(talk: Talk) -> Iterator[tuple[str, float, float]]:
    changes = [record for record in talk.records if record["type"] == "phase"]
    ends = [record["mono"] for record in changes[1:]]
    for change, end in zip(changes, [*ends, talk.ended_s], strict=True):
        yield change["phase"], change["mono"], end


def _speaks(phases: list[tuple[str, float, float]], at_s: float) -> bool:
    return any(start <= at_s < end for phase, start, end in phases if phase == Phase.SPEAKING.value)
