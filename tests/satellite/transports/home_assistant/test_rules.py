"""The eleven rules of Home Assistant for a satellite, as measured, each against a peer that behaves as it does."""

from __future__ import annotations

import asyncio

import pytest
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from interject.satellite.transports.wyoming.transport import HomeAssistantSettings
from tools.fake_home_assistant.release import V2026_2, V2026_11, Release
from tools.fake_home_assistant.script import NOTHING, EndedBy, Order, Reply, Turn, tone
from tools.fake_home_assistant.stages import Stt
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.home_assistant_house import SECOND, house, quiet, voice

OLD, NEW = tone(20.0), tone(3.0, value=7)


def test_rule_2_old_speech_between_the_new_reaches_nobody() -> None:
    async def main() -> None:
        turns = [Turn("one", Reply("Old.", OLD, pace_s=0.02)), Turn("two", Reply("New.", NEW, pace_s=0.02))]
        async with house(turns) as here:
            await here.speak(1, voice(1.0))
            await here.speaking(1)
            here.transport.open_stt(2)
            here.interrupt(1)
            await here.say(2, voice(1.0, SECOND))
            here.transport.end_stt(2)
            await here.answered(2)
            assert here.room.audio[2] == NEW
            # All of the old one was still sent.
            await elapse(30)
            assert len(here.home.log.of("audio-stop", from_satellite=False)) == 2
            assert len(here.room.audio[1]) < len(OLD)

    run_virtual(main())


def test_rule_2_the_end_of_the_old_speech_does_not_end_the_new() -> None:
    async def main() -> None:
        turns = [Turn("one", Reply("Old.", tone(6.0), pace_s=0.02)), Turn("two", Reply("New.", NEW, pace_s=0.1))]
        async with house(turns) as here:
            await here.speak(1, voice(1.0))
            await here.speaking(1)
            here.transport.open_stt(2)
            here.interrupt(1)
            await here.say(2, voice(1.0, SECOND))
            here.transport.end_stt(2)
            await here.answered(2)
            assert here.room.audio[2] == NEW

    run_virtual(main())


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("no_audio_start", [False, True])
def test_rule_3_text_late_or_never_and_no_audio_start(order: Order, no_audio_start: bool) -> None:
    async def main() -> None:
        reply = Reply("All right.", NEW, order=order, no_audio_start=no_audio_start)
        async with house([Turn("one", reply), Turn("two", reply)]) as here:
            for number in (1, 2):
                await here.speak(number, voice(1.0))
                await here.answered(number)
                assert here.room.audio[number] == NEW
                await elapse(5)
                here.transport.played(number)
            assert here.room.failed == []
            texts = {} if order is Order.NO_TEXT else {1: "All right.", 2: "All right."}
            assert {epoch: text for epoch, text in here.room.texts.items() if text} == texts
            assert here.home.runs.dropped == 0

    run_virtual(main())


@pytest.mark.parametrize(
    ("reply", "within_s"),
    [
        pytest.param(NOTHING, 35.0, id="empty"),
        pytest.param(Reply("Well.", NEW, fails_after_chunks=0), 20.0, id="tts-dead"),
        pytest.param(Reply("Well.", NEW, fails_after_chunks=5), 20.0, id="tts-dies"),
        pytest.param(Reply("Well.", NEW, order=Order.NO_TEXT, fails_after_chunks=5), 20.0, id="stream-dies"),
    ],
)
def test_rule_3_a_reply_that_stops_short_is_ended_by_a_watchdog(reply: Reply, within_s: float) -> None:
    async def main() -> None:
        settings = HomeAssistantSettings(reply_timeout_s=30.0)
        async with house([Turn("one", reply), Turn("two", Reply("Yes.", NEW))], settings) as here:
            await here.speak(1, voice(1.0))
            begun = asyncio.get_running_loop().time()
            await here.answered(1)
            assert asyncio.get_running_loop().time() - begun < within_s
            assert len(here.room.failed) == 1
            here.interrupt(1, "failed")
            await here.speak(2, voice(1.0))
            await here.answered(2)
            assert here.room.audio[2] == NEW

    run_virtual(main())


