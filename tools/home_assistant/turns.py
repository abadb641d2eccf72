"""What became of each thing that was said, put together from the wire, the traces and the loudspeaker; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.home_assistant.scenes import Ends
from tools.home_assistant.speech_match import ends_whole, foreign_frames, missing_s, place_before, place_from, spoken_by
from tools.home_assistant.wire_runs import runs_of, stale_chunks, streams_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.home_assistant.evidence import Evidence, Said
    from tools.home_assistant.scenes import Saying
    from tools.home_assistant.speech_match import Place, Spoken
    from tools.home_assistant.wire_runs import Run, Stream

# After the decision to stop: one block, the fade and the latency of the loudspeaker, with a margin.
SILENT_AFTER_S = 0.1


@dataclass(frozen=True, slots=True)
class Turn:
    """One line, and what followed it until the next one (all of that from the next one's first sound on is not its).

    `run` is the last real one that was asked for meanwhile; `cut` the satellite's own `interrupt` record; `fell_silent`
    when the loudspeaker, sounding as the line began, gave its last sound; `sounds` the first sound after that.
    """

    said: Said
    saying: Saying
    runs: Sequence[Run]
    cut: dict[str, Any] | None
    pause: dict[str, Any] | None
    sounding: bool
    fell_silent: float | None
    sounds: float | None
    last_sound: float | None
    missing_s: float | None
    replied: Place | None
    # Whether the last sound is that of the reply's end.
    ended_whole: bool
    stale_chunks: int
    # Frames of sound after the cut that do not belong to the reply to this line; None where it cannot be told.
    stale_frames: int | None

    @property
    def run(self) -> Run | None:
        """The run that took it."""
        real = [run for run in self.runs if not run.null]
        return real[-1] if real else None


@dataclass(frozen=True, slots=True)
class JudgedScene:
    """A scene taken apart."""

    evidence: Evidence
    runs: Sequence[Run]
    streams: Sequence[Stream]
    spoken: Sequence[Spoken]
    turns: Sequence[Turn]


def take_apart(evidence: Evidence) -> JudgedScene:
    """Pair the lines of a scene with what happened."""
    runs, streams, spoken = runs_of(evidence.wire), streams_of(evidence.wire), spoken_by(evidence.wire)
    said = evidence.said()
    turns = []
    for number, (each, saying) in enumerate(zip(said, evidence.scene.sayings, strict=False)):
        until = _until(evidence, said, number)
        turns.append(_turn(evidence, each, saying, until, runs, streams, spoken))
    return JudgedScene(evidence, runs, streams, spoken, turns)


def _until(evidence: Evidence, said: Sequence[Said], number: int) -> float:
    """Return when a line's own time is over: the next one begins, unless that is no turn."""
    sayings = evidence.scene.sayings
    for following in said[number + 1 :]:
        if following.life is not said[number].life:
            return said[number].life.end_mono
        if sayings[following.number].ends is not Ends.IGNORED:
            return following.onset
    return math.inf


def _turn(
    evidence: Evidence,
    said: Said,
    saying: Saying,
    until: float,
    runs: Sequence[Run],
    streams: Sequence[Stream],
    spoken: Sequence[Spoken],
) -> Turn:
    life = said.life
    its_runs = [run for run in runs if said.onset <= run.asked < until]
    cut = next(iter(evidence.of("satellite", "interrupt", said.onset, until)), None)
    pauses = evidence.of("satellite", "pause", said.onset, min(until, cut["mono"] + 0.001 if cut else until))
    before = place_before(life, said.onset, spoken)
    sounding = life.first_sound(said.onset - 0.2, said.onset) is not None
    silent_from = cut["mono"] + SILENT_AFTER_S if cut else said.onset
    fell_silent = life.last_sound(said.onset, silent_from) if cut else None
    sounds = life.first_sound(silent_from, until)
    last_sound = life.last_sound(silent_from, until)
    replied = place_from(life, sounds, spoken) if sounds is not None else None
    real = [run for run in its_runs if not run.null]
    audio = real[-1].stt_audio if real else b""
    return Turn(
        said=said,
        saying=saying,
        runs=its_runs,
        cut=cut,
        pause=pauses[-1] if pauses else None,
        sounding=sounding,
        fell_silent=(fell_silent or said.onset) if cut and sounding else None,
        sounds=sounds,
        last_sound=last_sound,
        missing_s=missing_s(audio, saying.line.clip) if audio else None,
        replied=replied,
        ended_whole=replied is not None and last_sound is not None and ends_whole(life, last_sound, replied, spoken),
        stale_chunks=stale_chunks(streams, cut["mono"], until) if cut else 0,
        stale_frames=_stale_frames(said, silent_from, until, sounds, before, replied) if cut else None,
    )


def _stale_frames(
    said: Said,
    silent_from: float,
    until: float,
    sounds: float | None,
    before: Place | None,
    replied: Place | None,
) -> int | None:
    """Count what sounded after a cut and was not the next reply, to the moment when that is cut off in turn.

    The next reply must be of speech that was not there when the line began.
    """
    if sounds is None:
        return 0
    life = said.life
    if replied is None:
        return None
    if before is not None and replied.spoken is before.spoken and replied.origin == before.origin:
        return len(life.audible(silent_from, until))
    return foreign_frames(life, silent_from, min(until, life.end_mono), replied)
