"""From a room's recording to one measurement for each thing that was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.audio.wav import read_wav
from interject.satellite.simulator.user import ONSET_DB
from interject.servers.tts.sentences import SentenceSplitter
from tools.bench.loudspeaker_match import end_of_sound, first_below, gains, locate, silent
from tools.bench.scenes import Cue, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.bench.reference import Reference
    from tools.bench.run_room import Recording

_MS = 1000.0
_DOWN_DB = 10.0
# Long enough to be found in one place only of a reply that says the same words again and again.
_FOUND_BY_S = 0.8
# The loudspeaker of the simulated room is one block of 10 ms behind the satellite that renders for it.
_BLOCK_FRAMES = 160
# A pause fades over 20 ms, a resume as well, a reply comes back from ducking over 150 ms.
_FADE_S = 0.02
_UNDUCK_S = 0.15
# Reply audio that did not stop this long after the decision has not stopped because of it.
_STOPS_WITHIN_S = 0.5
# The offline responder's pace, which is also what its first clause is subtracted by.
WORDS_PER_SECOND = 12.0


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the script in the room: what the trace says of it, and of what followed before the next one."""

    cue: Cue
    onset_s: float
    end_s: float
    events: tuple[dict[str, Any], ...]

    def first(self, kind: str, after_s: float = 0.0) -> dict[str, Any] | None:
        """Return the first event of a kind after a moment."""
        return next((event for event in self.events if event["type"] == kind and event["t"] >= after_s), None)

    def last(self, source: str, kind: str) -> dict[str, Any] | None:
        """Return the last event of a kind."""
        found = [event for event in self.events if event["source"] == source and event["type"] == kind]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Interruption:
    """Seconds from the user's onset, words, and what STT got; None where it could not be told."""

    detection_to_silence_s: float
    onset_to_yield_s: float | None
    onset_to_silence_s: float
    words_heard: int
    words_played: int
    audio_has_first_word: bool
    transcript_has_first_word: bool


@dataclass(frozen=True, slots=True)
class Backchannel:
    """What an "uh-huh" did: `paused`, `ducked`, `unnoticed` or `cut`, and frames lost (+) or repeated (-)."""

    outcome: str
    lost_frames: int | None


@dataclass(frozen=True, slots=True)
class Turn:
    """From the end of a question to its answer, in seconds, and what of it the engines took."""

    end_to_audio_s: float
    silence_s: float
    stt_s: float
    llm_s: float
    tts_s: float
    vad_s: float

    @property
    def beyond_s(self) -> float:
        """What is left of it beyond the silence that ends a turn."""
        return self.end_to_audio_s - self.stt_s - self.llm_s - self.tts_s - self.silence_s


def lines_said(recording: Recording) -> list[Said]:
    """Pair the cues with what happened in the room."""
    speaks, stops = recording.of("room", "user-speaks"), recording.of("room", "user-stops")
    ends = [*(event["t"] for event in speaks[1:]), len(recording.loudspeaker) / recording.rate_hz]
    said = []
    for cue, speak, stop, end in zip(recording.cues, speaks, stops, ends, strict=False):
        between = tuple(event for event in recording.events if speak["t"] <= event["t"] < end)
        said.append(Said(cue, speak["onset_t"], stop["t"] - silence_at_end_s(cue.line.clip), between))
    return said


def silence_at_end_s(clip: Path) -> float:
    """Return how much of a clip follows its last sample within 40 dB of its peak."""
    samples = np.abs(read_wav(clip, 16_000).astype(np.int32))
    loud = np.flatnonzero(samples >= samples.max() * 10 ** (ONSET_DB / 20))
    return (len(samples) - 1 - int(loud[-1])) / 16_000


def measure_interruptions(recording: Recording) -> Iterator[Interruption | None]:
    """Measure each interruption; None for one that did not interrupt or whose reply cannot be found."""
    for said in lines_said(recording):
        if said.cue.kind is Kind.INTERRUPTION:
            yield _interruption(recording, said)


def _interruption(recording: Recording, said: Said) -> Interruption | None:
    cut = said.first("interrupt", said.onset_s)
    reference = _reference(recording, cut["epoch"]) if cut is not None else None
    if cut is None or reference is None:
        return None
    rate = recording.rate_hz
    onset = round(said.onset_s * rate)
    origin = locate(recording.loudspeaker, onset - round(_FOUND_BY_S * rate), onset, reference.audio)
    if origin is None:
        return None
    pause = said.first("pause", said.onset_s)
    decided_s = min(cut["t"], pause["t"]) if pause is not None else cut["t"]
    latest = round((decided_s + _STOPS_WITHIN_S) * rate)
    silence = end_of_sound(recording.loudspeaker, onset, latest)
    measured = gains(recording.loudspeaker, origin, reference.audio, onset, latest)
    yielded = first_below(measured, _DOWN_DB)
    opened = _stream_of(said)
    asked = said.first("ask", cut["t"])
    return Interruption(
        detection_to_silence_s=max(0.0, silence / rate - decided_s),
        onset_to_yield_s=(yielded - onset) / rate if yielded is not None else None,
        onset_to_silence_s=(silence - onset) / rate,
        words_heard=len(cut["heard"].split()),
        words_played=reference.words_over_at((silence - origin) * 1000 / rate),
        audio_has_first_word=opened is not None and opened["audio_from"] <= said.onset_s,
        transcript_has_first_word=asked is not None and said.cue.text.split()[0] in asked["text"].lower().split(),
    )


