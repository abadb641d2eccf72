"""What every WakeDetector does: of the satellite itself, of a service, and of several as one."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING

import pytest

from interject.satellite.settings.wake import WakeEngine, WakeWordName
from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.wake.base import RATE_HZ, Role, SeveralDetectors
from interject.satellite.wake.choice import WordChoice, make_detector
from interject.wire.client import connect
from tests.satellite.wake.sound import PIECE, Ears, listening, pieces_of, with_silence
from tests.satellite.wake.test_service import WORD, WakeHouse
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.satellite.wake.base import WakeDetector, WakeWord

# openWakeWord's thread takes whatever has come; so much at a time that nothing has to be dropped.
LARGE_PIECE = 8_000
SAID = with_silence(WORD)


class Kind(Enum):
    MICRO = "microWakeWord"
    OPEN = "openWakeWord"
    SERVICE = "a service"
    SEVERAL = "several"


async def own(engine: WakeEngine) -> WakeDetector:
    made = await make_detector(WordChoice(wake=(WakeWordName(WORD),), engine=engine))
    assert made is not None
    return made


@asynccontextmanager
async def detector(kind: Kind) -> AsyncIterator[tuple[WakeDetector, WakeHouse | None]]:
    """Give a detector of one word, and the service that it needs."""
    match kind:
        case Kind.MICRO:
            yield await own(WakeEngine.MICRO), None
        case Kind.OPEN:
            yield await own(WakeEngine.OPEN), None
        case Kind.SEVERAL:
            stop = await make_detector(WordChoice(stop=("hey_jarvis",)))
            assert stop is not None
            yield SeveralDetectors((stop, await own(WakeEngine.MICRO))), None
        case Kind.SERVICE:
            house = await asyncio.to_thread(WakeHouse)
            await house.start()
            server = Server("wake", fixed(house.uri), connect)
            made = await make_detector(WordChoice(wake=(WakeWordName(WORD),)), server)
            assert made is not None
            try:
                yield made, house
            finally:
                await house.stop()


@pytest.fixture(params=list(Kind), ids=lambda kind: str(kind.value))
def kind(request: pytest.FixtureRequest) -> Kind:
    found = request.param
    assert isinstance(found, Kind)
    return found


async def say(ears: Ears, house: WakeHouse | None, first: int = 0) -> int:
    """Push the word from an index on, as fast as it is taken; return one past the last index."""
    if house is None:
        ears.push(SAID, LARGE_PIECE, first)
    else:
        await house.until_asked(1)
        before = house.taken
        for piece, end in pieces_of(SAID, PIECE, first):
            ears.detector.push(piece, end)
            await house.until_taken(before + end - first)
    return first + len(SAID)


async def test_it_says_what_it_listens_for(kind: Kind) -> None:
    async with detector(kind) as (made, _):
        assert (WORD, Role.WAKE) in {(word.name, word.role) for word in made.words}


async def test_a_word_is_told_once_with_its_place_and_on_the_event_loop(kind: Kind) -> None:
    threads: list[threading.Thread] = []

    class Listener(Ears):
        def tell(self, word: WakeWord) -> None:
            threads.append(threading.current_thread())
            super().tell(word)

    async with detector(kind) as (made, house), listening(made, Listener) as ears:
        first = 10 * RATE_HZ
        end = await say(ears, house, first)
        await ears.until(1)
        (word,) = ears.heard
        assert (word.name, word.role) == (WORD, Role.WAKE)
        assert word.end_index is not None
        # The word is between a second of silence and another one.
        assert first + RATE_HZ < word.end_index <= end - RATE_HZ // 2
        assert threads == [threading.current_thread()]


async def test_what_comes_before_it_runs_and_after_it_was_cancelled_is_told_to_nobody(kind: Kind) -> None:
    async with detector(kind) as (made, house):
        Ears(made).push(SAID[: RATE_HZ // 2], LARGE_PIECE)
        async with listening(made) as ears:
            await say(ears, house, 2 * RATE_HZ)
            await ears.until(1)
        ears.push(SAID, LARGE_PIECE, 20 * RATE_HZ)
        assert len(ears.heard) == 1


async def test_after_a_gap_it_hears_as_before(kind: Kind) -> None:
    async with detector(kind) as (made, house), listening(made) as ears:
        end = await say(ears, house)
        await ears.until(1)
        await say(ears, house, end + 30 * RATE_HZ)
        await ears.until(2)
        await eventually(lambda: len(ears.heard) == 2, "the second one to be told once")
        assert ears.heard[1].end_index is not None
        assert ears.heard[1].end_index > end + 30 * RATE_HZ
