"""What a scene left behind: the wire, the traces of the four processes, the recorded loudspeaker.

All times are seconds of the machine's monotonic clock, which traces, proxies and the room share.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.harness.checks import load_channels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tools.home_assistant.proxy import Passed
    from tools.home_assistant.scenes import Scene

# One step of 16 bits is rounding.
SILENCE_PEAK = 2


@dataclass(frozen=True, slots=True)
class Life:
    """One process of the satellite and the room it was in: `loudspeaker` from its clock's zero on."""

    zero_mono: float
    events: Sequence[dict[str, Any]]
    loudspeaker: NDArray[np.int16]
    rate_hz: int

    @property
    def end_mono(self) -> float:
        """When the recording ends."""
        return self.zero_mono + len(self.loudspeaker) / self.rate_hz

    def frame(self, mono: float) -> int:
        """Return the frame of the recording that sounds at a moment."""
        return min(max(0, round((mono - self.zero_mono) * self.rate_hz)), len(self.loudspeaker))

    def mono(self, frame: float) -> float:
        """Return when a frame of the recording sounds."""
        return self.zero_mono + frame / self.rate_hz

    def audible(self, start: float, stop: float) -> NDArray[np.intp]:
        """Return the frames with sound between two moments, in frames of the recording."""
        begin = self.frame(start)
        part = np.abs(self.loudspeaker[begin : self.frame(stop)].astype(np.int32))
        return begin + np.flatnonzero(part > SILENCE_PEAK)

    def first_sound(self, start: float, stop: float = math.inf) -> float | None:
        """Return when the first sound between two moments is heard, None for silence."""
        frames = self.audible(start, min(stop, self.end_mono))
        return self.mono(int(frames[0])) if len(frames) else None

    def last_sound(self, start: float, stop: float = math.inf) -> float | None:
        """Return when the last sound between two moments ends, None for silence."""
        frames = self.audible(start, min(stop, self.end_mono))
        return self.mono(int(frames[-1]) + 1) if len(frames) else None


@dataclass(frozen=True, slots=True)
class Said:
    """A line in the room: its first and last sound, and when the next one began."""

    number: int
    life: Life
    onset: float
    end: float
    until: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything; `servers` are the records of STT, LLM and TTS, `history` the bridge's, `seen` the action's notes."""

    scene: Scene
    lives: Sequence[Life]
    servers: Sequence[dict[str, Any]]
    wire: Sequence[Passed]
    history: Sequence[dict[str, Any]]
    seen: dict[str, float]

    def of(self, source: str, kind: str, since: float = 0.0, until: float = math.inf) -> list[dict[str, Any]]:
        """Return the trace's records of a kind between two moments."""
        events = self.servers if source in {"stt", "llm", "tts"} else [e for life in self.lives for e in life.events]
        return [e for e in events if (e["source"], e["type"]) == (source, kind) and since <= e["mono"] < until]

    def passed(
        self, role: str, kind: str, since: float = 0.0, until: float = math.inf, *, from_home: bool
    ) -> list[Passed]:
        """Return the wire's events of a kind between two moments."""
        wanted = (role, kind, from_home)
        return [p for p in self.wire if (p.role, p.type, p.from_home) == wanted and since <= p.mono < until]

    def said(self) -> list[Said]:
        """Return what the user said, in order, as far as it was said."""
        found = []
        speaks = [(life, e) for life in self.lives for e in life.events if e["type"] == "user-speaks"]
        for number, (life, event) in enumerate(speaks):
            stop = next((e for e in life.events if e["type"] == "user-stops" and e["mono"] > event["mono"]), None)
            until = speaks[number + 1][1]["mono"] if number + 1 < len(speaks) else math.inf
            end = stop["mono"] if stop else life.end_mono
            found.append(Said(number, life, life.zero_mono + event["onset_t"], end, until))
        return found


def read_life(trace: Path, channels: Path) -> Life:
    """Read one satellite's trace and its room's recording."""
    records = list(read_trace(trace))
    zero = next(r["mono"] - r["t"] for r in records if r["type"] == "clock")
    _, loudspeaker, rate_hz = load_channels(channels)
    events = [{**r, "mono": zero + r["t"]} if "t" in r else r for r in records]
    return Life(zero, sorted(events, key=lambda e: float(e["mono"])), loudspeaker, rate_hz)


def read_trace(path: Path) -> Iterator[dict[str, Any]]:
    """Read the whole lines of a trace, if there is one."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            yield json.loads(line)
