"""Did it truly happen? Judges the timeline, the history and the recorded loudspeaker of a demo."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.turn.lexicon import words_of
from tools.harness.scenarios import Expected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tools.harness.scenarios import Scenario

MARK = "[INTERRUPTED]"
# After the instant when playback was paused: one block, the fade and the latency of the loudspeaker, with a margin.
_SILENT_AFTER_PAUSE_S = 0.1
# The loudspeaker channel holds nothing but the reply; one step of 16 bits is rounding.
_SILENCE_PEAK = 2
# The reply that was received and what was played may differ by the resampler's rounding.
_SAME_LENGTH_MS = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must have happened."""

    what: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a demo leaves behind; both channels are samples at `rate_hz` from second 0 of the room."""

    events: Sequence[dict[str, Any]]
    history: Sequence[dict[str, Any]]
    microphone: NDArray[np.int16]
    loudspeaker: NDArray[np.int16]
    rate_hz: int

    def of(self, source: str, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind."""
        return [event for event in self.events if event["source"] == source and event["type"] == kind]

    def silent(self, start_s: float, end_s: float) -> bool:
        """Tell whether the loudspeaker gave no sound between two moments."""
        part = self.loudspeaker[int(start_s * self.rate_hz) : int(end_s * self.rate_hz)]
        return not len(part) or int(np.abs(part.astype(np.int32)).max()) <= _SILENCE_PEAK


def load_channels(channels: Path) -> tuple[NDArray[np.int16], NDArray[np.int16], int]:
    """Return what channels.wav has of microphone and loudspeaker, and its rate."""
    with wave.open(str(channels), "rb") as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
        microphone, loudspeaker = frames.reshape(-1, file.getnchannels()).T
        return microphone, loudspeaker, file.getframerate()


def judge(scenario: Scenario, evidence: Evidence) -> list[Check]:
    """Return what the scenario promises, and whether it came true.

    Where something failed, that is all there is to say: what follows from it is not judged.
    """
    failures = dict.fromkeys(event["brief"] for event in evidence.of("satellite", "failed"))
    if failures:
        return [Check(failure, passed=False) for failure in failures]
    checks = [
        Check("nothing failed", not evidence.of("satellite", "error-cue")),
        Check(
            "the user said everything that was planned", len(evidence.of("room", "user-stops")) == len(scenario.lines)
        ),
        *_understood(scenario, evidence),
    ]
    judges = {
        Expected.ANSWERED: _answered,
        Expected.BARGED_IN: _barged_in,
        Expected.PLAYED_ON: _played_on,
        Expected.SILENCED: _silenced,
        Expected.MERGED: _merged,
    }
    return checks + judges[scenario.expected](evidence)


def expected_by(evidence: Evidence) -> Expected:
    """Return what a scenario would have to expect for this to be all right: for what nobody has planned."""
    reasons = {event["reason"] for event in evidence.of("satellite", "interrupt")}
    by_reason = {"stop-word": Expected.SILENCED, "speech": Expected.BARGED_IN, "early": Expected.MERGED}
    cut = next((expected for reason, expected in by_reason.items() if reason in reasons), None)
    if cut is not None:
        return cut
    return Expected.PLAYED_ON if len(evidence.of("room", "user-speaks")) > 1 else Expected.ANSWERED


def _understood(scenario: Scenario, evidence: Evidence) -> list[Check]:
    asked = [event["text"] for event in evidence.of("satellite", "ask")]
    if not scenario.texts:
        return [Check("the recordings were transcribed", bool(asked) and all(asked))]
    # Recognisers differ in capitals and full stops.
    same_words = [words_of(text) for text in asked] == [words_of(text) for text in scenario.texts]
    return [Check(f"asked as spoken: {', '.join(map(repr, scenario.texts))}", same_words)]


def _answered(evidence: Evidence) -> list[Check]:
    played = evidence.of("satellite", "reply-played")
    history = evidence.history
    return [
        Check("the answer was played to its end", len(played) == 1),
        Check(
            "the history has the question and the whole answer",
            [message["role"] for message in history] == ["user", "assistant"] and not history[1]["interrupted"],
        ),
    ]


