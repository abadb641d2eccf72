"""Bytes that are no acceptable frame cost their sender its connection, and nobody else anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping

from interject.wire.client import connect
from interject.wire.framing import DEFAULT_LIMITS, read_event
from interject.wire.uri import open_stream
from tools.testing.patience import PATIENCE_S, expecting

if TYPE_CHECKING:
    import asyncio

    from tests.processes.house import House, Running

NAMES = ("stt", "llm", "tts", "satellite")

BAD = {
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n", "frame-malformed"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", "frame-malformed"),
    "no type": (b'{"data": {}}\n', "frame-malformed"),
    "a negative length": (b'{"type": "ping", "data_length": -1}\n', "frame-malformed"),
    "nesting without end": (b'{"type": "ping", "data": ' + b"[" * 60_000 + b"\n", "frame-malformed"),
    "a header without end": (b'{"type": "' + b"a" * (2 * DEFAULT_LIMITS.header_bytes), "frame-too-large"),
    "data of a terabyte": (b'{"type": "ping", "data_length": 1099511627776}\n', "frame-too-large"),
    "a payload of a terabyte": (b'{"type": "audio-chunk", "payload_length": 1099511627776}\n', "frame-too-large"),
    "an end inside the header": (b'{"type": "pi', "frame-truncated"),
    "an end inside the payload": (b'{"type": "audio-chunk", "payload_length": 640}\n' + bytes(100), "frame-truncated"),
}


async def error_code(process: Running, reader: asyncio.StreamReader) -> str:
    """Return the code of the one error that comes before the end of the connection."""
    async with expecting(f"{process.name} to refuse and close"):
        event = await read_event(reader)
        assert event is not None, "closed without a word"
        assert event.type == "error"
        assert await read_event(reader) is None
    return str(event.data["code"])


@pytest.mark.parametrize("name", NAMES)
async def test_bad_frames_close_their_connection_alone(processes: House, name: str) -> None:
    process = processes[name]
    bystander = await connect(process.uri)
    for what, (raw, code) in BAD.items():
        reader, writer = await open_stream(process.uri, PATIENCE_S)
        writer.write(raw)
        if code == "frame-truncated":
            writer.write_eof()
        assert await error_code(process, reader) == code, what
        writer.close()
        async with expecting(f"{name} to answer a bystander"):
            await bystander.send(Ping(text=what).event())
            assert (await bystander.receive()).data == {"text": what}
    await bystander.close()
    assert process.is_up()
    assert process.log.count("Traceback") == 0


@pytest.mark.parametrize("name", NAMES)
async def test_events_of_no_sense_leave_the_connection_open(processes: House, name: str) -> None:
    connection = await connect(processes[name].uri)
    for event in (Event("no-such-event", {"a": 1}, b"payload"), Event("user-event", {"name": "unknown"})):
        await connection.send(event)
    async with expecting(f"{name} to answer `describe`"):
        await connection.send(Describe().event())
        assert (await connection.receive()).type == "info"
    await connection.close()
