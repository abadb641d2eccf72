"""Makes recordings for the tests of what script/test-homeassistant left behind: a real Home Assistant's own words."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.wire.errors import InterjectError
from tools.home_assistant.evidence import read_trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Record = dict[str, Any]

# Each with the number of utterances that are worth keeping; None: all.
SCENES: dict[str, int | None] = {
    "ordinary": None,
    "barge-in": None,
    # Three interruptions: by then the audio of three old replies comes between that of the new one.
    "slow-speech": 4,
    "thinking-any-agent": None,
    "announcement": None,
    "announcement-cut": None,
    "tts-killed": None,
    "mute": None,
    "streaming": None,
}
# What the conversation asks of its pipeline, as the satellite's trace has it; with the fields that say of what.
CALLS = {
    "stt-open": ("stream",),
    "stt-end": ("stream",),
    "stt-abort": ("stream",),
    "ask": ("epoch",),
    "interrupt": ("epoch", "reason"),
    "reply-played": ("epoch",),
    "announcement": ("epoch",),
}
# Chunks that follow each other within this time are one line, and taken to be spread evenly over its time.
_GAP_S = 0.1
_SIZE_BYTES = 60_000


class UnclearSpeechError(InterjectError):
    """A chunk, or an end, may belong to several streams or to none: nobody could say what should be heard."""

    def __init__(self, kind: str, timestamp_ms: int | None, streams: Sequence[int]) -> None:
        super().__init__(
            f"{kind} with timestamp {timestamp_ms} fits {len(streams)} of the streams under way; play the scene again"
        )
        self.timestamp_ms = timestamp_ms


class NothingPlayedError(InterjectError):
    """The scene was not played, or the satellite never found."""

    def __init__(self) -> None:
        super().__init__("Home Assistant sent no run-satellite; play the scene with script/test-homeassistant first")


class SpeechLostError(InterjectError):
    """A stream has not the length of anything that the TTS server spoke."""

    def __init__(self, stream: int, size_bytes: int) -> None:
        super().__init__(
            f"stream {stream} has {size_bytes} bytes, and the TTS server never spoke as many; play the scene again"
        )


class RecordingTooLargeError(InterjectError):
    """A recording is no small file any more."""

    def __init__(self, name: str, size_bytes: int) -> None:
        super().__init__(f"{name} would have {size_bytes} bytes, more than {_SIZE_BYTES}; record a shorter scene")


@dataclass(slots=True)
class Streams:
    """Numbers the streams of speech from 1 on, knowing the timestamp that each must have next.

    Unlike the satellite it never guesses.
    """

    count: int = 0
    next_ms: dict[int, int] = field(default_factory=dict)

    def number(self, record: Record) -> int | None:
        """Return the stream of an event, None if it is of none; raises UnclearSpeechError."""
        kind, data = record["type"], record["data"]
        if kind == "audio-start":
            return self._open()
        if kind not in {"audio-chunk", "audio-stop"}:
            return None
        timestamp = data.get("timestamp")
        fits = [stream for stream, expected in self.next_ms.items() if timestamp in (expected, None)]
        if kind == "audio-chunk" and timestamp == 0 and not fits:
            fits = [self._open()]
        if len(fits) != 1:
            raise UnclearSpeechError(kind, timestamp, fits)
        if kind == "audio-stop":
            del self.next_ms[fits[0]]
        else:
            self.next_ms[fits[0]] += length_ms(record)
        return fits[0]

    def _open(self) -> int:
        self.count += 1
        self.next_ms[self.count] = 0
        return self.count


def length_ms(record: Record) -> int:
    """Return the whole milliseconds of a chunk."""
    data = record["data"]
    return int(record["bytes"] / (data["rate"] * data["width"] * data["channels"]) * 1000)


def recording(wire: Iterable[Record], trace: Iterable[Record]) -> Iterator[Record]:
    """Put the wire and the satellite's calls together, in order; `t` counts from the first `run-satellite`.

    The microphone's audio is left out, and so is all that the satellite's own pipeline notes; raises
    NothingPlayedError, UnclearSpeechError.
    """
    passed = [_passed(record) for record in wire if record["role"] == "satellite"]
    passed = [record for record in passed if (record["direction"], record["type"]) != ("satellite", "audio-chunk")]
    called = [_called(record) for record in trace if record["source"] == "satellite" and record["type"] in CALLS]
    zero = min((record["t"] for record in passed if record["type"] == "run-satellite"), default=None)
    if zero is None:
        raise NothingPlayedError
    streams = Streams()
    for record in sorted((*passed, *called), key=lambda record: float(record["t"])):
        stream = streams.number(record) if record["direction"] == "home" else None
        numbered = record if stream is None else {**record, "stream": stream}
        yield {**numbered, "t": round(record["t"] - zero, 4)}


def _passed(record: Record) -> Record:
    return {
        "t": record["mono"],
        "direction": "home" if record["from_home"] else "satellite",
        "type": record["type"],
        "data": record["data"],
        **({"bytes": record["bytes"]} if record["bytes"] else {}),
    }


def _called(record: Record) -> Record:
    data = {name: record[name] for name in CALLS[record["type"]]}
    return {"t": record["mono"], "direction": "call", "type": record["type"], "data": data}


def _first_utterances(records: Iterable[Record], count: int | None) -> Iterator[Record]:
    """Leave out everything from the utterance on that is one too many."""
    opened = 0
    for record in records:
        opened += record["type"] == "stt-open"
        if count is not None and opened > count:
            return
        yield record


def compact(records: Iterable[Record]) -> Iterator[Record]:
    """Make one line of chunks that come at once: `chunks` has stream, first timestamp and number of each run of them.

    The timestamps of a run advance by the whole milliseconds of a chunk.
    """
    bursts = _Bursts()
    for _, burst in groupby(records, bursts.number):
        first, *others = burst
        if first["type"] != "audio-chunk":
            yield first
            continue
        data = {name: value for name, value in first["data"].items() if name != "timestamp"}
        line = {"t": first["t"], "until": first["t"], **first, "data": data}
        chunks = [[line.pop("stream"), first["data"]["timestamp"], 1]]
        for record in others:
            line["until"] = record["t"]
            _extend(chunks, record)
        yield {**line, "chunks": chunks}


def _extend(chunks: list[list[int]], record: Record) -> None:
    stream, first_ms, count = chunks[-1]
    timestamp = record["data"]["timestamp"]
    if stream == record["stream"] and timestamp == first_ms + count * length_ms(record):
        chunks[-1][2] += 1
    else:
        chunks.append([record["stream"], timestamp, 1])


@dataclass(slots=True)
class _Bursts:
    """Gives records that can be one line the same number."""

    count: int = 0
    last: Record | None = None

    def number(self, record: Record) -> int:
        last, self.last = self.last, record
        if last is None or not _joins(last, record):
            self.count += 1
        return self.count


def _joins(last: Record, record: Record) -> bool:
    if last["type"] != "audio-chunk" or record["type"] != "audio-chunk":
        return False
    kinds = [(r["direction"], r["bytes"], r["data"]["rate"], r["data"]["width"]) for r in (last, record)]
    return kinds[0] == kinds[1] and record["t"] - last["t"] <= _GAP_S


def check_lengths(records: Iterable[Record], wire: Iterable[Record]) -> None:
    """Hold each stream that came to its end against what the TTS server spoke; raises SpeechLostError."""
    spoken: Counter[int] = Counter()
    for record in wire:
        if (record["role"], record["type"], record["from_home"]) == ("tts", "audio-chunk", False):
            spoken[record["connection"]] += record["bytes"]
    sizes: Counter[int] = Counter()
    for record in records:
        stream = record.get("stream")
        if record["type"] == "audio-chunk" and stream is not None:
            sizes[stream] += record["bytes"]
        elif record["type"] == "audio-stop" and stream is not None and sizes[stream] not in spoken.values():
            raise SpeechLostError(stream, sizes[stream])


def lines_of(folder: Path, version: str) -> list[str]:
    """Return the lines of a scene's recording; raises NothingPlayedError, UnclearSpeechError, SpeechLostError."""
    wire = list(read_trace(folder / "wire.jsonl"))
    traces = sorted(folder.glob("satellite-*/satellite.jsonl"))
    records = list(recording(wire, (record for path in traces for record in read_trace(path))))
    check_lengths(records, wire)
    lines = (
        {"home_assistant": version, "scene": folder.name},
        *compact(_first_utterances(records, SCENES.get(folder.name))),
    )
    return [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in lines]


def main() -> int:
    """Write the recordings; status 2 when one cannot be made."""
    arguments = _parse(sys.argv[1:])
    version = arguments.played.name
    try:
        for scene in arguments.scene or SCENES:
            _write(arguments.into / f"{version}-{scene}.jsonl", lines_of(arguments.played / scene, version))
    except InterjectError as error:
        sys.stderr.write(f"record_traces: {scene}: {error}\n")
        return 2
    return 0


def _write(path: Path, lines: Sequence[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if len(text.encode()) > _SIZE_BYTES:
        raise RecordingTooLargeError(path.name, len(text.encode()))
    path.write_text(text, encoding="utf-8")
    sys.stderr.write(f"{path}: {len(lines)} lines, {len(text.encode())} bytes\n")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.generators.record_traces", description=__doc__)
    parser.add_argument("played", type=Path, metavar="WORK/VERSION", help="what script/test-homeassistant left behind")
    parser.add_argument("into", type=Path, metavar="FOLDER", help="where the recordings go")
    parser.add_argument("--scene", action="append", metavar="NAME", help="only this one; repeatable")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
