"""Events reach the handler of their class, and the type checker sees one that is bound to a wrong class."""

from __future__ import annotations

import pytest
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.ping import Ping

from interject.wire.dispatch import Dispatcher, on, on_own
from interject.wire.errors import RequestError
from interject.wire.events import Interrupt


class Session:
    def __init__(self) -> None:
        self.got: list[str] = []

    async def transcript(self, transcript: Transcript) -> None:
        self.got.append(transcript.text)

    async def interrupt(self, interrupt: Interrupt) -> None:
        self.got.append(interrupt.reason)

    async def unreadable(self, error: Exception) -> None:
        self.got.append(repr(error))


async def test_each_event_is_read_and_handled_by_its_class() -> None:
    session = Session()
    dispatcher = Dispatcher(on(Transcript, Session.transcript), on_own(Interrupt, Session.interrupt))
    assert await dispatcher.dispatch(session, Transcript("Hello").event())
    assert await dispatcher.dispatch(session, Interrupt("speech", 1).event())
    assert not await dispatcher.dispatch(session, Ping().event())
    assert session.got == ["Hello", "speech"]


async def test_an_event_that_cannot_be_read_is_an_error_or_goes_to_who_asked_for_it() -> None:
    session = Session()
    bad = Event("transcript", {})
    with pytest.raises(KeyError):
        await Dispatcher(on(Transcript, Session.transcript)).dispatch(session, bad)
    assert await Dispatcher(on(Transcript, Session.transcript, Session.unreadable)).dispatch(session, bad)
    assert session.got == ["KeyError('text')"]
    with pytest.raises(RequestError):
        await Dispatcher(on_own(Interrupt, Session.interrupt)).dispatch(
            session, Event("user-event", {"name": "interrupt", "data": {"reason": 5}})
        )


def test_a_handler_bound_to_a_wrong_class_fails_the_type_check() -> None:
    """mypy checks these lines: strict, it also refuses an ignored error that is none."""
    on(Ping, Session.transcript)  # type: ignore[arg-type]
    on(Transcript, Session.interrupt)  # type: ignore[arg-type]
    on_own(Interrupt, Session.transcript)  # type: ignore[arg-type]
    on(Interrupt, Session.interrupt)  # type: ignore[arg-type]
