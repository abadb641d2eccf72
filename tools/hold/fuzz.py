"""Well-framed events with wrong fields, without end: the same ones for the same seed."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# What each listener makes something of; the others' events come too.
_OWN: Mapping[str, Sequence[str]] = {
    "stt": ("transcribe", "audio-start", "audio-chunk", "audio-stop"),
    "llm": ("transcript", "user-event"),
    "tts": ("synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop", "user-event"),
    "satellite": (
        "run-satellite", "pause-satellite", "audio-start", "audio-chunk", "audio-stop", "detect", "detection",
        "transcribe", "transcript", "voice-started", "voice-stopped", "synthesize", "error", "pong", "timer-started",
        "timer-updated", "timer-cancelled", "timer-finished", "run-pipeline",
    ),
}  # fmt: skip
_ANY = ("describe", "ping", "info", "handled", "not-handled", "intent", "played", "no-such-event", "\n\x1b", "ä")
_FIELDS = (
    "text", "name", "names", "language", "rate", "width", "channels", "timestamp", "context", "data", "voice", "id",
    "total_seconds", "start_seconds", "is_active", "command", "reason", "epoch", "heard", "heard_ms", "marks", "code",
    "start_stage", "end_stage", "restart_on_end", "confidence", "conversation_id", "satellite_id", "nobody's",
)  # fmt: skip
# Fields that services read together: at random they would hardly ever meet.
_TOGETHER = (
    ("rate", "width", "channels", "timestamp"),
    ("text", "language", "context"),
    ("text", "voice"),
    ("name", "data", "context"),
    ("id", "total_seconds", "name", "start_seconds"),
)
_NUMBERS = (0, 1, 2, -1, 3, 16_000, 22_050, 2**31, 2**53, 2**63, 2**70, -(2**70), 0.5, -0.0, 1e308, 5e-324)
_TEXTS = (
    "", " ", "stop", "what time is it", "interrupt", "en", "xx-XX", "\ud800", "\x00", "\x1b[31m", "a\nb", "٣", "𝄞",
    "<speak>", "../..", "%s", "NaN",
)  # fmt: skip
_VALUES: Sequence[Sequence[object]] = (
    _TEXTS,
    _NUMBERS,
    (float("nan"), float("inf"), float("-inf")),
    (None, True, False),
)
_RIGHT: Mapping[str, object] = {
    "rate": 16_000, "width": 2, "channels": 1, "timestamp": 0, "text": "stop", "language": "en", "context": {},
    "name": "interrupt", "data": {"reason": "speech", "epoch": 1, "text": "stop", "heard": "stop"}, "id": "tea",
    "total_seconds": 60, "start_seconds": 60, "voice": {"language": "en"},
}  # fmt: skip
_LONGEST_PAYLOAD = 200
_DEPTH = 3
_FOR_THIS_LISTENER = 0.8
_HALF = 0.5
_LEFT_OUT = 0.1
_NESTED = 0.3


class Fuzzer:
    """Makes frames for a listener."""

    def __init__(self, listener: str, chance: random.Random) -> None:
        self._random = chance
        self._own = _OWN[listener]

    def frame(self) -> bytes:
        """Return one frame."""
        chance = self._random
        kind = chance.choice(self._own if chance.random() < _FOR_THIS_LISTENER else _ANY)
        data = json.dumps(self._fields()).encode()
        payload = chance.randbytes(chance.randrange(_LONGEST_PAYLOAD)) if kind == "audio-chunk" else b""
        if chance.random() < _HALF:
            return b'{"type": %b, "data": %b, "payload_length": %d}\n%b' % (_json(kind), data, len(payload), payload)
        lengths = len(data), len(payload), data, payload
        return b'{"type": %b, "data_length": %d, "payload_length": %d}\n%b%b' % (_json(kind), *lengths)

    def corrupted(self) -> bytes:
        """Return a frame in which some bytes are others."""
        raw = bytearray(self.frame())
        for _ in range(self._random.randint(1, 8)):
            raw[self._random.randrange(len(raw))] = self._random.randrange(256)
        return bytes(raw)

    def _fields(self) -> dict[str, Any]:
        chance = self._random
        names = [*chance.choice(_TOGETHER), *chance.choices(_FIELDS, k=chance.randrange(3))]
        return {name: self._field(name) for name in names if chance.random() > _LEFT_OUT}

    def _field(self, name: str) -> object:
        """Return what it ought to be, or anything, so that events get past the first look at them."""
        return _RIGHT[name] if name in _RIGHT and self._random.random() < _HALF else self._value(_DEPTH)

    def _value(self, depth: int) -> object:
        chance = self._random
        if depth and chance.random() < _NESTED:
            many = chance.randrange(4)
            if chance.random() < _HALF:
                return [self._value(depth - 1) for _ in range(many)]
            return {chance.choice(_FIELDS): self._value(depth - 1) for _ in range(many)}
        return chance.choice(chance.choice(_VALUES))


def _json(text: str) -> bytes:
    return json.dumps(text).encode()


def batches(listener: str, seed: int, cases: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Give so many cases in batches for a connection each: the frames, and a corrupted one."""
    fuzzer = Fuzzer(listener, random.Random(f"{listener} {seed}"))  # noqa: S311 - it hides nothing
    while cases > 0:
        count = min(size, cases)
        yield b"".join(fuzzer.frame() for _ in range(count)), fuzzer.corrupted()
        cases -= count
