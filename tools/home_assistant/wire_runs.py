"""The satellite's traffic as pipeline runs and streams of reply audio; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wyoming.event import Event

    from tools.home_assistant.proxy import Passed

VALIDATION_ERROR = "validation-error"
# A run that got so much speech and passed none of it on is deaf.
_DEAF_AFTER_S = 1.0
_DEAF_SHARE = 0.25


@dataclass(slots=True)
class Run:
    """One `run-pipeline` of the satellite, and what came of it until the next."""

    asked: float
    null: bool
    until: float = math.inf
    # Moments.
    answered: dict[str, float] = field(default_factory=dict)
    transcript: str | None = None
    reply: str | None = None
    errors: list[str] = field(default_factory=list)
    sent_s: float = 0.0
    # 16 kHz, 16-bit, mono.
    stt_audio: bytes = b""

    def at(self, kind: str) -> float | None:
        """Return when the first event of a kind came, or went, in this run."""
        return self.answered.get(kind)

    @property
    def deaf(self) -> bool:
        """Whether Home Assistant let nothing through to STT."""
        received_s = len(self.stt_audio) / 32_000
        waited = self.sent_s > _DEAF_AFTER_S and received_s < self.sent_s * _DEAF_SHARE
        return not self.null and waited and self.transcript is None


@dataclass(slots=True)
class Stream:
    """Reply audio of one stream: chunks with their moments."""

    opened: float
    next_timestamp: int = 0
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    stopped: float | None = None
    timestamped_stop: bool = True


def runs_of(wire: Sequence[Passed]) -> list[Run]:
    """Split the traffic; what Home Assistant sends to STT belongs to the run that was asked for last."""
    runs: list[Run] = []
    for passed in wire:
        if passed.role == "satellite" and passed.type == "run-pipeline" and not passed.from_home:
            if runs:
                runs[-1].until = passed.mono
            runs.append(Run(passed.mono, null=passed.event.data["start_stage"] == "tts"))
        elif runs:
            _note(runs[-1], passed)
    return runs


def _note(run: Run, passed: Passed) -> None:
    event = passed.event
    if passed.role == "stt":
        if passed.from_home and event.type == "audio-chunk":
            run.stt_audio += event.payload or b""
        return
    if passed.role != "satellite":
        return
    if event.type == "audio-chunk" and not passed.from_home:
        run.sent_s += _seconds(event)
        return
    name = event.type if passed.from_home else f"satellite {event.type}"
    run.answered.setdefault(name, passed.mono)
    if event.type == "error" and passed.from_home:
        run.errors.append(str(event.data.get("code")))
    elif event.type == "transcript":
        run.transcript = event.data["text"]
    elif event.type == "synthesize":
        run.reply = event.data["text"]


def streams_of(wire: Iterable[Passed]) -> list[Stream]:
    """Take the interleaved reply audio apart again, by the timestamp that each stream must have next."""
    streams: list[Stream] = []
    for passed in wire:
        if passed.role != "satellite" or not passed.from_home:
            continue
        timestamp = passed.event.data.get("timestamp")
        if passed.type == "audio-start":
            streams.append(Stream(passed.mono))
        elif passed.type == "audio-chunk":
            stream = _expecting(streams, timestamp)
            if stream is None:
                streams.append(stream := Stream(passed.mono))
            stream.chunks.append((passed.mono, passed.event.payload or b""))
            stream.next_timestamp = (timestamp or 0) + int(_seconds(passed.event) * 1000)
        elif passed.type == "audio-stop":
            stream = _expecting(streams, timestamp) or next((s for s in reversed(streams) if s.stopped is None), None)
            if stream is not None:
                stream.stopped, stream.timestamped_stop = passed.mono, timestamp is not None
    return streams


def stale_chunks(streams: Sequence[Stream], since: float, until: float) -> int:
    """Count the chunks that came between two moments of streams that had begun before."""
    return sum(since <= mono < until for s in streams if s.opened < since for mono, _ in s.chunks)


def _expecting(streams: Sequence[Stream], timestamp: int | None) -> Stream | None:
    live = [s for s in streams if s.stopped is None]
    return next((s for s in reversed(live) if s.next_timestamp == timestamp), None)


def _seconds(event: Event) -> float:
    data = event.data
    return len(event.payload or b"") / float(data["rate"] * data["width"] * data["channels"])
