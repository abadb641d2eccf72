"""What the fake says of a turn, in the order and with the gaps of the real one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from wyoming.audio import AudioStop
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.wake import Detection

from tools.fake_home_assistant.plain_satellite import NULL_RUN, RUN
from tools.fake_home_assistant.room import room
from tools.fake_home_assistant.script import HEARING_RATE_HZ, NOTHING, EndedBy, Order, Reply, Turn, tone
from tools.fake_home_assistant.stages import Stt
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from tools.fake_home_assistant.peer import FakeHomeAssistant
    from tools.fake_home_assistant.plain_satellite import PlainSatellite

VOICE = tone(1.5, HEARING_RATE_HZ, 4000)
LONG_S = 5.0
IGNORED = {"ping", "describe", "run-satellite"}


def silence(seconds: float) -> bytes:
    return tone(seconds, HEARING_RATE_HZ, 0)


async def ask(home: FakeHomeAssistant, satellite: PlainSatellite, number: int = 1) -> None:
    await satellite.send(RUN)
    await home.sent("transcribe", number)
    await satellite.say(VOICE)
    await satellite.send(AudioStop().event())
    await home.heard(number)


def kinds(home: FakeHomeAssistant) -> list[str]:
    """Name what was sent, each run of equal events once."""
    sent = [e.event.type for e in home.log.entries if not e.from_satellite and e.event.type not in IGNORED]
    return sent[:1] + [after for before, after in pairwise(sent) if before != after]


def what_comes(turn: Turn) -> list[str]:
    async def main() -> list[str]:
        async with room([turn]) as (home, satellite):
            await ask(home, satellite)
            await elapse(LONG_S)
            return kinds(home)

    return run_virtual(main())


def test_an_ordinary_turn() -> None:
    assert what_comes(Turn("hi", Reply("Hello.", tone(1)))) == [
        "transcribe",
        "voice-started",
        "transcript",
        "synthesize",
        "audio-start",
        "audio-chunk",
        "audio-stop",
    ]


@pytest.mark.parametrize(
    ("turn", "after_transcribe"),
    [
        (Turn("hi", Reply("Hi.", tone(1), Order.STREAMED)), "transcript audio-start audio-chunk audio-stop synthesize"),
        (Turn("hi", Reply("Hi.", tone(1), Order.NO_TEXT)), "transcript audio-start audio-chunk audio-stop"),
        (Turn("hi", Reply("Hi.", tone(1), no_audio_start=True)), "transcript synthesize audio-chunk audio-stop"),
        (Turn("hi", Reply("Hi.", tone(1), fails_after_chunks=3)), "transcript synthesize audio-start audio-chunk"),
        (Turn("hi", Reply("Hi.", tone(1), fails_after_chunks=0)), "transcript synthesize"),
        (Turn("hi", NOTHING), "transcript"),
        (Turn(""), "error"),
        (Turn("hi", error="stt-stream-failed"), "error"),
    ],
)
def test_what_is_missing_or_late(turn: Turn, after_transcribe: str) -> None:
    assert what_comes(turn)[2:] == after_transcribe.split()


def test_ten_seconds_are_216_chunks_that_come_at_once_with_timestamps_that_add_up() -> None:
    async def main() -> None:
        async with room([Turn("hi", Reply("Long.", tone(10)))]) as (home, satellite):
            await ask(home, satellite)
            stop = await home.sent("audio-stop")
            start = home.log.of("audio-start", from_satellite=False)[0]
            chunks = home.log.of("audio-chunk", from_satellite=False)
            assert start.event.data == {"rate": 22_050, "width": 2, "channels": 1, "timestamp": 0}
            assert len(chunks) == 216
            assert stop.t - start.t < 0.2
            expected = 0
            for chunk in chunks:
                assert chunk.event.data["timestamp"] == expected
                assert chunk.event.payload is not None
                expected += int(len(chunk.event.payload) / 2 / 22_050 * 1000)
            assert stop.event.data["timestamp"] == expected

    run_virtual(main())


def test_the_old_reply_goes_on_between_the_chunks_of_the_new_one_and_stops_in_its_middle() -> None:
    async def main() -> None:
        old = Turn("old", Reply("Old.", tone(2, value=111), pace_s=0.1))
        new = Turn("new", Reply("New.", tone(2, value=222), pace_s=0.1))
        async with room([old, new]) as (home, satellite):
            await ask(home, satellite)
            await home.sent("audio-chunk", 5)
            await ask(home, satellite, 2)
            await home.sent("audio-stop", 2)
            entries = [e.event for e in home.log.entries if not e.from_satellite]
            stops = [n for n, event in enumerate(entries) if event.type == "audio-stop"]
            values = [
                (n, int.from_bytes((event.payload or b"")[:2], "little"))
                for n, event in enumerate(entries)
                if event.type == "audio-chunk"
            ]
            changes = sum(before != after for (_, before), (_, after) in pairwise(values))
            assert changes > 20
            assert [value for n, value in values if n > stops[0]] == [222] * sum(n > stops[0] for n, _ in values)
            assert any(n > stops[0] for n, _ in values)

    run_virtual(main())


def test_an_agent_that_streams_and_is_cancelled_falls_silent_without_an_end() -> None:
    async def main() -> None:
        speaks = Turn("a", Reply("A.", tone(3), Order.STREAMED, pace_s=0.1, ahead_chunks=4))
        async with room([speaks, Turn("b", Reply("B.", tone(1)))]) as (home, satellite):
            await ask(home, satellite)
            await home.sent("audio-chunk", 3)
            await satellite.send(NULL_RUN)
            await home.sent("error")
            before = len(home.log.of("audio-chunk", from_satellite=False))
            await elapse(LONG_S)
            assert len(home.log.of("audio-chunk", from_satellite=False)) - before == 4
            assert not home.log.of("audio-stop", from_satellite=False)
            assert not home.log.of("synthesize", from_satellite=False)
            await ask(home, satellite, 2)
            await home.sent("audio-stop")

    run_virtual(main())


def test_its_own_voice_detection_is_late_and_ends_the_turn_after_silence() -> None:
    async def main() -> None:
        async with room([Turn("hi")]) as (home, satellite):
            await satellite.send(RUN)
            await satellite.say(VOICE + silence(2))
            utterance = await home.heard()
            assert utterance.ended_by is EndedBy.VOICE_ACTIVITY
            assert 2.1 <= utterance.seconds <= 2.3
            assert home.log.of("voice-started", from_satellite=False)[0].event.data["timestamp"] >= 1000
            assert home.log.of("voice-stopped", from_satellite=False)

    run_virtual(main())


def test_fifteen_seconds_of_silence_are_an_error() -> None:
    async def main() -> None:
        async with room([Turn("")]) as (home, satellite):
            await satellite.send(RUN)
            await satellite.say(silence(16))
            error = await home.sent("error")
            assert error.event.data["code"] == "stt-no-text-recognized"
            assert home.utterances[0].ended_by is EndedBy.TIMEOUT
            assert not home.log.of("voice-started", from_satellite=False)

    run_virtual(main())


def test_an_stt_that_ends_the_turn_itself_has_no_voice_events() -> None:
    async def main() -> None:
        stt = Stt(external_vad=False, has_text_after_s=2.5)
        async with room([Turn("hi")], stt=stt) as (home, satellite):
            await satellite.send(RUN)
            await satellite.say(VOICE + silence(2))
            await home.sent("transcript")
            assert home.utterances[0].ended_by is EndedBy.STT
            assert kinds(home) == ["transcribe", "transcript"]

    run_virtual(main())


def test_the_same_wake_word_twice_within_two_seconds_is_another_rooms() -> None:
    async def main() -> None:
        async with room([Turn("hi"), Turn("hi")]) as (home, satellite):
            for _ in range(2):
                await satellite.send(Detection(name="okay_nabu").event(), RUN)
                await satellite.say(VOICE)
                await satellite.send(AudioStop().event())
                await elapse(1)
            assert len(home.utterances) == 1
            assert home.log.of("error", from_satellite=False)[0].event.data["code"] == "duplicate_wake_up_detected"

    run_virtual(main())


def test_it_listens_for_a_wake_word_and_goes_on_to_stt_in_the_same_run() -> None:
    async def main() -> None:
        word = tone(0.512, HEARING_RATE_HZ, 9999)
        wake = RunPipeline(start_stage=PipelineStage.WAKE, end_stage=PipelineStage.TTS).event()
        hears = lambda chunk: "okay_nabu" if word[:2] in chunk[:2] else None  # noqa: E731 - a test's ear
        async with room([Turn("hi", Reply("Hello.", tone(1)))], hears_wake_word=hears) as (home, satellite):
            await satellite.send(wake)
            await home.sent("detect")
            await satellite.say(silence(0.512) + word[:2048] + VOICE)
            await satellite.send(AudioStop().event())
            await home.sent("audio-stop")
            assert home.utterances[0].audio == VOICE
            assert kinds(home)[:3] == ["detect", "detection", "transcribe"]

    run_virtual(main())