def _barged_in(evidence: Evidence) -> list[Check]:
    return [
        *_cut(evidence, "speech"),
        Check(
            "the history has both questions, what was heard, and the second answer",
            [(message["role"], message["interrupted"]) for message in evidence.history]
            == [("user", False), ("assistant", True), ("user", False), ("assistant", False)],
        ),
        Check("the second answer was played to its end", len(evidence.of("satellite", "reply-played")) == 1),
    ]


def _silenced(evidence: Evidence) -> list[Check]:
    return [
        *_cut(evidence, "stop-word"),
        Check("no new turn followed", len(evidence.of("satellite", "ask")) == 1),
        Check("the satellite rests", evidence.of("satellite", "phase")[-1]["phase"] == "idle"),
    ]


def _cut(evidence: Evidence, reason: str) -> list[Check]:
    interrupts = evidence.of("satellite", "interrupt")
    if len(interrupts) != 1:
        return [Check("the reply was cut off once", passed=False)]
    interrupt = interrupts[0]
    # A pause that was resumed is none that silenced it.
    resumed_at = max((resume["t"] for resume in evidence.of("satellite", "resume")), default=0.0)
    pauses = [pause["t"] for pause in evidence.of("satellite", "pause") if pause["t"] > resumed_at]
    stopped_at = min([*pauses, interrupt["t"]])
    next_start = [event["t"] for event in evidence.of("satellite", "reply-started") if event["t"] > interrupt["t"]]
    until = min(next_start, default=len(evidence.loudspeaker) / evidence.rate_hz) - _SILENT_AFTER_PAUSE_S
    heard = interrupt["heard"]
    assistant = next((message for message in evidence.history if message["role"] == "assistant"), None)
    return [
        Check(f"the reply was cut off once, by {reason}", interrupt["reason"] == reason),
        Check("something of it had been heard", bool(heard)),
        Check(
            "the loudspeaker fell silent and stayed so until the next reply",
            evidence.silent(stopped_at + _SILENT_AFTER_PAUSE_S, until),
        ),
        Check("generation stopped", _stopped(evidence, "llm", "generation", interrupt["t"])),
        Check("synthesis stopped", _stopped(evidence, "tts", "synthesis", interrupt["t"])),
        Check(
            "the history says exactly what was heard",
            assistant is not None and assistant["content"] == f"{heard} {MARK}" and assistant["interrupted"],
        ),
    ]


def _stopped(evidence: Evidence, source: str, work: str, interrupted_s: float) -> bool:
    """Tell whether a server's work was cancelled, or had been done before there was anything to cancel."""
    finished = [event for event in evidence.of(source, f"{work}-finished") if event["t"] < interrupted_s]
    return bool(finished or evidence.of(source, f"{work}-cancelled"))


def _played_on(evidence: Evidence) -> list[Check]:
    played = evidence.of("satellite", "reply-played")
    received = evidence.of("satellite", "reply-received")
    whole = (
        len(played) == len(received) == 1 and abs(played[0]["played_ms"] - received[0]["audio_ms"]) <= _SAME_LENGTH_MS
    )
    pauses, resumes = evidence.of("satellite", "pause"), evidence.of("satellite", "resume")
    return [
        Check("the reply was not cut off", not evidence.of("satellite", "interrupt")),
        Check("every pause was resumed", len(pauses) == len(resumes)),
        Check("all of the reply was played", whole),
        Check("the history has the whole reply", [m["interrupted"] for m in evidence.history] == [False, False]),
    ]


def _merged(evidence: Evidence) -> list[Check]:
    interrupts = evidence.of("satellite", "interrupt")
    started = evidence.of("satellite", "reply-started")
    users = [message["content"] for message in evidence.history if message["role"] == "user"]
    asked = [event["text"] for event in evidence.of("satellite", "ask")]
    return [
        Check("the first request was withdrawn early", [event["reason"] for event in interrupts] == ["early"]),
        Check("nothing of the first reply was heard", [event["epoch"] for event in started] == [2]),
        Check("the history has one question, of both parts", users == [" ".join(asked)]),
    ]
