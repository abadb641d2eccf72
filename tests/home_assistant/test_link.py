"""Connections, pings, announcements, timers and the mute switch of the fake, as the real one has them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from wyoming.audio import AudioStop
from wyoming.snd import Played
from wyoming.timer import TimerFinished

from tools.fake_home_assistant.plain_satellite import RUN
from tools.fake_home_assistant.release import V2026_2, V2026_11, Release
from tools.fake_home_assistant.room import room
from tools.fake_home_assistant.script import HEARING_RATE_HZ, Reply, Turn, tone
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from tools.fake_home_assistant.peer import FakeHomeAssistant

LONG_S = 5.0


def connected_at(home: FakeHomeAssistant) -> list[float]:
    return [entry.t for entry in home.log.of("run-satellite", from_satellite=False)]


def test_it_pings_two_seconds_after_each_pong() -> None:
    async def main() -> None:
        async with room() as (home, _):
            await home.sent("ping", 5)
            assert home.log.entries[-1].t == pytest.approx(10, abs=0.2)
            assert len(connected_at(home)) == 1

    run_virtual(main())


def test_five_seconds_without_any_event_drop_the_link_for_three() -> None:
    async def main() -> None:
        async with room() as (home, satellite):
            satellite.answers_pings = False
            await home.connected(2)
            first, second = connected_at(home)
            assert second - first == pytest.approx(5 + 3, abs=0.2)

    run_virtual(main())


def test_it_is_away_for_thirteen_seconds_after_the_satellite_closed() -> None:
    async def main() -> None:
        async with room() as (home, satellite):
            await satellite.hang_up()
            await home.connected(2)
            first, second = connected_at(home)
            assert second - first == pytest.approx(13, abs=0.2)

    run_virtual(main())


def test_a_broken_link_cancels_the_run_and_the_next_one_hears() -> None:
    async def main() -> None:
        async with room([Turn("a", Reply("A.", tone(1), thinking_s=60)), Turn("b")]) as (home, satellite):
            await satellite.send(RUN, AudioStop().event())
            await home.sent("transcript")
            home.drop_link()
            await home.connected(2)
            await home.log.until(
                lambda: len(home.log.of("info", from_satellite=True)) >= 3, "the satellite to describe itself again"
            )
            await satellite.send(RUN)
            await satellite.say(tone(0.5, HEARING_RATE_HZ))
            await satellite.send(AudioStop().event())
            assert (await home.heard(2)).audio == tone(0.5, HEARING_RATE_HZ)

    run_virtual(main())


@pytest.mark.parametrize(("release", "connections"), [(V2026_11, 4), (V2026_2, 2)], ids=["2026.11", "2026.2"])
def test_2026_11_asks_for_the_info_over_a_connection_of_its_own_every_half_minute(
    release: Release, connections: int
) -> None:
    async def main() -> None:
        async with room(release=release) as (_, satellite):
            await elapse(65)
            assert satellite.connections == connections

    run_virtual(main())


def test_an_announcement_is_bare_and_waits_for_played() -> None:
    async def main() -> None:
        async with room() as (home, satellite):
            announcing = asyncio.create_task(home.announce(tone(2), synthesis_s=1))
            start = await home.sent("audio-start")
            stop = await home.sent("audio-stop")
            assert stop.t - start.t >= 1
            assert stop.event.data["timestamp"] is None
            assert not home.log.of("synthesize", from_satellite=False)
            await satellite.send(Played().event())
            assert await announcing
            assert asyncio.get_running_loop().time() - stop.t < 0.5

    run_virtual(main())


def test_an_announcement_waits_no_longer_than_its_length_and_half_a_second() -> None:
    async def main() -> None:
        async with room() as (home, _):
            assert not await home.announce(tone(2))
            stop = home.log.of("audio-stop", from_satellite=False)[0]
            assert asyncio.get_running_loop().time() - stop.t == pytest.approx(2.5, abs=0.1)

    run_virtual(main())


def test_an_announcement_cancels_a_turn_that_thinks_and_says_nothing_of_it() -> None:
    async def main() -> None:
        async with room([Turn("a", Reply("A.", tone(1), thinking_s=2))]) as (home, satellite):
            await satellite.send(RUN, AudioStop().event())
            await home.sent("transcript")
            await home.announce(tone(1))
            await elapse(LONG_S)
            assert not home.runs.active
            assert len(home.log.of("audio-stop", from_satellite=False)) == 1
            assert not home.log.of("error", from_satellite=False)

    run_virtual(main())


def test_a_timer_is_an_event_and_no_audio() -> None:
    async def main() -> None:
        async with room() as (home, _):
            home.timer(TimerFinished(id="tea").event())
            assert (await home.sent("timer-finished")).event.data["id"] == "tea"
            await elapse(LONG_S)
            assert not home.log.of("audio-start", from_satellite=False)

    run_virtual(main())


def test_mute_pauses_and_falls_silent_and_unmute_connects_anew() -> None:
    async def main() -> None:
        async with room() as (home, satellite):
            home.mute()
            await home.sent("pause-satellite")
            await elapse(LONG_S)
            pings = len(home.log.of("ping", from_satellite=False))
            await elapse(20)
            assert len(home.log.of("ping", from_satellite=False)) == pings
            connections = satellite.connections
            home.unmute()
            await home.connected(2)
            assert satellite.connections == connections + 1

    run_virtual(main())


def test_a_mute_of_less_than_a_ping_leaves_the_satellite_paused() -> None:
    async def main() -> None:
        async with room() as (home, _):
            await elapse(1)
            home.mute()
            await elapse(0.5)
            home.unmute()
            await elapse(20)
            assert len(connected_at(home)) == 1
            paused = home.log.of("pause-satellite", from_satellite=False)[0].t
            assert sum(entry.t > paused for entry in home.log.of("ping", from_satellite=False)) > 5

    run_virtual(main())
