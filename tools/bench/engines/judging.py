"""What became of a clip that was said into a reply, from the traces and the recorded loudspeaker; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.simulator.user import AUDIBLE_PEAK
from interject.satellite.turn.lexicon import words_of
from interject.servers.stt.engines.readings import edit_distance
from tools.bench.loudspeaker_match import end_of_sound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.engines.casting import Spoken, Trial
    from tools.bench.run_room import Recording

# A pause that is shorter sounds like one of the speaker's own.
_HOLE_S = 0.2
# The VAD may hear the breath before a clip's onset.
_BEFORE_ONSET_S = 0.1
# Reply audio that did not stop this long after the decision has not stopped because of it.
_STOPS_WITHIN_S = 0.5
# A reply that is over this soon after a clip was over by itself, whatever would have been decided.
_VERDICT_S = 2.0
# Who is cut off so soon after going on stutters.
_STUTTER_S = 2.0
# From a reply's first sample to its first sound: synthetic voices begin with some silence.
_SOUNDS_WITHIN_S = 2.0
_MS = 1000.0
_DECISIONS = frozenset(
    ("duck", "unduck", "pause", "resume", "interrupt", "ask", "stt-open", "stt-end", "stt-abort", "phase", "failed")
)
_TEXTS = frozenset(("transcript", "partial", "refused"))
_DECIDING = ("transcript", "partial")
# What decides and what is decided are records of one block of 20 ms.
_SAME_STEP_S = 0.03


class Outcome(Enum):
    """What a clip did to the reply."""

    CUT = "cut"
    HOLE = "hole"
    DUCKED = "ducked"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Latencies:
    """From a question to its answer, in milliseconds, as far as the traces tell.

    transcript: end of the audio (stt-end) -> the final text at the satellite. answer: end of speech -> first sound.
    stt, llm, tts: what the servers took, after the end of the audio, until the first word, until the first audio.
    sentence: question -> the reply begins to play.
    """

    transcript: float | None = None
    answer: float | None = None
    stt: float | None = None
    sentence: float | None = None
    llm: float | None = None
    tts: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A trial's outcome; times in milliseconds after the clip's onset, None for what did not happen.

    at_s: the onset, in seconds of the room's clock.
    text is what was asked or, where nothing was, what was transcribed. wrong_words: left out, put in or wrong.
    decisions: what the satellite did; texts: all records of texts, as the satellite and the STT server wrote them.
    """

    trial: Trial
    room: str
    at_s: float
    outcome: Outcome
    reason: str = ""
    duck_ms: float | None = None
    pause_ms: float | None = None
    hole_ms: float = 0.0
    silence_ms: float | None = None
    commit_ms: float | None = None
    stutter: bool = False
    text: str = ""
    wrong_words: int = 0
    first_word_kept: bool = False
    decisions: Sequence[dict[str, Any]] = field(default=())
    texts: Sequence[dict[str, Any]] = field(default=())


@dataclass(frozen=True, slots=True)
class _Window:
    """A line of the script in the room: from its beginning to that of the next one; `cuts` are those it caused."""

    spoken: Spoken
    begin_s: float
    end_s: float
    onset_s: float
    stop_s: float
    events: Sequence[dict[str, Any]]
    cuts: Sequence[dict[str, Any]]

    def of(self, source: str, kind: str, after_s: float = 0.0) -> list[dict[str, Any]]:
        """Give the records of a kind, from a moment on."""
        return [e for e in self.events if e["source"] == source and e["type"] == kind and e["t"] >= after_s]


def judge(spoken: Sequence[Spoken], recording: Recording, room: str) -> list[Judged]:
    """Judge each trial that was said into a reply which was not over by itself; the others are left out."""
    judged = []
    for window in _windows(spoken, recording):
        trial = window.spoken.trial
        if trial is not None and _into_a_reply(recording, window):
            judged.append(_judged(recording, window, trial, room))
    return judged


