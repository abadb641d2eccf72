"""The fake has the real one's flaw, and only the real one's cure cures it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from wyoming.audio import AudioStop
from wyoming.snd import Played
from wyoming.wake import Detection

from tools.fake_home_assistant.plain_satellite import NULL_RUN, RUN
from tools.fake_home_assistant.release import V2026_2, V2026_11, Release
from tools.fake_home_assistant.room import room
from tools.fake_home_assistant.script import HEARING_RATE_HZ, Order, Reply, Turn, tone
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from tools.fake_home_assistant.peer import FakeHomeAssistant
    from tools.fake_home_assistant.plain_satellite import PlainSatellite

RELEASES = pytest.mark.parametrize("release", [V2026_11, V2026_2], ids=["2026.11", "2026.2"])
VOICE = tone(0.5, HEARING_RATE_HZ, 4000)
# Longer than anything Home Assistant would need, and free on a virtual clock.
LONG_S = 5.0
NULL_RUN_UNANSWERED_S = 0.25


async def a_run_that_thinks(home: FakeHomeAssistant, satellite: PlainSatellite) -> None:
    await satellite.send(RUN)
    await home.sent("transcribe")
    await satellite.say(VOICE)
    await satellite.send(AudioStop().event())
    await home.sent("transcript")


THINKS = Turn("tell me a story", Reply("Once.", tone(1), thinking_s=60))
ANSWERS = Turn("what time is it", Reply("Noon.", tone(1)))


async def is_heard(home: FakeHomeAssistant, satellite: PlainSatellite) -> bool:
    before, dropped = len(home.utterances), home.runs.dropped
    await satellite.say(VOICE)
    await satellite.send(AudioStop().event())
    await elapse(LONG_S)
    assert (home.runs.dropped > dropped) == (len(home.utterances) == before)
    return len(home.utterances) > before


@RELEASES
def test_a_run_into_one_that_thinks_is_deaf_for_good(release: Release) -> None:
    async def main() -> None:
        async with room([THINKS, ANSWERS], release=release) as (home, satellite):
            await a_run_that_thinks(home, satellite)
            await satellite.send(RUN)
            await home.sent("transcribe", 2)
            assert home.runs.deaf
            assert not await is_heard(home, satellite)
            # None of these helps, and nothing says that something is wrong.
            for hopeless in (AudioStop(), Played(), Detection(name="okay nabu")):
                await satellite.send(hopeless.event())
                await elapse(LONG_S)
            assert home.runs.deaf
            await satellite.send(RUN)
            await elapse(LONG_S)
            assert not await is_heard(home, satellite)
            assert not home.log.of("error", from_satellite=False)

    run_virtual(main())


@RELEASES
def test_a_null_run_first_and_the_next_one_hears(release: Release) -> None:
    async def main() -> None:
        async with room([THINKS, ANSWERS], release=release) as (home, satellite):
            await a_run_that_thinks(home, satellite)
            await satellite.send(NULL_RUN)
            await elapse(NULL_RUN_UNANSWERED_S)
            await satellite.send(RUN)
            await home.sent("transcribe", 2)
            assert await is_heard(home, satellite)
            assert home.log.of("audio-stop", from_satellite=False)

    run_virtual(main())


@RELEASES
def test_a_null_run_cures_one_that_is_deaf(release: Release) -> None:
    async def main() -> None:
        async with room([THINKS, ANSWERS], release=release) as (home, satellite):
            await a_run_that_thinks(home, satellite)
            await satellite.send(RUN)
            await home.sent("transcribe", 2)
            await satellite.send(NULL_RUN)
            await elapse(NULL_RUN_UNANSWERED_S)
            await satellite.send(RUN)
            await home.sent("transcribe", 3)
            assert await is_heard(home, satellite)

    run_virtual(main())


@RELEASES
def test_a_null_run_in_one_go_with_the_next_one_does_not_work(release: Release) -> None:
    async def main() -> None:
        async with room([THINKS, ANSWERS], release=release) as (home, satellite):
            await a_run_that_thinks(home, satellite)
            await satellite.send(NULL_RUN, RUN)
            await home.sent("transcribe", 2)
            await elapse(NULL_RUN_UNANSWERED_S)
            assert not await is_heard(home, satellite)

    run_virtual(main())


@RELEASES
def test_a_null_run_is_harmless_when_idle(release: Release) -> None:
    async def main() -> None:
        async with room([ANSWERS], release=release) as (home, satellite):
            await satellite.send(NULL_RUN)
            await elapse(NULL_RUN_UNANSWERED_S)
            await satellite.send(RUN)
            await home.sent("transcribe")
            assert await is_heard(home, satellite)

    run_virtual(main())


def test_2026_11_acknowledges_a_null_run_within_milliseconds_and_2026_2_never() -> None:
    async def answer(release: Release) -> list[float]:
        async with room(release=release) as (home, satellite):
            begun = asyncio.get_running_loop().time()
            await satellite.send(NULL_RUN)
            await elapse(LONG_S)
            errors = home.log.of("error", from_satellite=False)
            assert all(error.event.data["code"] == "validation-error" for error in errors)
            return [error.t - begun for error in errors]

    (took,) = run_virtual(answer(V2026_11))
    assert took < 0.01
    assert run_virtual(answer(V2026_2)) == []


@RELEASES
def test_it_hears_a_run_that_begins_while_an_ordinary_reply_plays(release: Release) -> None:
    async def main() -> None:
        reply = Reply("Once.", tone(1), pace_s=0.1)
        async with room([Turn("a", reply), ANSWERS], release=release) as (home, satellite):
            await a_run_that_thinks(home, satellite)
            await home.sent("audio-chunk", 3)
            await satellite.send(RUN)
            await home.sent("transcribe", 2)
            assert await is_heard(home, satellite)

    run_virtual(main())


@RELEASES
def test_it_is_deaf_to_a_run_that_begins_while_a_streaming_agent_speaks(release: Release) -> None:
    async def main() -> None:
        reply = Reply("Once.", tone(1), Order.STREAMED, pace_s=0.1)
        async with room([Turn("a", reply), ANSWERS], release=release) as (home, satellite):
            await a_run_that_thinks(home, satellite)
            await home.sent("audio-chunk", 3)
            await satellite.send(RUN)
            await home.sent("transcribe", 2)
            assert not await is_heard(home, satellite)

    run_virtual(main())
