"""Reads a recording."""

from __future__ import annotations

import json
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wyoming.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER = Path(__file__).parent
VERSIONS = ("2026.11.0", "2026.2.3")
# 16-bit mono.
_FRAME_BYTES = 2
_TAG = struct.Struct("<hh")

# A chunk as it is known again: its stream, and how many chunks of that stream came before it.
Chunk = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One event: when, which way, and what; `stream` says whose speech it begins, is or ends."""

    t: float
    direction: str
    event: Event
    stream: int | None = None

    @property
    def type(self) -> str:
        return self.event.type

    @property
    def name(self) -> str:
        """The type, where a null run is told from a real one."""
        if self.type != "run-pipeline":
            return self.type
        return "null" if self.event.data["start_stage"] == "tts" else "run"


@dataclass(frozen=True, slots=True)
class Recording:
    version: str
    scene: str
    lines: tuple[Line, ...]

    def of(self, direction: str, *types: str) -> list[Line]:
        """Return the events that went one way, of some types or of all."""
        return [line for line in self.lines if line.direction == direction and (not types or line.type in types)]

    def chunks_of(self, stream: int, until: float = float("inf")) -> list[Chunk]:
        """Return the chunks of a stream that came before a moment."""
        chunks = [line for line in self.of("home", "audio-chunk") if line.stream == stream]
        return [(stream, number) for number, line in enumerate(chunks) if line.t < until]

    def spoken_whole(self, stream: int) -> bool:
        """Tell whether a stream came to its end."""
        return any(line.stream == stream for line in self.of("home", "audio-stop"))


def chunk_of(audio: bytes) -> Chunk:
    """Tell which chunk some audio is."""
    stream, number = _TAG.unpack_from(audio)
    return stream, number


def read(version: str, scene: str) -> Recording:
    """Read a recording; chunks get audio that `chunk_of` knows again."""
    heading, *records = map(json.loads, (FOLDER / f"{version}-{scene}.jsonl").read_text("utf-8").splitlines())
    assert heading == {"home_assistant": version, "scene": scene}
    return Recording(version, scene, tuple(expand(records)))


def expand(records: Iterable[dict[str, Any]]) -> Iterator[Line]:
    """Make events of the lines of a recording."""
    counts: Counter[int] = Counter()
    for record in records:
        yield from _lines(record, counts)


def _lines(record: dict[str, Any], counts: Counter[int]) -> Iterator[Line]:
    if "chunks" in record:
        yield from _chunks(record, counts)
    else:
        event = Event(record["type"], record["data"])
        yield Line(record["t"], record["direction"], event, record.get("stream"))


def _chunks(record: dict[str, Any], counts: Counter[int]) -> Iterator[Line]:
    data, size = record["data"], record["bytes"]
    assert data["width"] * data["channels"] == _FRAME_BYTES
    length_ms = int(size / (_FRAME_BYTES * data["rate"]) * 1000)
    stamps = [(stream, first + n * length_ms) for stream, first, count in record["chunks"] for n in range(count)]
    step_s = (record["until"] - record["t"]) / max(1, len(stamps) - 1)
    for place, (stream, timestamp) in enumerate(stamps):
        audio = _TAG.pack(stream, counts[stream]).ljust(size, b"\0")[:size]
        counts[stream] += 1
        event = Event("audio-chunk", {**data, "timestamp": timestamp}, audio)
        yield Line(record["t"] + place * step_s, record["direction"], event, stream)
