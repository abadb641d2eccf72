"""The traces of all processes as one timeline in seconds of the room's clock."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_TEXT_WIDTH = 68
# What a person follows; the rest is for programs.
_SHOWN = {
    ("room", "user-speaks"): "the user speaks: {clip}",
    ("room", "user-stops"): "the user has finished",
    ("room", "loudspeaker-starts"): "the loudspeaker starts",
    ("room", "loudspeaker-stops"): "the loudspeaker is silent",
    ("satellite", "phase"): "{was} -> {phase}",
    ("satellite", "duck"): "ducks at {position_ms:.0f} ms of the reply",
    ("satellite", "unduck"): "full level again",
    ("satellite", "pause"): "pauses at {position_ms:.0f} ms of the reply",
    ("satellite", "resume"): "goes on, {rewound_ms:.0f} ms back",
    ("satellite", "say-again"): "says it again, {rewound_ms:.0f} ms back",
    ("satellite", "decided"): 'decides by {rule}: "{text}"',
    ("satellite", "interrupt"): 'interrupted ({reason}); heard: "{heard}"',
    ("satellite", "ask"): 'asks: "{text}"',
    ("satellite", "reply-played"): "the reply was played to its end",
    ("satellite", "failed"): "FAILED: {error}",
    ("satellite", "error-cue"): "error tone",
    ("satellite", "echo"): "echo {echo_db:.0f} dB: speech barge-in safe: {safe}",
    ("satellite", "device"): "sound device: {text}",
    ("stt", "partial"): 'stable so far: "{text}"',
    ("stt", "transcript"): 'transcript: "{text}" ({took_s:.3f} s after the audio)',
    ("llm", "first-token"): "first word after {took_s:.3f} s",
    ("llm", "generation-finished"): "the reply is generated",
    ("llm", "generation-cancelled"): "generation stopped ({reason})",
    ("llm", "interrupted"): 'the history says: "{content}"',
    ("tts", "first-audio"): "first audio after {took_s:.4f} s",
    ("tts", "synthesis-finished"): "all is synthesised ({audio_ms:.0f} ms)",
    ("tts", "synthesis-cancelled"): "synthesis stopped ({reason})",
}


@dataclass(slots=True)
class _Tail:
    path: Path
    offset: int = 0
    rest: str = ""

    def read(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            file.seek(self.offset)
            text = self.rest + file.read()
            self.offset = file.tell()
        *lines, self.rest = text.split("\n")
        yield from (json.loads(line) for line in lines)


@dataclass(slots=True)
class Timeline:
    """Follows trace files; `events` holds what has been read, each with `t`, `source` and `type`, by time."""

    paths: Sequence[Path]
    events: list[dict[str, Any]] = field(default_factory=list)
    _tails: list[_Tail] = field(default_factory=list)
    _early: list[dict[str, Any]] = field(default_factory=list)
    _zero: float | None = None
    _shown_until: float = -1.0

    def __post_init__(self) -> None:
        self._tails = [_Tail(path) for path in self.paths]

    def read_new(self) -> None:
        """Read what was written since the last call; records from before the room's clock are dropped."""
        records = [*self._early, *(record for tail in self._tails for record in tail.read())]
        if self._zero is None:
            self._zero = next((r["mono"] - r["t"] for r in records if r["type"] == "clock"), None)
        if self._zero is None:
            self._early = records
            return
        self._early = []
        placed = [_placed(record, self._zero) for record in records if record["type"] != "clock"]
        self.events.extend(event for event in placed if event["t"] >= 0)
        self.events.sort(key=lambda event: float(event["t"]))

    def next_to_show(self, until: float) -> list[dict[str, Any]]:
        """Return the events up to a moment that were not returned before, in order of time."""
        shown = self._shown_until
        self._shown_until = until
        return [event for event in self.events if shown < event["t"] <= until]

    def now(self) -> float:
        """Return the present moment in seconds of the room's clock; 0 before it runs."""
        return 0.0 if self._zero is None else time.monotonic() - self._zero


def _placed(record: dict[str, Any], zero: float) -> dict[str, Any]:
    t = record["t"] if "t" in record else round(record["mono"] - zero, 4)
    rest = {key: value for key, value in record.items() if key not in {"mono", "t", "source", "type"}}
    return {"t": t, "source": record["source"], "type": record["type"], **rest}


def describe(event: dict[str, Any]) -> str | None:
    """Return a line for people, None for what they need not see."""
    template = _SHOWN.get((event["source"], event["type"]))
    if template is None:
        return None
    # An error ends with the remedy: it is shown whole.
    fields = {
        key: _short(value) if isinstance(value, str) and key != "error" else value for key, value in event.items()
    }
    return f"{event['t']:7.2f} s  {event['source']:<9}  {template.format(**fields)}"


def _short(text: str) -> str:
    if len(text) <= _TEXT_WIDTH:
        return text
    half = _TEXT_WIDTH // 2 - 2
    return f"{text[:half]} … {text[-half:]}"
