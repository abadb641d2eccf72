"""Bytes that somebody thought out to hurt a reader of Wyoming frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEPT = Path(__file__).parents[2] / "tests" / "wire" / "corpus"
_LENGTHS = (
    "-1", "-9223372036854775808", "2147483648", "9223372036854775808", "18446744073709551616", "1180591620717411303424",
    "1.5", "4.0", "1e3", "1e308", "1e999", "NaN", "Infinity", "-Infinity", '"4"', '""', "true", "false", "null", "[]",
    "[4]", "{}",
)  # fmt: skip
_NUMBERS: tuple[Any, ...] = (0, -1, 1.5, 2**70, 1e308, float("nan"), "16000", None, [], True)
# A line that nobody logged; a terminal would clear its screen, and change its title.
MADE_UP_LINE = "2001-01-01 00:00:00,000 INFO satellite: Home Assistant connected"
_ESCAPES = f"\x1b[2J\x1b]0;owned\x07\r\n{MADE_UP_LINE}\n\x00\u202e\u2028"


def crafted() -> Iterator[tuple[str, bytes]]:
    """Give inputs by name, each of them all that one connection sends before it ends its side.

    What has no rule is kept in files; what once did harm is tried for ever by one more of them. Blocking.
    """
    for path in sorted(_KEPT.glob("*.raw")):
        yield path.stem, path.read_bytes()
    rules = {"length": _lengths(), "header": _headers(), "nested": _nested(), "text": _texts(), "mistaken": _mistaken()}
    for kind, inputs in rules.items():
        for number, raw in enumerate(inputs, 1):
            yield f"{kind} {number}", raw


def _lengths() -> Iterator[bytes]:
    for key in ("data_length", "payload_length"):
        for length in _LENGTHS:
            yield b'{"type": "audio-chunk", "%b": %b}\n' % (key.encode(), length.encode()) + bytes(16)


def _headers() -> Iterator[bytes]:
    """Give large ones."""
    yield b"\n" * 10_000
    yield b" " * 60_000 + b"\n"
    yield bytes(2000) + b"\n"
    yield b'{"type": "' + b"a" * 65_000 + b'"}\n'
    yield b'{"type": "' + b"a" * 900_000 + b'"}\n'
    yield b'{"type": "' + b"a" * 3_000_000
    yield b'{"type": "ping", "n": ' + b"9" * 60_000 + b"}\n"
    yield b'{"type": "ping", "n": ' + b"9" * 4000 + b"e" + b"9" * 4000 + b"}\n"
    yield b'{"type": "ping", ' + b'"a": 1, ' * 8000 + b'"b": 2}\n'


def _nested() -> Iterator[bytes]:
    for depth in (60, 500, 900, 30_000, 60_000):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            whole = opening * depth + b"1" + closing * depth
            yield b'{"type": "ping", "data": {"text": ' + whole + b"}}\n"
            yield b'{"type": "ping", "data_length": %d}\n' % len(whole) + whole
            yield b'{"type": "ping", "data": ' + opening * depth + b"\n"


def _texts() -> Iterator[bytes]:
    """Give texts that ought not to reach a log, a terminal or a file name as they are."""
    path, long = "../../../../etc/passwd", "x" * 50_000
    for text in (_ESCAPES, path, long, "\ud800", "%s%n{0}{self}", "'; drop table turns; --"):
        yield _frame(_ESCAPES, {"text": text})
        yield _frame("ping", {"text": text})
        yield _frame("transcribe", {"name": text, "language": text, "context": {"names": [text]}})
        yield _frame("transcript", {"text": text, "language": text, "context": {"conversation_id": text}})
        yield _frame("synthesize", {"text": text, "voice": {"name": text, "language": text, "speaker": text}})
        yield _frame("timer-started", {"id": text, "name": text, "total_seconds": 60})
        yield _frame("error", {"text": text, "code": text})
        yield _frame("user-event", {"name": "interrupt", "data": {"reason": text, "text": text, "heard": text}})


def _mistaken() -> Iterator[bytes]:
    """Give events that services know, with fields that make no sense."""
    for number in _NUMBERS:
        sound = {"rate": number, "width": 2, "channels": 1}
        yield _frame("audio-start", sound)
        yield _frame("audio-chunk", sound, bytes(33))
        yield _frame("audio-chunk", {"rate": 16_000, "width": number, "channels": 1}, bytes(32))
        yield _frame("audio-chunk", {"rate": 16_000, "width": 2, "channels": number}, bytes(32))
        yield _frame("timer-started", {"id": number, "total_seconds": number, "name": number})
        yield _frame("synthesize", {"text": number, "voice": number})
        yield _frame("transcript", {"text": number, "context": number})
        yield _frame("transcribe", {"name": number, "language": number, "context": number})
        yield _frame("user-event", {"name": "interrupt", "data": {"epoch": number, "heard_ms": number}})
        yield _frame("ping", {"text": number})
        yield _frame("run-pipeline", {"start_stage": number, "end_stage": number})


def _frame(kind: str, data: dict[str, Any], payload: bytes = b"") -> bytes:
    content = json.dumps(data).encode()
    header = {"type": kind, "data_length": len(content), "payload_length": len(payload)}
    return json.dumps(header).encode() + b"\n" + content + payload
