from __future__ import annotations

import pytest

from tools.fake_home_assistant.release import V2026_2, V2026_11, Release
from tools.fake_home_assistant.script import EndedBy, Reply, Turn, tone
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.home_assistant_house import FIRST, SECOND, house, quiet, voice

RELEASES = pytest.mark.parametrize("release", [V2026_11, V2026_2])


def test_an_ordinary_turn_is_heard_answered_and_reported_as_played() -> None:
    async def main() -> None:
        async with house([Turn("what time is it", Reply("Noon.", tone(1.0)))]) as here:
            await here.speak(1, voice(1.2) + quiet(0.6))
            await here.answered(1)
            assert here.room.transcripts == {1: "what time is it"}
            assert here.room.texts == {1: "Noon."}
            assert here.room.audio == {1: tone(1.0)}
            assert here.home.utterances[0].audio == voice(1.2) + quiet(0.6)
            assert here.home.utterances[0].ended_by is EndedBy.SATELLITE
            here.transport.played(1)
            await here.home.received("played")
            assert here.room.failed == []

    run_virtual(main())


@RELEASES
def test_rule_1_a_barge_in_waits_for_the_null_run_and_loses_no_sample(release: Release) -> None:
    async def main() -> None:
        turns = [Turn("tell me", Reply("Once.", tone(10.0))), Turn("no", Reply("Well.", tone(1.0, value=7)))]
        async with house(turns, release=release) as here:
            await here.speak(1, voice(1.2))
            await here.speaking(1)
            here.transport.open_stt(2)
            await here.say(2, voice(0.6, SECOND))
            here.interrupt(1)
            await here.say(2, voice(0.6, SECOND))
            here.transport.end_stt(2)
            await here.answered(2)
            sent = here.from_satellite("played", "run-pipeline")
            assert sent[-3:] == ["played", "null", "run-pipeline"]
            assert here.home.utterances[1].audio == voice(1.2, SECOND)
            assert here.room.audio[2] == tone(1.0, value=7)
            assert not here.home.runs.deaf
            assert here.home.runs.dropped == 0

    run_virtual(main())


@RELEASES
def test_six_barge_ins_in_a_row_leave_home_assistant_hearing(release: Release) -> None:
    async def main() -> None:
        turns = [Turn(f"turn {n}", Reply(f"Reply {n}.", tone(5.0, value=n), pace_s=0.01)) for n in range(1, 8)]
        async with house(turns, release=release) as here:
            await here.speak(1, voice(1.0))
            for n in range(1, 7):
                await here.speaking(n)
                here.transport.open_stt(n + 1)
                await here.say(n + 1, voice(0.3, FIRST + n))
                here.interrupt(n)
                await here.say(n + 1, voice(0.3, FIRST + n))
                here.transport.end_stt(n + 1)
            await here.answered(7)
            assert [u.audio for u in here.home.utterances[1:]] == [voice(0.6, FIRST + n) for n in range(1, 7)]
            for epoch in range(1, 8):
                assert set(here.room.audio[epoch]) == set(tone(0.1, value=epoch))
            assert here.room.audio[7] == tone(5.0, value=7)
            assert here.home.runs.dropped == 0

    run_virtual(main())


def test_the_pipeline_of_the_wake_word_has_the_turn_also_when_its_run_is_begun_anew() -> None:
    async def main() -> None:
        turns = [
            Turn("turn on the light", Reply("Done.", tone(5.0))),
            Turn("no", Reply("Sorry.", tone(1.0))),
            Turn("one"),
        ]
        async with house(turns) as here:
            here.wake("okay_nabu", "Kitchen")
            here.transport.open_stt(1)
            # Home Assistant hears nobody for so long that a run without `voice-started` is begun anew.
            await here.say(1, quiet(3.0) + voice(1.0))
            here.transport.end_stt(1)
            await here.speaking(1)
            here.transport.open_stt(2)
            await here.say(2, voice(0.6, SECOND))
            here.interrupt(1)
            here.transport.end_stt(2)
            await here.answered(2)
            assert len(here.pipelines()) >= 3
            assert set(here.pipelines()) == {"Kitchen"}
            assert len(here.home.log.of("detection", from_satellite=True)) == 1
            here.transport.played(2)
            here.wake("alexa")
            await here.speak(3, voice(1.0))
            await here.room.until(lambda: 3 in here.room.transcripts)
            assert here.pipelines()[-1] is None

    run_virtual(main())


def test_a_turn_that_goes_on_while_its_text_is_awaited_reaches_home_assistant_whole() -> None:
    async def main() -> None:
        whole = Turn("turn on the light in the kitchen", Reply("Done."))
        async with house([Turn("turn on the light", stt_s=1.0), whole]) as here:
            here.transport.open_stt(1)
            await here.say(1, voice(0.8) + quiet(0.6))
            here.transport.end_stt(1)
            here.transport.open_stt(2)
            await here.say(2, voice(0.8, SECOND))
            here.transport.end_stt(2)
            await here.room.until(lambda: 2 in here.room.transcripts)
            assert here.room.transcripts == {1: "", 2: "turn on the light in the kitchen"}
            assert here.home.utterances[-1].audio == voice(0.8) + quiet(0.2) + voice(0.8, SECOND)

    run_virtual(main())


def test_a_turn_that_is_dropped_is_taken_back_from_home_assistant_at_once() -> None:
    async def main() -> None:
        turns = [Turn("hm", Reply("Yes?", tone(5.0), thinking_s=0.5)), Turn("two", Reply("Well.", tone(1.0, value=7)))]
        async with house(turns) as here:
            here.room.asks = False
            await here.speak(1, voice(1.0))
            await here.room.until(lambda: 1 in here.room.transcripts)
            here.transport.turn_dropped()
            await here.home.received("run-pipeline", 3)
            assert here.from_satellite("run-pipeline") == ["null", "run-pipeline", "null"]
            here.room.asks = True
            await here.speak(2, voice(1.0, SECOND))
            await here.answered(1)
            assert here.room.audio == {1: tone(1.0, value=7)}

    run_virtual(main())


def test_a_turn_that_is_asked_late_still_gets_the_answer_that_is_there() -> None:
    """How long the turn machine takes to decide is its own affair."""

    async def main() -> None:
        async with house([Turn("one", Reply("Noon.", tone(1.0)))]) as here:
            here.room.asks = False
            await here.speak(1, voice(1.0))
            await here.room.until(lambda: 1 in here.room.transcripts)
            await elapse(8)
            here.transport.ask(1, "one")
            await here.answered(1)
            assert here.room.audio == {1: tone(1.0)}
            assert here.from_satellite("run-pipeline") == ["null", "run-pipeline"]

    run_virtual(main())
