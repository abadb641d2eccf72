"""Home Assistant goes and comes back, wakes us by its own word, and is there for announcements in direct mode."""

from __future__ import annotations

import asyncio
import logging

import pytest

from interject.satellite.transports.assist.state import WakeIn
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings
from interject.satellite.transports.wyoming.uplink import HomeAssistantWake
from tools.fake_home_assistant.release import V2026_2, V2026_11, Release
from tools.fake_home_assistant.script import Reply, Turn, tone
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.home_assistant_house import SECOND, house, quiet, voice

OLD, NEW = tone(20.0), tone(3.0, value=7)
YES = Turn("one", Reply("Yes.", NEW))


@pytest.mark.parametrize("release", [V2026_11, V2026_2])
def test_a_link_that_broke_while_the_user_spoke_fails_the_turn_and_comes_back(release: Release) -> None:
    async def main() -> None:
        async with house([YES], release=release) as here:
            here.transport.open_stt(1)
            await here.say(1, voice(0.5))
            here.home.drop_link()
            await here.room.until(lambda: here.room.stt_failures)
            assert "not connected" in str(here.room.stt_failures[0][1])
            await here.speak(2, voice(0.5))
            await here.room.until(lambda: len(here.room.stt_failures) == 2)
            await here.home.connected(2)
            await here.room.until(lambda: len(here.room.noted("connected")) == 2)
            await here.speak(3, voice(0.5))
            await here.answered(1)

    run_virtual(main())


def test_a_reply_that_is_there_plays_on_when_the_link_breaks() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Long.", OLD))]) as here:
            here.room.room.clear()
            await here.speak(1, voice(1.0))
            await here.home.sent("audio-stop")
            await here.room.until(lambda: here.room.noted("ha-spoken"))
            here.home.drop_link()
            await here.room.until(lambda: here.room.noted("disconnected"))
            here.room.room.set()
            await here.answered(1)
            assert here.room.failed == []
            assert here.room.audio[1] == OLD

    run_virtual(main())


def test_a_reply_that_the_link_cut_short_fails() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Long.", OLD, pace_s=0.1))]) as here:
            await here.speak(1, voice(1.0))
            await here.speaking(1)
            here.home.drop_link()
            await here.answered(1)
            assert len(here.room.failed) == 1
            assert OLD.startswith(here.room.audio[1])

    run_virtual(main())


def test_more_than_ten_minutes_of_speech_are_refused_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        # The lowest rate that there is makes the fewest chunks of it.
        speech = tone(10.5 * 60, rate_hz=8000)
        async with house([Turn("one", Reply("Long.", speech, rate_hz=8000))]) as here:
            here.room.room.clear()
            await here.speak(1, voice(1.0))
            await here.home.sent("audio-stop")
            await here.room.until(lambda: here.room.noted("ha-spoken"))
            await elapse(60)
            assert here.room.noted("disconnected") == []

    with caplog.at_level(logging.WARNING):
        run_virtual(main())
    assert len([r for r in caplog.records if "10 minutes" in r.message]) == 1


def test_home_assistants_own_wake_word_begins_a_turn_in_the_run_that_heard_it() -> None:
    async def main() -> None:
        heard: list[str] = []

        def hears(chunk: bytes) -> str | None:
            return "okay_nabu" if chunk.startswith(voice(0.001, 30)) else None

        settings = HomeAssistantSettings(wake=WakeIn.HOME_ASSISTANT)
        async with house([YES, YES], settings, hears_wake_word=hears) as here:
            wake = HomeAssistantWake(here.transport)
            listening = asyncio.create_task(wake.run(lambda word: heard.append(word.phrase)))
            try:
                for number in (1, 2):
                    await here.home.sent("detect", number)
                    for sound in (quiet(0.1), voice(0.1, 30)):
                        here.transport.push(sound)
                    await here.home.sent("detection", number)
                    await elapse(0.01)
                    assert heard == ["okay nabu"] * number
                    here.transport.open_stt(number)
                    for _ in range(50):
                        here.transport.push(voice(0.02, SECOND))
                        here.transport.send_audio(number, voice(0.02, SECOND))
                        await elapse(0.02)
                    here.transport.end_stt(number)
                    await here.answered(number)
                    assert here.home.utterances[-1].audio == voice(1.0, SECOND)
                    await elapse(3)
                    here.transport.played(number)
                assert "null" not in here.from_satellite("run-pipeline")[1:]
            finally:
                listening.cancel()
                await asyncio.wait({listening})

    run_virtual(main())


def test_a_stop_word_over_the_answer_to_home_assistants_own_wake_word_ends_its_run_there() -> None:
    async def main() -> None:
        def hears(chunk: bytes) -> str | None:
            return "okay_nabu" if chunk.startswith(voice(0.001, 30)) else None

        settings = HomeAssistantSettings(wake=WakeIn.HOME_ASSISTANT)
        slow = Turn("one", Reply("Long.", OLD, pace_s=0.2))
        async with house([slow], settings, hears_wake_word=hears) as here:
            listening = asyncio.create_task(HomeAssistantWake(here.transport).run(lambda _: None))
            try:
                await here.home.sent("detect")
                here.transport.push(voice(0.1, 30))
                await here.home.sent("detection")
                await elapse(0.01)
                await here.speak(1, voice(1.0, SECOND))
                await here.speaking(1)
                here.transport.open_stt(2)
                await here.say(2, voice(0.5, SECOND))
                here.interrupt(1, "stop-word")
                here.transport.end_stt(2)
                await elapse(1)
                # It listens for its wake word again, and not only once it has spoken to the end.
                assert here.from_satellite("run-pipeline")[1:].count("null") == 1
                assert len(here.home.log.of("detect", from_satellite=False)) == 2
                assert here.home.runs.dropped == 0
            finally:
                listening.cancel()
                await asyncio.wait({listening})

    run_virtual(main())


def test_a_missing_wake_word_engine_is_asked_for_less_and_less() -> None:
    async def main() -> None:
        settings = HomeAssistantSettings(wake=WakeIn.HOME_ASSISTANT)
        async with house([YES], settings) as here:
            await elapse(120)
            assert 3 <= len(here.from_satellite("run-pipeline")) <= 9
            assert len(here.room.noted("error")) == 1

    run_virtual(main())


def test_a_satellite_that_stops_does_not_wait_for_home_assistant() -> None:
    async def main() -> None:
        async with house() as here:
            begun = asyncio.get_running_loop().time()
            here.link.detach()
            await here.service.stop()
            # Work under way would have got its second of grace.
            assert asyncio.get_running_loop().time() - begun < 0.5

    run_virtual(main())