def latencies(spoken: Sequence[Spoken], recording: Recording) -> list[Latencies]:
    """Give the latencies of each line that was asked and answered before the next one was said."""
    return [found for window in _windows(spoken, recording) if (found := _latencies(recording, window)) is not None]


def _windows(spoken: Sequence[Spoken], recording: Recording) -> list[_Window]:
    speaks = recording.of("room", "user-speaks")
    said = len(recording.of("room", "user-stops"))
    begins = [speak["t"] for speak in speaks]
    ends = [*begins[1:], len(recording.loudspeaker) / recording.rate_hz]
    owners = [(_caused_s(recording, cut), cut) for cut in recording.of("satellite", "interrupt")]
    windows = []
    for line, begin_s, end_s in zip(spoken[:said], begins, ends, strict=False):
        # Recordings begin with noise: where the voice begins, their manifest knows better than the room.
        onset_s, stop_s = begin_s + line.voice.onset_s, begin_s + line.voice.end_s
        events = [event for event in recording.events if begin_s <= event["t"] < end_s]
        cuts = [cut for caused_s, cut in owners if begin_s <= caused_s < end_s]
        windows.append(_Window(line, begin_s, end_s, onset_s, stop_s, events, cuts))
    return windows


def _caused_s(recording: Recording, cut: dict[str, Any]) -> float:
    """Give when that was said for which a reply was cut: a late text may do so while something else is said."""
    texts = [
        event
        for kind in _DECIDING
        for event in recording.of("satellite", kind)
        if cut["t"] - _SAME_STEP_S <= event["t"] <= cut["t"]
    ]
    streams = {event["stream"] for event in texts}
    opened = [event["t"] for event in recording.of("satellite", "stt-open") if event["stream"] in streams]
    return float(opened[-1] if opened else cut["t"])


def _into_a_reply(recording: Recording, window: _Window) -> bool:
    phases = [event for event in recording.of("satellite", "phase") if event["t"] <= window.begin_s]
    if not phases or phases[-1]["phase"] != "speaking":
        return False
    if any(cut["t"] < window.onset_s - _BEFORE_ONSET_S for cut in window.cuts):
        return False
    failed = [event for event in window.of("satellite", "failed") if event["stage"] == "reply"]
    for_others = [cut for cut in window.of("satellite", "interrupt") if cut not in window.cuts]
    over_s = min(
        (event["t"] for event in (*window.of("satellite", "reply-played"), *failed, *for_others)), default=window.end_s
    )
    return over_s == window.end_s or over_s > window.stop_s + _VERDICT_S or any(c["t"] <= over_s for c in window.cuts)


def _judged(recording: Recording, window: _Window, trial: Trial, room: str) -> Judged:
    since_s = window.onset_s - _BEFORE_ONSET_S
    cut = window.cuts[0] if window.cuts else None
    until_s = window.end_s if cut is None else cut["t"]
    ducks, pauses, resumes = (
        [event["t"] for event in window.of("satellite", kind, since_s) if event["t"] <= until_s]
        for kind in ("duck", "pause", "resume")
    )
    holes_s = [next((at for at in resumes if at >= pause), until_s) - pause for pause in pauses]
    hole_s = max(holes_s, default=0.0)
    outcome = Outcome.NOTHING
    if cut is not None:
        outcome = Outcome.CUT
    elif hole_s >= _HOLE_S:
        outcome = Outcome.HOLE
    elif ducks or pauses:
        outcome = Outcome.DUCKED
    texts = _texts(recording, window)
    text = _text(window, cut, texts)
    said, got = words_of(trial.voice.words), words_of(text)

    def after_ms(at_s: float | None) -> float | None:
        return None if at_s is None else round((at_s - window.onset_s) * _MS, 1)

    return Judged(
        trial=trial,
        room=room,
        at_s=round(window.onset_s, 4),
        outcome=outcome,
        reason="" if cut is None else cut["reason"],
        duck_ms=after_ms(min(ducks, default=None)),
        pause_ms=after_ms(min(pauses, default=None)),
        hole_ms=round(hole_s * _MS, 1),
        silence_ms=None if cut is None else after_ms(_silent_at(recording, window, cut["t"], pauses, resumes)),
        commit_ms=None if cut is None else after_ms(cut["t"]),
        stutter=cut is not None and any(cut["t"] - at <= _STUTTER_S for at in resumes),
        text=text,
        wrong_words=edit_distance(said, got),
        first_word_kept=bool(said) and said[0] in got,
        decisions=[_from_onset(e, window) for e in window.events if e["type"] in _DECISIONS],
        texts=[_from_onset(event, window) for event in texts],
    )