def test_rule_4_a_minute_of_speech_is_read_while_nobody_plays_them_and_pings_answered() -> None:
    async def main() -> None:
        speech = tone(60.0)
        async with house([Turn("tell me a story", Reply("Once.", speech))]) as here:
            here.room.room.clear()
            await here.speak(1, voice(1.0))
            await here.home.sent("audio-stop")
            await elapse(30)
            assert len(here.home.log.of("run-satellite", from_satellite=False)) == 1
            assert len(here.home.log.of("pong", from_satellite=True)) >= 10
            assert len(here.room.audio[1]) < len(speech) / 100
            here.room.room.set()
            await here.answered(1)
            assert here.room.audio[1] == speech

    run_virtual(main())


def test_rule_5_connections_that_only_describe_change_nothing() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW))]) as here:
            await elapse(100)
            assert len({entry.connection for entry in here.home.log.entries}) >= 4
            await here.speak(1, voice(1.0))
            await here.answered(1)
            assert here.room.noted("disconnected") == []

    run_virtual(main())


def test_rule_6_a_deaf_home_assistant_is_cured_and_gets_the_whole_turn() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW))]) as here:
            here.transport.open_stt(1)
            await here.say(1, voice(0.1))
            # As after a run into a running one.
            here.home.runs.running = False
            await here.say(1, voice(4.9))
            here.transport.end_stt(1)
            await here.answered(1)
            assert here.home.utterances[-1].audio == voice(5.0)
            assert len(here.room.noted("ha-retry")) == 1

    run_virtual(main())


def test_rule_6_an_stt_without_voice_events_is_asked_anew_once_at_most() -> None:
    async def main() -> None:
        turns = [Turn("one", Reply("Yes.", NEW)) for _ in range(3)]
        async with house(turns, stt=Stt(external_vad=False)) as here:
            for number in (1, 2, 3):
                await here.speak(number, voice(6.0))
                await here.answered(number)
                here.transport.played(number)
                assert len(here.room.noted("ha-retry")) == 1
                assert here.home.utterances[-1].audio == voice(6.0)

    run_virtual(main())


def test_rule_7_no_audio_after_home_assistant_ended_the_turn() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW), stt_s=1.0)]) as here:
            here.transport.open_stt(1)
            await here.say(1, voice(1.5) + quiet(3.0))
            await here.answered(1)
            assert here.home.utterances[0].ended_by is EndedBy.VOICE_ACTIVITY
            assert here.room.transcripts == {1: "one"}
            stopped = here.home.log.of("voice-stopped", from_satellite=False)[0].t
            late = [e for e in here.home.log.of("audio-chunk", from_satellite=True) if e.t > stopped + 0.05]
            assert late == []

    run_virtual(main())


def test_rule_8_an_announcement_is_played_and_reported() -> None:
    async def main() -> None:
        async with house() as here:
            announcing = asyncio.create_task(here.home.announce(NEW, synthesis_s=3.0))
            await here.answered(1)
            assert here.room.announcements == [1]
            assert here.room.audio[1] == NEW
            await elapse(2)
            assert not announcing.done()
            here.transport.played(1)
            assert await announcing

    run_virtual(main())


def test_rule_8_an_interrupted_announcement_is_over_at_once_and_its_rest_reaches_nobody() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW))]) as here:
            here.room.room.clear()
            announcing = asyncio.create_task(here.home.announce(OLD))
            await here.speaking(1)
            here.transport.open_stt(1)
            await here.say(1, voice(0.5))
            here.interrupt(1)
            assert await announcing
            await here.say(1, voice(0.5))
            here.room.room.set()
            here.transport.end_stt(1)
            await here.answered(2)
            assert here.home.utterances[0].audio == voice(1.0)
            assert here.room.audio[2] == NEW
            assert len(here.room.audio[1]) < len(OLD)

    run_virtual(main())


def test_rule_8_an_announcement_while_the_user_speaks_ends_the_turn_without_an_error() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW))]) as here:
            here.transport.open_stt(1)
            await here.say(1, voice(1.0))
            announcing = asyncio.create_task(here.home.announce(NEW))
            await here.answered(1)
            assert here.room.stt_failures == []
            here.transport.played(1)
            assert await announcing
            await here.speak(2, voice(1.0))
            await here.answered(2)

    run_virtual(main())


