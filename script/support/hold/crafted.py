"""Bytes that somebody thought out to hurt a reader of Wyoming frames."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTHS = (
    "-1", "-9223372036854775808", "2147483648", "9223372036854775808", "18446744073709551616", "1180591620717411303424",
    "1.5", "4.0", "1e3", "1e308", "1e999", "NaN", "Infinity", "-Infinity", '"4"', '""', "true", "false", "null", "[]",
    "[4]", "{}",
)  # fmt: skip
_NUMBERS: tuple[Any, ...] = (0, -1, 1.5, 2**70, 1e308, float("nan"), "16000", None, [], True)
_OTHER_PROTOCOLS = (
    b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    b"EHLO here\r\n",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\n",
    b"\x00\x00\x00\x2f\xfe\x53\x4d\x42\n",
    b"<?xml version='1.0'?>\n",
)
# A line that nobody logged; a terminal would clear its screen, and change its title.
MADE_UP_LINE = "2001-01-01 00:00:00,000 INFO satellite: Home Assistant connected"
_ESCAPES = f"\x1b[2J\x1b]0;owned\x07\r\n{MADE_UP_LINE}\n\x00\u202e\u2028"


def crafted() -> Iterator[bytes]:
    """Give inputs, each of them all that one connection sends before it ends its side."""
    yield from _OTHER_PROTOCOLS
    yield from _lengths()
    yield from _headers()
    yield from _nested()
    yield from _texts()
    for data in _mistaken():
        yield _frame(**data)


def _lengths() -> Iterator[bytes]:
    for key in ("data_length", "payload_length"):
        for length in _LENGTHS:
            yield b'{"type": "audio-chunk", "%b": %b}\n' % (key.encode(), length.encode()) + bytes(16)
    yield b'{"type": "ping", "data_length": 3, "data_length": 2}\n{}'
    yield b'{"type": "ping", "data_length": 2}\n[]'
    yield b'{"type": "ping", "data_length": 4}\n\xff\xfe{}'
    yield b'{"type": "ping", "data_length": 60000}\n' + b"{}"
    yield b'{"type": "audio-chunk", "payload_length": 4194304}\n' + bytes(1000)


def _headers() -> Iterator[bytes]:
    yield b"\n" * 10_000
    yield b" " * 60_000 + b"\n"
    yield bytes(2000) + b"\n"
    yield b'\xef\xbb\xbf{"type": "ping"}\n'
    yield '{"type": "ping"}\n'.encode("utf-16")
    yield b'{"type": "ping", "data": {"text": "\xe4\xf6"}}\n'
    yield b'{"type": "' + b"a" * 65_000 + b'"}\n'
    yield b'{"type": "' + b"a" * 900_000 + b'"}\n'
    yield b'{"type": "' + b"a" * 3_000_000
    yield b'{"type": "ping", "n": ' + b"9" * 60_000 + b"}\n"
    yield b'{"type": "ping", "n": ' + b"9" * 4000 + b"e" + b"9" * 4000 + b"}\n"
    yield b'{"type": "ping", ' + b'"a": 1, ' * 8000 + b'"b": 2}\n'
    for kind in (b'""', b"5", b"null", b"true", b"[]", b"{}", b"NaN", b'"\\ud800"', b'"\\u0000"'):
        yield b'{"type": %b}\n' % kind
    for data in (b"[]", b'"x"', b"5", b"NaN", b"true"):
        yield b'{"type": "describe", "data": %b}\n' % data
    yield b"{}\n[]\nnull\n5\n"


def _nested() -> Iterator[bytes]:
    for depth in (500, 30_000, 60_000):
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


def _mistaken() -> Iterator[dict[str, Any]]:
    """Give events that services know, with fields that make no sense."""
    for number in _NUMBERS:
        sound = {"rate": number, "width": 2, "channels": 1}
        yield {"kind": "audio-start", "data": sound}
        yield {"kind": "audio-chunk", "data": sound, "payload": bytes(33)}
        yield {"kind": "audio-chunk", "data": {"rate": 16_000, "width": number, "channels": 1}, "payload": bytes(32)}
        yield {"kind": "audio-chunk", "data": {"rate": 16_000, "width": 2, "channels": number}, "payload": bytes(32)}
        yield {"kind": "timer-started", "data": {"id": number, "total_seconds": number, "name": number}}
        yield {"kind": "synthesize", "data": {"text": number, "voice": number}}
        yield {"kind": "transcript", "data": {"text": number, "context": number}}
        yield {"kind": "transcribe", "data": {"name": number, "language": number, "context": number}}
        yield {"kind": "user-event", "data": {"name": "interrupt", "data": {"epoch": number, "heard_ms": number}}}
        yield {"kind": "ping", "data": {"text": number}}
        yield {"kind": "run-pipeline", "data": {"start_stage": number, "end_stage": number}}


def _frame(kind: str, data: dict[str, Any], payload: bytes = b"") -> bytes:
    content = json.dumps(data).encode()
    header = {"type": kind, "data_length": len(content), "payload_length": len(payload)}
    return json.dumps(header).encode() + b"\n" + content + payload