def _silent_at(
    recording: Recording, window: _Window, cut_s: float, pauses: Sequence[float], resumes: Sequence[float]
) -> float:
    """Give when the loudspeaker fell silent for good."""
    resumed_s = max(resumes, default=0.0)
    decided_s = min((at for at in pauses if at >= resumed_s), default=cut_s)
    rate = recording.rate_hz
    first, latest = round(window.onset_s * rate), round((decided_s + _STOPS_WITHIN_S) * rate)
    return end_of_sound(recording.loudspeaker, first, latest) / rate


def _texts(recording: Recording, window: _Window) -> list[dict[str, Any]]:
    """Give what was made of the audio of the streams that a line opened; late texts too."""
    streams = {event["stream"] for event in window.of("satellite", "stt-open")}
    return [
        event
        for event in recording.events
        if event["type"] in _TEXTS
        and (
            event.get("stream") in streams or (event["source"] == "stt" and window.begin_s <= event["t"] < window.end_s)
        )
    ]


def _text(window: _Window, cut: dict[str, Any] | None, texts: Sequence[dict[str, Any]]) -> str:
    asked = window.of("satellite", "ask", cut["t"]) if cut is not None else []
    if asked:
        return str(asked[0]["text"])
    for kind in ("transcript", "partial"):
        found = [event["text"] for event in texts if event["type"] == kind and event["source"] == "satellite"]
        if any(found):
            return " ".join(filter(None, found)) if kind == "transcript" else str(found[-1])
    return ""


def _from_onset(event: dict[str, Any], window: _Window) -> dict[str, Any]:
    return {**event, "after_onset_ms": round((event["t"] - window.onset_s) * _MS, 1)}


def _latencies(recording: Recording, window: _Window) -> Latencies | None:
    asked = window.of("satellite", "ask", window.onset_s)
    if not asked:
        return None
    ask_s, epoch = asked[-1]["t"], asked[-1]["epoch"]
    started = [event for event in window.of("satellite", "reply-started", ask_s) if event["epoch"] == epoch]
    texts = [event for event in window.of("satellite", "transcript") if event["t"] <= ask_s]
    if not started or not texts:
        return None
    ended = [e["t"] for e in window.of("satellite", "stt-end") if e["stream"] == texts[-1]["stream"]]
    sound_s = _first_sound(recording, started[0]["t"])

    def took_ms(source: str, kind: str) -> float | None:
        found = [event["took_s"] for event in window.of(source, kind) if event["t"] <= started[0]["t"]]
        return round(found[-1] * _MS, 1) if found else None

    return Latencies(
        transcript=round((texts[-1]["t"] - ended[-1]) * _MS, 1) if ended else None,
        answer=None if sound_s is None else round((sound_s - window.stop_s) * _MS, 1),
        sentence=round((started[0]["t"] - ask_s) * _MS, 1),
        stt=took_ms("stt", "transcript"),
        llm=took_ms("llm", "first-token"),
        tts=took_ms("tts", "first-audio"),
    )


def _first_sound(recording: Recording, started_s: float) -> float | None:
    first, last = (round(at_s * recording.rate_hz) for at_s in (started_s, started_s + _SOUNDS_WITHIN_S))
    audible = np.flatnonzero(np.abs(recording.loudspeaker[first:last].astype(np.int32)) >= AUDIBLE_PEAK)
    return (first + int(audible[0])) / recording.rate_hz if len(audible) else None
