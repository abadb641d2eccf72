"""Bytes that are no acceptable frame cost their sender its connection, and nobody else anything."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping

from tests.processes.house import START_S
from wire.client import connect
from wire.framing import DEFAULT_LIMITS, read_event
from wire.uri import open_stream

if TYPE_CHECKING:
    from tests.processes.house import Running

NAMES = ("stt", "llm", "tts", "satellite")
# Nothing here takes long but the deadline of a frame itself; a busy machine gets its time.
ANSWER_S = 15.0

BAD = {
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n", "frame-malformed"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", "frame-malformed"),
    "no type": (b'{"data": {}}\n', "frame-malformed"),
    "a negative length": (b'{"type": "ping", "data_length": -1}\n', "frame-malformed"),
    "nesting without end": (b'{"type": "ping", "data": ' + b"[" * 100_000 + b"\n", "frame-malformed"),
    "a header without end": (b'{"type": "' + b"a" * (2 * DEFAULT_LIMITS.header_bytes), "frame-too-large"),
    "data of a terabyte": (b'{"type": "ping", "data_length": 1099511627776}\n', "frame-too-large"),
    "a payload of a terabyte": (b'{"type": "audio-chunk", "payload_length": 1099511627776}\n', "frame-too-large"),
    "an end inside the header": (b'{"type": "pi', "frame-truncated"),
    "an end inside the payload": (b'{"type": "audio-chunk", "payload_length": 640}\n' + bytes(100), "frame-truncated"),
}


async def error_code(reader: asyncio.StreamReader, timeout_s: float = ANSWER_S) -> str:
    """Return the code of the one error that comes before the end of the connection."""
    async with asyncio.timeout(timeout_s):
        event = await read_event(reader)
        assert event is not None, "closed without a word"
        assert event.type == "error"
        assert await read_event(reader) is None
    return str(event.data["code"])


@pytest.mark.parametrize("name", NAMES)
async def test_bad_frames_close_their_connection_alone(processes: dict[str, Running], name: str) -> None:
    process = processes[name]
    bystander = await connect(process.uri)
    for what, (raw, code) in BAD.items():
        reader, writer = await open_stream(process.uri, ANSWER_S)
        writer.write(raw)
        if code == "frame-truncated":
            writer.write_eof()
        assert await error_code(reader) == code, what
        writer.close()
        async with asyncio.timeout(ANSWER_S):
            await bystander.send(Ping(text=what).event())
            assert (await bystander.receive()).data == {"text": what}
    await bystander.close()
    assert process.is_up()
    assert process.log.count("Traceback") == 0


@pytest.mark.parametrize("name", NAMES)
async def test_events_of_no_sense_leave_the_connection_open(processes: dict[str, Running], name: str) -> None:
    connection = await connect(processes[name].uri)
    for event in (Event("no-such-event", {"a": 1}, b"payload"), Event("user-event", {"name": "unknown"})):
        await connection.send(event)
    async with asyncio.timeout(ANSWER_S):
        await connection.send(Describe().event())
        assert (await connection.receive()).type == "info"
    await connection.close()


async def test_a_frame_that_trickles_in_is_given_up(processes: dict[str, Running]) -> None:
    await asyncio.gather(*(_trickle(processes[name]) for name in NAMES))


async def _trickle(process: Running) -> None:
    reader, writer = await open_stream(process.uri, ANSWER_S)
    frame = json.dumps({"type": "ping", "data": {"text": "x" * 10_000}}).encode()

    async def drip() -> None:
        for byte in frame:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    try:
        # Each byte is new life, but the frame has a deadline of its own.
        assert await error_code(reader, DEFAULT_LIMITS.frame_timeout_s + START_S) == "frame-timeout"
        assert process.is_up()
    finally:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.close()
