"""Every event, ours and Wyoming's, says the same after a journey."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import inspect
import pkgutil
import types
import typing
from enum import Enum
from typing import Any

import pytest
import wyoming
from hypothesis import example, given
from hypothesis import strategies as st
from wyoming.asr import Transcript
from wyoming.event import Event, Eventable, async_read_event
from wyoming.user_event import UserEvent

from interject.wire import events
from interject.wire.errors import RequestError
from interject.wire.events import (
    Interrupt,
    Interrupted,
    WordMark,
    WordMarks,
    confidence_of,
    user_event_name,
    with_confidence,
)
from interject.wire.framing import encoded, write_event
from tests.wire.hostile import ANYTHING, HALF_A_PAIR, NAN
from tests.wire.pipes import pipe, through_the_wire

OURS = [item for item in vars(events).values() if inspect.isclass(item) and hasattr(item, "from_event")]
OURS.remove(UserEvent)

_MARKS = st.builds(WordMark, st.text(), st.floats(0, 1e9), st.floats(0, 1e9))
_JSON_OBJECTS = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=4)
_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(0, 2**53 - 1),
    bool: st.booleans(),
    dict[str, Any]: _JSON_OBJECTS,
    tuple[WordMark, ...]: st.lists(_MARKS, max_size=4).map(tuple),
}


def any_instance(kind: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: _BY_TYPE[hints[field.name]] for field in dataclasses.fields(kind)})


def wyoming_event_classes() -> list[type[Eventable]]:
    for module in pkgutil.iter_modules(wyoming.__path__):
        if not module.ispkg and module.name != "zeroconf":
            importlib.import_module(f"wyoming.{module.name}")
    return sorted(Eventable.__subclasses__(), key=lambda kind: (kind.__module__, kind.__name__))


def sample(hint: Any) -> Any:
    """Make a value of a type that differs from every default that the type may have."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return sample(next(part for part in typing.get_args(hint) if part is not types.NoneType))
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return [sample(parts[0])]
    if origin is dict:
        return {sample(parts[0]): sample(parts[1])}
    if inspect.isclass(hint) and issubclass(hint, Enum):
        return list(hint)[-1]
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        hints = typing.get_type_hints(hint)
        return hint(**{field.name: sample(hints[field.name]) for field in dataclasses.fields(hint) if field.init})
    by_type = {str: "süß", int: 7, float: 0.25, bool: True, bytes: b"\x00\n\xff", Any: "any"}
    return by_type[hint]


def test_all_of_our_event_classes_are_walked() -> None:
    assert {Interrupt, Interrupted, WordMarks} <= set(OURS)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_our_event_says_the_same_after_a_journey(kind: type, data: st.DataObject) -> None:
    sent = data.draw(any_instance(kind))
    received = asyncio.run(through_the_wire(sent.event()))
    assert kind.from_event(received) == sent  # type: ignore[attr-defined]
    assert [other for other in OURS if other.is_type(received)] == [kind]  # type: ignore[attr-defined]


def test_wyoming_event_classes_are_found() -> None:
    assert len(wyoming_event_classes()) > 40


