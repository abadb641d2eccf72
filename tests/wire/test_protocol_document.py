"""docs/protocol.md says what the code does: its examples are real events, its limits the real ones."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from wyoming.asr import Transcript
from wyoming.event import Event

from interject.wire import errors, events
from interject.wire.admission import AccessRules
from interject.wire.errors import FrameError
from interject.wire.events import user_event_name
from interject.wire.framing import read_event
from interject.wire.service import SERVICE_LIMITS
from tests.wire.pipes import pipe, through_the_wire

if TYPE_CHECKING:
    from pathlib import Path

OURS: dict[str, Any] = {
    name: item
    for name, item in vars(events).items()
    if inspect.isclass(item) and item.__module__ == events.__name__ and hasattr(item, "from_event")
}


@pytest.fixture(scope="module")
def document(repository: Path) -> str:
    return (repository / "docs" / "protocol.md").read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)


def test_every_example_is_an_event_of_ours_and_survives_a_journey(document: str) -> None:
    examples = [Event.from_dict(json.loads(block)) for block in blocks(document, "json")]
    shown = set()
    for example in examples:
        (kind,) = [kind for kind in OURS.values() if kind.is_type(example)]
        read = kind.from_event(asyncio.run(through_the_wire(example)))
        assert read.event() == example
        shown.add(kind)
    assert shown == set(OURS.values())


def test_the_example_of_a_frame_is_one(document: str) -> None:
    async def read(raw: bytes) -> Event | None:
        async with pipe() as (reader, writer):
            writer.write(raw)
            writer.write_eof()
            return await read_event(reader)

    (frame,) = blocks(document, "frame")
    event = asyncio.run(read(frame.encode().rstrip(b"\n")))
    assert event is not None
    assert events.Interrupted.from_event(event) == events.Interrupted(7, "")


def test_the_example_of_our_field_is_read_by_us_and_by_any_client(document: str) -> None:
    (field,) = blocks(document, "field")
    event = asyncio.run(through_the_wire(Event.from_dict(json.loads(field))))
    assert events.confidence_of(event) == json.loads(field)["data"]["confidence"]
    assert Transcript.from_event(event).text == json.loads(field)["data"]["text"]


def test_every_field_that_is_sent_is_specified(document: str) -> None:
    for block in blocks(document, "json"):
        event = json.loads(block)["data"]
        section = document.partition(f"### `{event['name']}`")[2].partition("\n### ")[0]
        for field in event["data"]:
            assert f"| `{field}` |" in section


def test_every_event_has_a_section(document: str) -> None:
    names = {user_event_name(kind.from_event(Event("user-event")).event()) for kind in OURS.values()}
    assert set(re.findall(r"^### `([a-z-]+)`", document, re.MULTILINE)) == names


def test_the_limits_are_the_real_ones(document: str) -> None:
    rows = dict(re.findall(r"^\| ([a-z][^|]*) \| (\d+)[^|]* \| `", document, re.MULTILINE))
    assert list(map(int, rows.values())) == [
        SERVICE_LIMITS.header_bytes,
        SERVICE_LIMITS.data_bytes,
        SERVICE_LIMITS.payload_bytes,
        SERVICE_LIMITS.frame_timeout_s,
        AccessRules().connections,
        AccessRules().connections_per_address,
    ]


def test_every_code_of_a_bad_frame_is_listed(document: str) -> None:
    kinds = [item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, FrameError)]
    for kind in kinds:
        if kind is not FrameError:
            assert f"| `{kind.code}` |" in document
