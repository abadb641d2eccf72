"""What the driver of the turn machine adds to it: audio for the recogniser, positions, room for a reply."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from interject.satellite.audio.sounds import RoomSounds
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.wire.errors import PeerGoneError
from tests.satellite.talk import Talk, phase_of
from tools.testing.patience import expecting
from tools.virtual.signals import RATE_HZ, reply_voice, user_voice


def test_a_stream_begins_half_a_second_before_the_voice() -> None:
    talk = Talk()
    talk.silence(2.0)
    talk.voice(1.0)
    talk.silence(1.0)
    sent = talk.sent(1)
    (opened,) = talk.trace.of("stt-open")
    start = round(opened["audio_from"] * RATE_HZ)
    assert 1.5 <= opened["audio_from"] <= 1.6
    assert np.array_equal(sent, talk.heard_so_far[start : start + len(sent)])
    assert talk.transport.ended == [1]


@pytest.mark.parametrize("how", ["fails", "ends early"])
def test_after_a_stream_that_the_server_ended_the_next_one_has_its_pre_roll_again(how: str) -> None:
    """livekit#3261"""
    talk = Talk()
    talk.silence(1.0)
    talk.voice(0.5)
    if how == "fails":
        talk.it.stt_failed(1, PeerGoneError("tcp://stt:1"))
    else:
        talk.it.transcribed(1, "")
    talk.silence(3.0)
    onset = len(talk.heard_so_far)
    talk.voice(0.5)
    assert talk.trace.of("stt-open")[1]["audio_from"] <= (onset / RATE_HZ) - 0.35


def test_a_voice_that_begins_weakly_as_a_turn_ends_reaches_the_next_stream_whole() -> None:
    """livekit#3261"""
    talk = Talk()
    talk.silence(1.0)
    talk.voice(0.5)
    talk.silence(0.58)
    onset_s = len(talk.heard_so_far) / RATE_HZ
    weak = user_voice(1, round(0.06 * RATE_HZ)) // 30
    talk.hears(weak)
    assert talk.transport.ended == [1]
    talk.voice(0.5)
    assert talk.trace.of("stt-open")[1]["audio_from"] <= onset_s


def test_what_a_knock_began_is_sent_again() -> None:
    talk = Talk()
    talk.silence(1.0)
    talk.voice(0.1)
    talk.silence(0.7)
    assert talk.transport.aborted == [1]
    talk.voice(0.3)
    assert talk.trace.of("stt-open")[1]["audio_from"] <= 1.4


def test_an_interruption_tells_what_was_heard_up_to_the_pause() -> None:
    talk = Talk().speaking()
    talk.voice(0.4)
    assert phase_of(talk) is Phase.INTERRUPTED
    talk.it.partial(1, "stop")
    (interrupt,) = talk.transport.interrupts
    assert interrupt.heard.split() == [f"w{number}" for number in range(interrupt.heard_ms // 200)]
    assert 1_200 <= interrupt.heard_ms <= 1_400
    assert interrupt.text.startswith(interrupt.heard)


def test_the_trace_holds_the_end_of_a_partial_text_that_is_long() -> None:
    talk = Talk()
    talk.voice(0.4)
    for words in range(1, 1001):
        talk.it.partial(1, "no " * words)
    records = talk.trace.of("partial")
    assert records[0]["text"] == "no "
    assert records[-1]["characters"] == 3000
    assert sum(len(record["text"]) for record in records) <= 200 * 1000


def test_a_resume_begins_with_the_word_that_was_cut() -> None:
    talk = Talk().speaking()
    talk.voice(0.3)
    talk.silence(0.3)
    talk.it.transcribed(1, "uh-huh")
    (pause,), (resume,) = talk.trace.of("pause"), talk.trace.of("resume")
    assert (pause["position_ms"] - resume["rewound_ms"]) % 200 == pytest.approx(0)


def test_a_second_pause_right_after_a_resume_goes_back_from_where_it_is() -> None:
    talk = Talk().speaking()
    for stream in (1, 2):
        talk.voice(0.3)
        talk.silence(0.3)
        talk.it.transcribed(stream, "uh-huh")
    (_, second), pauses = talk.trace.of("resume"), talk.trace.of("pause")
    assert second["rewound_ms"] <= 200
    assert pauses[1]["position_ms"] >= pauses[0]["position_ms"], "what was heard once stays heard"


def test_nothing_of_a_reply_that_was_cut_reaches_the_player() -> None:
    """pipecat#3986"""
    talk = Talk()
    talk.it.type_text("tell me a story")
    talk.it.type_text("no, the time")
    talk.it.reply_text(1, "once upon")
    talk.it.reply_audio(1, reply_voice(1)[:16_000].tobytes(), RATE_HZ)
    talk.it.reply_failed(1, PeerGoneError("tcp://tts:1"))
    talk.it.reply_ended(1)
    talk.silence(1.0)
    assert phase_of(talk) is Phase.THINKING
    assert talk.trace.of("reply-started") == []
    assert talk.trace.of("error-cue") == []


def test_a_failing_reply_is_heard_as_a_cue() -> None:
    talk = Talk(sounds=replace(RoomSounds.silent(), error=np.full(100, 1000, np.int16)))
    talk.it.type_text("tell me a story")
    talk.it.reply_failed(1, PeerGoneError("tcp://llm:1"))
    assert talk.player.cue_frames > 0
    assert phase_of(talk) is Phase.IDLE


async def test_a_reply_far_ahead_waits_until_it_was_played_or_cut() -> None:
    talk = Talk()
    talk.it.type_text("tell me a long story")
    for _ in range(32):
        talk.it.reply_audio(1, reply_voice(1)[:16_000].tobytes(), RATE_HZ)
    waiting = asyncio.create_task(talk.it.room_for_audio(1))
    await asyncio.sleep(0)
    talk.silence(1.0)
    await asyncio.sleep(0)
    assert not waiting.done()
    talk.silence(1.5)
    async with expecting("the reply to get room for its audio"):
        await waiting
    talk.it.reply_audio(1, reply_voice(1)[:48_000].tobytes(), RATE_HZ)
    waiting = asyncio.create_task(talk.it.room_for_audio(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    talk.it.type_text("stop")
    async with expecting("the reply to get room for its audio"):
        await waiting


def test_after_lost_frames_what_is_heard_is_still_where_it_was_said() -> None:
    talk = Talk()
    talk.silence(1.0)
    talk.loses(0.5)
    talk.silence(1.0)
    talk.voice(0.5)
    (opened,) = talk.trace.of("stt-open")
    assert opened["audio_from"] == pytest.approx(2.5 - TurnSettings().pre_roll_ms / 1000, abs=0.15)
    assert np.count_nonzero(np.abs(talk.sent(1)) > 100) >= 0.45 * RATE_HZ