def _stream_of(said: Said) -> dict[str, Any] | None:
    """Return the opening of the STT stream that took the beginning of a line."""
    aborted = {event["stream"] for event in said.events if event["type"] == "stt-abort"}
    return next((e for e in said.events if e["type"] == "stt-open" and e["stream"] not in aborted), None)


def measure_backchannels(recording: Recording) -> Iterator[Backchannel]:
    """Measure what each backchannel cost the reply."""
    for said in lines_said(recording):
        if said.cue.kind is Kind.BACKCHANNEL:
            yield _backchannel(recording, said)


def _backchannel(recording: Recording, said: Said) -> Backchannel:
    rate, loudspeaker = recording.rate_hz, recording.loudspeaker
    if said.first("interrupt", said.onset_s) is not None:
        return Backchannel("cut", None)
    pause, resume, unduck = (said.first(kind, said.onset_s) for kind in ("pause", "resume", "unduck"))
    reference = _reference(recording, _epoch_at(recording, said.onset_s))
    onset = round(said.onset_s * rate)
    window = round(_FOUND_BY_S * rate)
    if reference is None:
        return Backchannel("unnoticed", None)
    before = locate(loudspeaker, onset - window, onset, reference.audio)
    if pause is None or resume is None:
        back = round((unduck["t"] + _UNDUCK_S + _FADE_S if unduck is not None else said.end_s) * rate)
        after = locate(loudspeaker, back, back + window, reference.audio)
        lost = before - after if before is not None and after is not None else None
        return Backchannel("unnoticed" if unduck is None else "ducked", lost)
    paused, resumed = (round(event["t"] * rate) + _BLOCK_FRAMES for event in (pause, resume))
    faded = round(_FADE_S * rate)
    after = locate(loudspeaker, resumed + faded, resumed + faded + window, reference.audio)
    if before is None or after is None or not silent(loudspeaker, paused + faded, resumed):
        return Backchannel("paused", None)
    expected = paused - before - round(resume["rewound_ms"] * rate / 1000)
    return Backchannel("paused", resumed - after - expected)


def measure_turns(recording: Recording) -> Iterator[Turn]:
    """Measure each turn that was heard as it was said and answered in time."""
    for said in lines_said(recording):
        turn = _turn(recording, said) if said.cue.text else None
        if turn is not None:
            yield turn


def _turn(recording: Recording, said: Said) -> Turn | None:
    ended = next((event for event in said.events if event["type"] == "turn-ended"), None)
    asked = said.first("ask", said.end_s)
    if ended is None or asked is None or asked["text"] != said.cue.text:
        return None
    reference = _reference(recording, asked["epoch"])
    transcript = said.last("stt", "transcript")
    first_token, spoken = said.last("llm", "first-token"), said.last("tts", "first-audio")
    started = said.last("satellite", "reply-started")
    if reference is None or transcript is None or first_token is None or spoken is None or started is None:
        return None
    begins = _first_frame(recording, started["t"], reference)
    if begins is None:
        return None
    first_piece = SentenceSplitter().push(_text(recording, asked["epoch"]) + " ")[0]
    return Turn(
        end_to_audio_s=begins / recording.rate_hz - said.end_s,
        silence_s=ended["silence_ms"] / _MS,
        stt_s=transcript["took_s"],
        llm_s=first_token["took_s"] + (len(first_piece.split()) - 1) / WORDS_PER_SECOND,
        tts_s=spoken["took_s"],
        vad_s=ended["t"] - ended["silence_ms"] / _MS - said.end_s,
    )


def _first_frame(recording: Recording, started_s: float, reference: Reference) -> int | None:
    """Return the frame with which a reply began to leave the loudspeaker, its leading silence included."""
    start = round((started_s + 0.1) * recording.rate_hz)
    return locate(recording.loudspeaker, start, start + round(_FOUND_BY_S * recording.rate_hz), reference.audio)


def _epoch_at(recording: Recording, moment_s: float) -> int:
    started = [event["epoch"] for event in recording.of("satellite", "reply-started") if event["t"] <= moment_s]
    return int(started[-1]) if started else 0


def _text(recording: Recording, epoch: int) -> str:
    kinds = {"generation-finished", "generation-cancelled"}
    texts = [e["text"] for e in recording.events if e["source"] == "llm" and e["type"] in kinds and e["epoch"] == epoch]
    return texts[0] if texts else ""


def _reference(recording: Recording, epoch: int) -> Reference | None:
    return recording.references.get(epoch)
