"""What once did harm, or was thought out to, is tried for ever, and so is what can be made of it by mistake."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.error import Error
from wyoming.info import Info

from interject.wire.errors import FrameError
from interject.wire.framing import DEFAULT_LIMITS, FrameLimits, encoded, read_event
from interject.wire.service import SERVICE_LIMITS, Service
from tests.wire.hostile import answers_to, bystander
from tools.hold.crafted import crafted

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.wire.peer import Peer

CRAFTED = dict(crafted())
# What says all of its kind, and takes no time.
_BASES = [raw for raw in CRAFTED.values() if len(raw) < 4096]
_LENGTH = re.compile(rb'(?<=_length": )-?\d+')


class Echo:
    """Sends back what it gets, which is the most that can be asked of what was read."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def handle(self, event: Event) -> None:
        await self._peer.send(event)


async def read_all(raw: bytes, limits: FrameLimits) -> tuple[list[Event], FrameError | None]:
    """Return all events of a stream that ends, and why no more could be read."""
    reader = asyncio.StreamReader(limits.header_bytes)
    reader.feed_data(raw)
    reader.feed_eof()
    events = []
    try:
        while (event := await read_event(reader, limits)) is not None:
            events.append(event)
    except FrameError as error:
        return events, error
    return events, None


async def check_reading(raw: bytes, limits: FrameLimits) -> None:
    """Fail where something else comes of bytes than events that can be sent on, and an error of ours."""
    events, _ = await read_all(raw, limits)
    for event in events:
        assert event.type
        assert len(event.payload or b"") <= limits.payload_bytes
        (again,), error = await read_all(encoded(event), DEFAULT_LIMITS)
        assert error is None
        assert (again.type, again.payload) == (_told(event.type), event.payload)
        assert again.data.keys() == set(map(_told, event.data))


def _told(text: str) -> str:
    return text.encode(errors="replace").decode()


async def check_answers(uri: str, raw: bytes, what: str) -> None:
    """Fail where a service does not answer each event that can be read, and tell of the first that cannot."""
    events, error = await read_all(raw, SERVICE_LIMITS)
    answers = await answers_to(uri, raw, what)
    codes = [Error.from_event(answer).code for answer in answers[len(events) :]]
    assert codes == ([error.code] if error else []), what
    for event, answer in zip(events, answers, strict=False):
        expected = {"ping": "pong", "describe": "info"}.get(event.type, _told(event.type))
        assert answer.type == expected, what


@pytest.mark.parametrize("limits", [SERVICE_LIMITS, DEFAULT_LIMITS], ids=["service", "client"])
@pytest.mark.parametrize("name", CRAFTED)
async def test_what_was_crafted_gives_events_that_can_be_sent_on_or_an_error_of_ours(
    name: str, limits: FrameLimits
) -> None:
    await check_reading(CRAFTED[name], limits)


async def test_a_service_answers_whatever_was_crafted_and_everybody_else(caplog: pytest.LogCaptureFixture) -> None:
    service = Service("tcp://127.0.0.1:0", Info, Echo)
    try:
        uri = await service.start()
        async with bystander(uri) as other:
            for name, raw in CRAFTED.items():
                await check_answers(uri, raw, name)
                await other.is_answered(after=name)
    finally:
        await service.stop()
    assert not [record for record in caplog.records if record.exc_info]


_PLACE = st.floats(0, 1)
_BYTES = st.sampled_from([b"\n", b"\x00", b"\xff", b"{", b"}", b"[", b'"', b"\\", b"-", b"9", b"e"]) | st.binary(
    min_size=1, max_size=3
)
_COUNTS = st.integers(-2, 200) | st.sampled_from([2**16, 2**16 + 1, 2**22, 2**31, 2**63, 2**70])


def _at(raw: bytes, place: float) -> int:
    return round(place * len(raw))


def _overwritten(raw: bytes, place: float, with_: bytes) -> bytes:
    at = _at(raw, place)
    return raw[:at] + with_ + raw[at + len(with_) :]


def _left_out(raw: bytes, place: float, size: int) -> bytes:
    at = _at(raw, place)
    return raw[:at] + raw[at + size :]


def _put_in(raw: bytes, place: float, other: bytes) -> bytes:
    at = _at(raw, place)
    return raw[:at] + other + raw[at:]


def _with_length(raw: bytes, place: float, count: int) -> bytes:
    """Change one of the lengths that it tells."""
    found = list(_LENGTH.finditer(raw))
    if not found:
        return raw
    its = found[min(_at(raw, place) * len(found) // (len(raw) + 1), len(found) - 1)]
    return raw[: its.start()] + b"%d" % count + raw[its.end() :]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Make other bytes of what was crafted: some are others, or missing, or those of two, or a length is wrong."""
    raw = draw(st.sampled_from(_BASES))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(_PLACE)
        match draw(st.sampled_from(["overwrite", "leave out", "cut", "put in", "join", "length"])):
            case "overwrite":
                raw = _overwritten(raw, place, draw(_BYTES))
            case "leave out":
                raw = _left_out(raw, place, draw(st.integers(1, 8)))
            case "cut":
                raw = raw[: _at(raw, place)]
            case "put in":
                raw = _put_in(raw, place, draw(_BYTES))
            case "join":
                raw = _put_in(raw, draw(st.sampled_from([place, 1.0])), draw(st.sampled_from(_BASES)))
            case "length":
                raw = _with_length(raw, place, draw(_COUNTS))
    return raw


# A millisecond each; among a hundred there was no negative length.
@settings(max_examples=500)
@given(mutated())
def test_what_is_made_of_it_gives_events_that_can_be_sent_on_or_an_error_of_ours(raw: bytes) -> None:
    asyncio.run(check_reading(raw, SERVICE_LIMITS))


@given(st.lists(mutated(), min_size=1, max_size=5))
def test_a_service_answers_whatever_is_made_of_it_and_everybody_else(inputs: list[bytes]) -> None:
    async def main() -> None:
        service = Service("tcp://127.0.0.1:0", Info, Echo)
        try:
            uri = await service.start()
            async with bystander(uri) as other:
                for raw in inputs:
                    await check_answers(uri, raw, repr(raw))
                    await other.is_answered(after=repr(raw))
        finally:
            await service.stop()

    asyncio.run(main())
