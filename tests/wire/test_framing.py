"""Bytes that are no frame get an error that says what was wrong, and cost no more than the caps."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from interject.wire.errors import (
    FrameError,
    FrameMalformedError,
    FrameTimeoutError,
    FrameTooLargeError,
    FrameTruncatedError,
)
from interject.wire.framing import FrameLimits, read_event
from tests.wire.pipes import pipe, through_the_wire
from tools.testing.virtual_clock import elapse, run_virtual

SMALL = FrameLimits(header_bytes=1024, data_bytes=2048, payload_bytes=4096)


async def read(raw: bytes, limits: FrameLimits = SMALL, *, then_eof: bool = True) -> Event | None:
    async with pipe(limits) as (reader, writer):
        writer.write(raw)
        if then_eof:
            writer.write_eof()
        return await read_event(reader, limits)


def header(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"\n", "header"),
        (b"GET / HTTP/1.1\r\n\r\n", "header"),
        (b"\x16\x03\x01\x02\x00\n", "header"),
        (b"\xff\xfe\xfd\n", "header"),
        (b"[]\n", "header"),
        (b'"ping"\n', "header"),
        (b"null\n", "header"),
        (b"{}\n", "header"),
        (header(type=""), "header"),
        (header(type=5), "header"),
        (header(type="ping", data=[1]), "header"),
        (header(type="ping", data="x"), "header"),
        (header(type="ping", data_length=-1), "header"),
        (header(type="ping", data_length="4"), "header"),
        (header(type="ping", data_length=1.5), "header"),
        (header(type="ping", data_length=True), "header"),
        (header(type="ping", payload_length=-(2**70)), "header"),
        (header(type="ping", data_length=3) + b"[1]", "data"),
        (header(type="ping", data_length=3) + b"{{{", "data"),
        (header(type="ping", data_length=2) + b"\xff\xff", "data"),
        (b'{"type": "ping", "n": ' + b"9" * 900 + b"e" + b"\n", "header"),
    ],
)
async def test_malformed(raw: bytes, part: str) -> None:
    with pytest.raises(FrameMalformedError) as caught:
        await read(raw)
    assert caught.value.part == part


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
async def test_what_is_nested_deeper_than_the_limit_is_malformed(opening: bytes, closing: bytes) -> None:
    # The whole is one object, and the list beside it has more brackets than may lie in one another.
    for depth in (SMALL.json_depth - 1, SMALL.json_depth):
        nested = b'{"a": [%b1], "b": %b1%b}' % (b"[]," * 100, opening * depth, closing * depth)
        raw = header(type="ping", data_length=len(nested)) + nested
        if depth < SMALL.json_depth:
            assert (await read(raw)) == Event("ping", json.loads(nested))
            continue
        with pytest.raises(FrameMalformedError, match="nested deeper than 64") as caught:
            await read(raw)
        assert caught.value.part == "data"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_deep_nesting_is_malformed_in_header_and_data(opening: bytes) -> None:
    limits = FrameLimits()
    nested = opening * 100_000
    with pytest.raises(FrameMalformedError):
        await read(nested + b"\n", limits)
    with pytest.raises(FrameMalformedError) as caught:
        await read(header(type="ping", data_length=len(nested)) + nested, limits)
    assert caught.value.part == "data"


@pytest.mark.parametrize(
    ("raw", "part", "size", "limit"),
    [
        (b"{" + b" " * 5000, "header", None, 1024),
        (b'{"type": "' + b"x" * 2000 + b'"}\n', "header", None, 1024),
        (header(type="ping", data_length=2049), "data", 2049, 2048),
        (header(type="ping", data_length=10**30), "data", 10**30, 2048),
        (header(type="audio-chunk", payload_length=4097), "payload", 4097, 4096),
    ],
)
async def test_too_large_is_refused_before_it_is_read(raw: bytes, part: str, size: int | None, limit: int) -> None:
    with pytest.raises(FrameTooLargeError) as caught:
        await read(raw, then_eof=False)
    assert (caught.value.part, caught.value.size, caught.value.limit) == (part, size, limit)


async def test_each_part_may_be_as_large_as_its_cap() -> None:
    data = b'{"text": "' + b"x" * (2048 - 12) + b'"}'
    line = header(type="ping", data_length=2048, payload_length=4096)
    event = await read(line + data + bytes(4096))
    assert event == Event("ping", {"text": "x" * (2048 - 12)}, bytes(4096))


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b'{"type"', "header"),
        (header(type="ping", data_length=10) + b"{", "data"),
        (header(type="ping", payload_length=10) + b"123", "payload"),
    ],
)
async def test_truncated(raw: bytes, part: str) -> None:
    with pytest.raises(FrameTruncatedError) as caught:
        await read(raw)
    assert caught.value.part == part


@pytest.mark.parametrize(
    "raw", [b"{", header(type="ping", data_length=10) + b"{", header(type="ping", payload_length=10) + b"123"]
)
def test_a_frame_begun_and_not_finished_times_out(raw: bytes) -> None:
    with pytest.raises(FrameTimeoutError):
        run_virtual(read(raw, then_eof=False))


def test_what_came_of_a_frame_that_timed_out_is_kept_no_longer() -> None:
    async def main() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(header(type="ping", payload_length=SMALL.payload_bytes) + bytes(SMALL.payload_bytes - 1))
        with pytest.raises(FrameTimeoutError):
            await read_event(reader, SMALL)
        reader.feed_eof()
        assert await reader.read() == b""

    run_virtual(main())


def test_slow_loris_that_sends_a_byte_now_and_then_times_out() -> None:
    async def main() -> None:
        async with pipe(SMALL) as (reader, writer):

            async def drip() -> None:
                for byte in header(type="ping", text="x" * 100):
                    writer.write(bytes([byte]))
                    await elapse(SMALL.frame_timeout_s / 10)

            dripping = asyncio.create_task(drip())
            with pytest.raises(FrameTimeoutError):
                await read_event(reader, SMALL)
            assert not dripping.done()
            dripping.cancel()

    run_virtual(main())


def test_waiting_for_a_frame_to_begin_has_no_deadline() -> None:
    async def main() -> None:
        async with pipe(SMALL) as (reader, writer):
            reading = asyncio.create_task(read_event(reader, SMALL))
            await elapse(100 * SMALL.frame_timeout_s)
            assert not reading.done()
            writer.write(header(type="ping"))
            assert await reading == Event("ping")

    run_virtual(main())


async def test_the_end_between_two_frames_is_no_error() -> None:
    assert await read(b"") is None


async def test_data_in_the_header_and_after_it_are_merged() -> None:
    raw = header(type="ping", data={"a": 1, "b": 1}, data_length=8) + b'{"b": 2}'
    assert await read(raw) == Event("ping", {"a": 1, "b": 2})


async def test_frames_in_one_packet_are_read_one_by_one() -> None:
    async with pipe() as (reader, writer):
        writer.write(header(type="audio-chunk", payload_length=3) + b"\n{\n" + header(type="ping"))
        assert await read_event(reader) == Event("audio-chunk", {}, b"\n{\n")
        assert await read_event(reader) == Event("ping")


@given(st.binary(max_size=300))
def test_no_bytes_at_all_raise_anything_but_a_frame_error(raw: bytes) -> None:
    async def attempt() -> None:
        with contextlib.suppress(FrameError):
            await read(raw)

    asyncio.run(attempt())


# What nests three deep and has a few of each kind says as much of JSON as what is large.
_TEXT = st.text(max_size=10)
_JSON = st.recursive(st.none() | st.integers() | _TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@given(st.dictionaries(_TEXT, _JSON, max_size=4), st.binary(max_size=100))
def test_any_json_object_and_payload_survive(data: dict[str, Any], payload: bytes) -> None:
    event = Event("anything", data, payload or None)
    assert asyncio.run(through_the_wire(event)) == event


async def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    event = Event("transcript", {"text": "wait \ud83d", "context": {"\ud83d": ["\udc00", 1]}})
    assert (await through_the_wire(event)).data == {"text": "wait ?", "context": {"?": ["?", 1]}}
