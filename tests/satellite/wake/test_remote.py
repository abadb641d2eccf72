"""A wake word service: what it is sent, what becomes of what it tells, and what happens while it is away."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event
from wyoming.info import Attribution, Info, WakeModel, WakeProgram
from wyoming.wake import Detect, Detection, NotDetected

from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.wake.base import RATE_HZ, Role, WordModel
from interject.satellite.wake.remote import END_LAG_S, RemoteWake
from tests.satellite.wake.sound import Ears, listening, silence
from tools.testing.patience import eventually
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.network import FakeServer, Fault, Link, Network

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

NABU = WordModel("okay_nabu", "okay nabu", Role.WAKE, "Kitchen")
STOP = WordModel("stop", "stop", Role.STOP)
PIECE = 320
SERVICE_NOTES = "wake server: it answers again"


class FakeWake(FakeServer):
    """Keeps what it is sent; tells what a test has it tell."""

    def __init__(self, *models: tuple[str, str | None]) -> None:
        super().__init__("wake")
        self.models = models
        self.asked: list[list[str] | None] = []
        self.formats: list[tuple[int, int, int]] = []
        self.chunks: list[AudioChunk] = []

    async def converse(self, link: Link, event: Event) -> None:
        if Detect.is_type(event.type):
            self.asked.append(Detect.from_event(event).names)
        elif AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
            self.formats.append((start.rate, start.width, start.channels))
        elif AudioChunk.is_type(event.type):
            self.chunks.append(AudioChunk.from_event(event))

    def info(self) -> Info:
        nobody = Attribution("", "")
        models = [WakeModel(name, nobody, True, None, None, ["en"], phrase) for name, phrase in self.models]
        return Info(wake=[WakeProgram("fake", nobody, True, None, None, models)])

    def tell(self, event: Event) -> None:
        for link in self.links:
            link.to_client.put_nowait(event)

    def audio(self) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        return np.frombuffer(b"".join(chunk.audio for chunk in self.chunks), "<i2")


async def until_asked(service: FakeWake, times: int = 1) -> None:
    await eventually(lambda: len(service.asked) >= times, f"the service to be asked {times} times")


def at_service(
    work: Callable[[FakeWake, Ears], Awaitable[None]],
    *,
    words: tuple[WordModel, ...] = (NABU, STOP),
    refractory_s: float = 2.0,
    service: FakeWake | None = None,
) -> None:
    """Run `work` with a service and what listens there, on virtual time."""

    async def main() -> None:
        fake = service or FakeWake(("okay_nabu", None), ("stop", None))
        server = Server("wake", fixed(fake.uri), Network(fake).connect)
        async with listening(RemoteWake(server, words, refractory_s)) as ears:
            await work(fake, ears)
        await eventually(lambda: not fake.links, "the detector to leave the service")
        await fake.stop()

    run_virtual(main())


def push_from(ears: Ears, first: int, seconds: float) -> int:
    """Push silence that begins at an index; return one past its end."""
    ears.push(silence(seconds), PIECE, first)
    return first + round(seconds * RATE_HZ)


def test_the_service_is_asked_for_the_words_and_gets_all_audio_in_order() -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        samples = np.arange(RATE_HZ // 2).astype(np.int16)
        ears.push(samples, PIECE, first=1600)
        await eventually(lambda: len(service.audio()) == len(samples), "the service to get all audio")
        assert service.asked == [["okay_nabu", "stop"]]
        assert service.formats == [(RATE_HZ, 2, 1)]
        assert np.array_equal(service.audio(), samples)
        assert [chunk.timestamp for chunk in service.chunks[:3]] == [100, 120, 140]

    at_service(work)


def test_without_a_wake_word_the_service_chooses_and_what_it_tells_is_one() -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        assert service.asked == [None]
        service.tell(Detection(name="hey_jarvis_v0.1").event())
        service.tell(Detection(name="stop").event())
        await ears.until(2)
        assert [(word.name, word.phrase, word.role) for word in ears.heard] == [
            ("hey_jarvis_v0.1", "hey jarvis", Role.WAKE),
            ("stop", "stop", Role.STOP),
        ]

    at_service(work, words=(STOP,))


def test_a_service_may_add_the_models_version_or_leave_the_name_out(caplog: pytest.LogCaptureFixture) -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        service.tell(Detection(name="okay_nabu_v0.1").event())
        service.tell(Detection(name="Stop").event())
        service.tell(Detection().event())
        await ears.until(3)
        assert [word.name for word in ears.heard] == ["okay_nabu", "stop", "okay_nabu"]
        assert "has no" not in caplog.text

    at_service(work, refractory_s=0.0, service=FakeWake(("okay_nabu_v0.1", None), ("stop_v2", None)))


def test_a_word_that_was_not_asked_for_wakes_nobody() -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        service.tell(Detection(name="alexa").event())
        service.tell(Detection(name="okay_nabu").event())
        await ears.until(1)
        assert [word.name for word in ears.heard] == ["okay_nabu"]

    at_service(work)


def test_a_detection_becomes_the_word_and_where_it_ended() -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        push_from(ears, 320_000, 1.0)
        service.tell(NotDetected().event())
        service.tell(Detection(name="okay_nabu", timestamp=20_700).event())
        await ears.until(1)
        (word,) = ears.heard
        assert (word.name, word.phrase, word.role, word.pipeline) == ("okay_nabu", "okay nabu", Role.WAKE, "Kitchen")
        assert word.end_index == 20_700 * 16 - round(END_LAG_S * RATE_HZ)

    at_service(work)


@pytest.mark.parametrize("timestamp", [None, 0, 700, 10**9, -5])
def test_a_timestamp_that_cannot_be_of_the_audio_tells_no_end(timestamp: int | None) -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        push_from(ears, 320_000, 1.0)
        service.tell(Detection(name="okay_nabu", timestamp=timestamp).event())
        await ears.until(1)
        assert ears.heard[0].end_index is None

    at_service(work)


def test_a_word_told_again_within_the_refractory_time_counts_once() -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        end = push_from(ears, 0, 1.0)
        service.tell(Detection(name="okay_nabu", timestamp=900).event())
        service.tell(Detection(name="okay_nabu").event())
        service.tell(Detection(name="stop").event())
        await ears.until(2)
        push_from(ears, end, 3.0)
        service.tell(Detection(name="okay_nabu", timestamp=3_900).event())
        await ears.until(3)
        assert [word.name for word in ears.heard] == ["okay_nabu", "stop", "okay_nabu"]

    at_service(work)


def test_the_services_phrases_are_taken_and_words_that_it_lacks_are_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        assert [word.phrase for word in ears.detector.words] == ["Okay, Nabu!", "stop"]
        service.fail(Fault.DIES)
        await until_asked(service, 2)
        (told,) = [record.getMessage() for record in caplog.records if "has no" in record.getMessage()]
        assert "has no stop" in told
        assert "it has: okay_nabu, alexa" in told

    at_service(work, service=FakeWake(("okay_nabu", "Okay, Nabu!"), ("alexa", None)))


def test_a_service_that_goes_is_connected_to_again_and_asked_anew(caplog: pytest.LogCaptureFixture) -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        service.fail(Fault.REFUSED)
        await elapse(60)
        assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
        service.recover()
        await until_asked(service, 2)
        await eventually(lambda: SERVICE_NOTES in caplog.messages, "the service's return to be told")
        service.tell(Detection(name="okay_nabu").event())
        await ears.until(1)

    at_service(work)


def test_a_service_that_is_not_there_yet_is_found_when_it_comes() -> None:
    late = FakeWake(("okay_nabu", None), ("stop", None))
    late.fault = Fault.REFUSED

    async def work(service: FakeWake, ears: Ears) -> None:
        await elapse(5)
        assert service.asked == []
        service.recover()
        await until_asked(service)

    at_service(work, service=late)


def test_a_service_that_is_away_is_tried_about_once_a_second() -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        service.fail(Fault.REFUSED)
        await elapse(600)
        assert service.attempts < 900

    at_service(work)


def test_of_what_was_said_while_the_service_was_away_the_last_second_is_sent() -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        service.fail(Fault.REFUSED)
        service.chunks.clear()
        await elapse(1)
        end = push_from(ears, 0, 60.0)
        service.recover()
        await eventually(lambda: service.chunks, "the service to get audio again")
        await elapse(1)
        assert len(service.audio()) == RATE_HZ
        assert service.chunks[0].timestamp == (end - RATE_HZ) // 16

    at_service(work)


@pytest.mark.parametrize("data", [{"name": 5}, {"name": "okay_nabu", "timestamp": "now"}, {"name": ["a"]}])
def test_garbage_is_the_services_failure_and_not_ours(data: dict[str, object]) -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        service.tell(Event("detection", data=data))
        await until_asked(service, 2)
        service.tell(Detection(name="okay_nabu").event())
        await ears.until(1)

    at_service(work)


def test_an_error_of_the_service_is_logged_and_a_new_connection_made(caplog: pytest.LogCaptureFixture) -> None:
    async def work(service: FakeWake, ears: Ears) -> None:
        await until_asked(service)
        service.fail(Fault.ERROR)
        await until_asked(service, 2)
        assert any("out of memory" in record.getMessage() for record in caplog.records)

    at_service(work)


class StuckConnection:
    """Takes everything but audio."""

    uri = "tcp://stuck:1"

    def __init__(self, info: Info) -> None:
        self._info = info

    async def send(self, event: Event) -> None:
        if AudioChunk.is_type(event.type):
            await asyncio.Event().wait()

    async def receive(self) -> Event:
        await elapse(0.1)
        return self._info.event()

    async def close(self) -> None:
        await asyncio.sleep(0)


def test_a_service_that_takes_no_audio_is_left(caplog: pytest.LogCaptureFixture) -> None:
    made: list[StuckConnection] = []

    async def connect(uri: str) -> StuckConnection:
        await asyncio.sleep(0)
        made.append(StuckConnection(FakeWake(("okay_nabu", None)).info()))
        return made[-1]

    async def main() -> None:
        remote = RemoteWake(Server("wake", fixed(StuckConnection.uri), connect), (NABU,), 2.0)
        async with listening(remote) as ears:
            push_from(ears, 0, 1.0)
            await eventually(lambda: "taking audio" in caplog.text, "the service that takes no audio to be told of")
            before = len(made)
            await eventually(lambda: len(made) > before, "a new connection to be made")

    run_virtual(main())