@pytest.mark.parametrize("kind", wyoming_event_classes(), ids=lambda kind: kind.__name__)
async def test_wyoming_event_passes_our_framing_unchanged(kind: type[Eventable]) -> None:
    sent = sample(kind)
    received = await through_the_wire(sent.event())
    assert kind.is_type(received.type)
    assert kind.from_event(received) == kind.from_event(sent.event())
    assert received == sent.event()


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
async def test_a_plain_wyoming_peer_reads_our_event_as_a_user_event(kind: type) -> None:
    sent = sample(kind) if kind is not WordMarks else WordMarks((WordMark("a", 0, 1),))
    async with pipe() as (reader, writer):
        await write_event(sent.event(), writer)
        received = await async_read_event(reader)
    assert received is not None
    assert UserEvent.is_type(received.type)
    assert UserEvent.from_event(received).name == user_event_name(received)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Interrupt, {"reason": 1}),
        (Interrupt, {"epoch": "1"}),
        (Interrupt, {"epoch": True}),
        (Interrupt, {"epoch": -1}),
        (Interrupt, {"epoch": float("nan")}),
        (Interrupt, {"epoch": float("inf")}),
        (Interrupt, {"epoch": 10**400}),
        (Interrupt, {"heard": ["a"]}),
        (Interrupted, {"content": None}),
        (WordMarks, {"marks": "all"}),
        (WordMarks, {"marks": ["word"]}),
        (WordMarks, {"marks": [{"text": "a", "start_ms": None}]}),
    ],
)
def test_a_field_that_cannot_be_right_is_refused_by_name(kind: Any, body: dict[str, Any]) -> None:
    name = user_event_name(kind.from_event(Event("user-event", {})).event())
    with pytest.raises(RequestError) as caught:
        kind.from_event(UserEvent(name=str(name), data=body).event())
    assert caught.value.code == "bad-event"
    assert any(word in str(caught.value) for word in (*body, "start_ms"))


_BODIES = st.dictionaries(
    st.sampled_from(["reason", "epoch", "text", "heard", "heard_ms", "content", "marks", "estimated"]), ANYTHING
)


@given(st.sampled_from(OURS), _BODIES, ANYTHING)
# No number is larger than any other: it got past both bounds.
@example(WordMarks, {"marks": [{"text": "a", "start_ms": NAN, "end_ms": 1.0}]}, {})
@example(Interrupt, {"epoch": NAN, "heard_ms": float("inf")}, {})
# Python compares it exactly, and other readers of JSON do not even keep it.
@example(Interrupt, {"epoch": 2**70}, {})
@example(WordMarks, {"marks": [{"text": "a", "start_ms": 10**400, "end_ms": 0}]}, {})
# It came in as an escape, and had no bytes to go out as.
@example(Interrupt, {"reason": HALF_A_PAIR, "heard": HALF_A_PAIR}, {HALF_A_PAIR: [HALF_A_PAIR]})
# True is a number to Python.
@example(Interrupted, {"epoch": True, "content": ""}, {})
def test_whatever_a_peer_says_is_read_as_what_can_be_said_again_or_refused(
    kind: Any, body: dict[str, Any], context: object
) -> None:
    try:
        told = kind.from_event(Event("user-event", {"name": "any", "data": body, "context": context}))
    except RequestError:
        return
    again = asyncio.run(through_the_wire(told.event()))
    # Half a pair comes back as a question mark, and that as itself.
    assert encoded(kind.from_event(again).event()) == encoded(again)


@pytest.mark.parametrize("data", [{"data": 5}, {"data": None}, {"context": "x"}, {"name": 5}])
def test_an_event_without_a_usable_body_is_read_as_empty(data: dict[str, Any]) -> None:
    assert WordMarks.from_event(Event("user-event", {"name": "word-marks", **data})) == WordMarks(())
    assert Interrupt.from_event(Event("user-event", data)).context == {}


@pytest.mark.parametrize("value", [None, True, "0.5", -0.1, 1.5, float("nan"), [0.5], 97])
def test_a_confidence_that_is_no_share_is_nobodys(value: Any) -> None:
    assert confidence_of(Event("transcript", {"text": "stop", "confidence": value})) is None


@given(st.floats(0, 1))
def test_a_confidence_arrives_with_a_text(confidence: float) -> None:
    event = with_confidence(Transcript(text="stop").event(), confidence)
    assert confidence_of(event) == pytest.approx(confidence, abs=0.0005)
    assert Transcript.from_event(event) == Transcript(text="stop")


def test_a_confidence_that_is_not_known_is_not_said() -> None:
    assert "confidence" not in with_confidence(Transcript(text="stop").event(), None).data