def test_rule_8_an_announcement_during_a_reply_takes_its_place() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Old.", OLD, pace_s=0.02))]) as here:
            await here.speak(1, voice(1.0))
            await here.speaking(1)
            cancel = here.interrupt
            announce = here.room.announce

            def make_way() -> int:
                cancel(1, "announcement")
                return announce()

            here.room.announce = make_way  # type: ignore[method-assign]
            announcing = asyncio.create_task(here.home.announce(NEW))
            await here.answered(2)
            assert here.room.audio[2] == NEW
            assert not announcing.done()
            here.transport.played(2)
            assert await announcing

    run_virtual(main())


def test_rule_9_timers_are_passed_on() -> None:
    async def main() -> None:
        events = [
            TimerStarted(id="1", total_seconds=60, name="eggs").event(),
            TimerUpdated(id="1", is_active=True, total_seconds=90).event(),
            TimerCancelled(id="2").event(),
            TimerFinished(id="1").event(),
        ]
        async with house() as here:
            for event in events:
                here.home.timer(event)
            await here.room.until(lambda: len(here.room.timers) == 4)
            assert [event.type for event in here.room.timers] == [event.type for event in events]
            assert here.room.timers[0].data["total_seconds"] == 60

    run_virtual(main())


@pytest.mark.parametrize("muted_s", [0.5, 30.0])
def test_rule_9_mute_lasts_until_it_is_switched_off(muted_s: float) -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW))]) as here:
            here.home.mute()
            await here.room.until(lambda: here.room.mutes == ["mute"])
            await elapse(muted_s)
            assert here.room.mutes == ["mute"]
            here.home.unmute()
            await here.room.until(lambda: here.room.mutes == ["mute", "unmute"] and here.link.connected)
            await here.speak(1, voice(1.0))
            await here.answered(1)

    run_virtual(main())


def test_rule_10_where_another_room_answers_the_turn_ends_without_an_error() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW))], wake_ups={"okay_nabu": 0.0}) as here:
            here.wake("okay_nabu")
            here.transport.open_stt(1)
            await here.say(1, voice(0.5))
            await here.room.until(lambda: here.room.transcripts)
            assert here.room.transcripts == {1: ""}
            assert here.room.stt_failures == []
            here.transport.end_stt(1)
            await elapse(5)
            here.wake("okay_nabu")
            await here.speak(2, voice(1.0))
            await here.answered(1)
            assert here.home.utterances[0].wake_word == "okay_nabu"

    run_virtual(main())


def test_rule_11_unknown_events_change_nothing() -> None:
    async def main() -> None:
        async with house([Turn("one", Reply("Yes.", NEW))]) as here:
            here.home.timer(Event("custom-event", {"text": 7}, b"\0"))
            here.home.timer(Event("audio-chunk", {"rate": 0}))
            await here.speak(1, voice(1.0))
            await here.answered(1)
            assert here.room.audio[1] == NEW

    run_virtual(main())


@pytest.mark.parametrize("release", [V2026_11, V2026_2])
def test_a_barge_in_while_the_agent_thinks_leaves_no_deaf_home_assistant(release: Release) -> None:
    async def main() -> None:
        turns = [Turn("one", Reply("Old.", OLD, thinking_s=5.0)), Turn("one and two", Reply("New.", NEW))]
        async with house(turns, release=release) as here:
            await here.speak(1, voice(1.0))
            await here.room.until(lambda: here.room.transcripts)
            here.transport.open_stt(2)
            await here.say(2, voice(0.5, SECOND))
            here.interrupt(1, "early")
            await here.say(2, voice(0.5, SECOND))
            here.transport.end_stt(2)
            await here.answered(2)
            # The agent has forgotten the question that was cut: it gets both.
            assert here.home.utterances[1].audio == voice(1.0) + voice(1.0, SECOND)
            assert here.room.audio[2] == NEW
            assert here.home.runs.dropped == 0

    run_virtual(main())
