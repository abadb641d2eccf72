"""Wake words, short sounds, announcements, rings and the mute switch, as the audio and the pipeline get them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from wyoming.timer import TimerFinished, TimerStarted

from interject.satellite.audio.sounds import SHIPPED, RoomSounds
from interject.satellite.audio.wav import read_wav
from interject.satellite.conversation.loop import MuteSwitch
from interject.satellite.records.conversation import ReplyInterrupted, ReplyPlayed
from interject.satellite.records.event_service import wyoming_event
from interject.satellite.records.hooks.table import hook_call
from interject.satellite.turn.settings import BargeIn, TurnSettings, TurnStart
from interject.satellite.turn.state import Phase
from interject.satellite.wake.base import Role, WakeWord
from interject.wire.errors import PeerGoneError
from tests.satellite.talk import Talk, phase_of
from tools.virtual.signals import RATE_HZ, reply_voice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.satellite.audio.base import Samples

BY_WAKE_WORD = TurnSettings(turn_start=TurnStart.WAKE_WORD)
CHIME_S = 0.4
CHIME = np.full(round(CHIME_S * RATE_HZ), 3000, np.int16)
BEEP = np.full(round(0.2 * RATE_HZ), 2000, np.int16)
BEEPS = 20


def beeps() -> Iterator[Samples]:
    for _ in range(BEEPS):
        yield BEEP
        yield np.zeros(round(0.3 * RATE_HZ), np.int16)


SOUNDS = RoomSounds(
    error=read_wav(SHIPPED / "error.wav", RATE_HZ),
    not_understood=read_wav(SHIPPED / "not_understood.wav", RATE_HZ),
    ring=beeps,
    ring_once=BEEP,
    awake=CHIME,
    done=None,
    echo_tail_s=0.2,
)


def wake_word(talk: Talk, ago_s: float = 0.1) -> None:
    end = len(talk.heard_so_far) - round(ago_s * RATE_HZ)
    talk.it.wake_word(WakeWord("okay_nabu", "okay nabu", Role.WAKE, end))


def stop_word(talk: Talk) -> None:
    talk.it.wake_word(WakeWord("stop", "stop", Role.STOP, None))


def heard_at(talk: Talk, stream: int) -> int:
    audio_from_s: float = talk.trace.of("stt-open")[stream - 1]["audio_from"]
    return round(audio_from_s * RATE_HZ)


def test_the_command_that_follows_the_wake_word_without_a_pause_is_sent_whole() -> None:
    talk = Talk(BY_WAKE_WORD, sounds=SOUNDS)
    talk.silence(1.0)
    talk.voice(1.2)
    wake_word(talk, ago_s=0.3)
    talk.voice(1.0)
    talk.silence(1.0)
    start, sent = heard_at(talk, 1), talk.sent(1)
    assert start == round(1.9 * RATE_HZ)
    assert np.array_equal(sent, talk.heard_so_far[start : start + len(sent)])
    assert len(sent) / RATE_HZ > 1.3
    assert not talk.played_so_far.any(), "nobody who speaks on needs a chime"
    assert talk.transport.words == ["okay_nabu"]


def test_who_pauses_after_the_wake_word_hears_the_awake_sound_and_the_recogniser_does_not() -> None:
    talk = Talk(BY_WAKE_WORD, sounds=SOUNDS, echo=0.02)
    talk.silence(1.0)
    wake_word(talk)
    talk.silence(1.5)
    assert talk.played_so_far.any()
    assert talk.heard_so_far.any(), "the microphone hears it"
    talk.voice(1.0)
    talk.silence(1.0)
    start, sent = heard_at(talk, 1), talk.sent(1)
    assert not sent[: round(2.4 * RATE_HZ) - start].any()
    voice_from = round(2.5 * RATE_HZ)
    assert np.array_equal(sent[voice_from - start :], talk.heard_so_far[voice_from : start + len(sent)])


def test_who_speaks_over_the_awake_sound_is_heard_from_the_first_word_and_the_sound_ends() -> None:
    talk = Talk(BY_WAKE_WORD, sounds=SOUNDS)
    talk.silence(1.0)
    wake_word(talk)
    talk.silence(0.5)
    assert talk.played_so_far.any()
    onset = len(talk.heard_so_far)
    talk.voice(0.6)
    talk.silence(1.0)
    start, sent = heard_at(talk, 1), talk.sent(1)
    assert np.array_equal(sent[onset - start :], talk.heard_so_far[onset : start + len(sent)])
    assert talk.played_so_far.nonzero()[0][-1] < onset + 0.15 * RATE_HZ


def test_the_wake_word_said_into_a_reply_silences_it_and_the_next_words_are_sent() -> None:
    talk = Talk(TurnSettings(turn_start=TurnStart.WAKE_WORD, barge_in=BargeIn.WAKE_WORD)).speaking()
    wake_word(talk)
    talk.voice(1.0)
    talk.silence(1.0)
    assert [interrupt.reason for interrupt in talk.transport.interrupts] == ["wake-word"]
    assert talk.transport.ended == [1]
    assert not talk.played_so_far[-RATE_HZ:].any()


def test_the_stop_word_silences_within_a_block_and_its_fade() -> None:
    talk = Talk().speaking()
    stop_word(talk)
    said = len(talk.played_so_far)
    talk.silence(1.0)
    assert talk.played_so_far[said:].nonzero()[0][-1] < 0.04 * RATE_HZ
    assert [interrupt.reason for interrupt in talk.transport.interrupts] == ["stop-word"]
    assert phase_of(talk) is Phase.IDLE


def test_an_announcement_is_played_and_its_end_is_told() -> None:
    talk = Talk()
    talk.silence(0.1)
    epoch = talk.it.announce()
    talk.it.reply_audio(epoch, reply_voice(1)[: RATE_HZ // 2].tobytes(), RATE_HZ)
    talk.it.reply_ended(epoch)
    talk.silence(0.4)
    assert talk.transport.heard_whole == []
    talk.silence(0.2)
    assert talk.transport.heard_whole == [epoch]
    assert phase_of(talk) is Phase.IDLE


def test_an_announcement_that_is_spoken_into_is_told_as_interrupted() -> None:
    talk = Talk()
    talk.silence(0.1)
    epoch = talk.it.announce()
    talk.it.reply_audio(epoch, reply_voice(1)[: 5 * RATE_HZ].tobytes(), RATE_HZ)
    talk.it.reply_ended(epoch)
    talk.silence(0.5)
    talk.voice(1.2)
    assert [(interrupt.epoch, interrupt.reason) for interrupt in talk.transport.interrupts] == [(epoch, "speech")]
    assert talk.transport.heard_whole == []


def test_a_finished_timer_rings_and_speech_ends_it() -> None:
    talk = Talk(BY_WAKE_WORD, sounds=SOUNDS)
    talk.silence(0.1)
    talk.it.timer(TimerStarted(id="1", total_seconds=180, name="tea").event())
    assert phase_of(talk) is Phase.IDLE
    talk.it.timer(TimerFinished(id="1").event())
    assert [record["name"] for record in talk.trace.of("timer-finished")] == ["tea"]
    talk.silence(3.0)
    assert 5 <= np.count_nonzero(np.diff((talk.played_so_far != 0).astype(int)) == 1) <= 7
    talk.voice(0.6)
    talk.silence(1.0)
    assert not talk.played_so_far[-RATE_HZ:].any()
    assert talk.transport.interrupts == [], "a ring is nobody else's matter"
    assert talk.transport.audio == {}


def test_a_ring_ends_by_itself_after_its_last_sound() -> None:
    talk = Talk(sounds=SOUNDS)
    talk.silence(0.1)
    talk.it.timer(TimerFinished(id="tea").event())
    talk.silence(BEEPS * 0.5 + 0.5)
    assert phase_of(talk) is Phase.IDLE
    assert np.count_nonzero(np.diff((talk.played_so_far != 0).astype(int)) == 1) == BEEPS


def test_what_is_said_to_a_muted_microphone_goes_nowhere() -> None:
    talk = Talk()
    talk.silence(0.5)
    talk.voice(0.5)
    talk.it.mute()
    talk.voice(2.0)
    wake_word(talk)
    assert phase_of(talk) is Phase.IDLE
    assert talk.transport.aborted == [1]
    talk.it.unmute()
    talk.silence(0.1)
    talk.voice(1.0)
    talk.silence(1.0)
    unmuted_at = round(3.0 * RATE_HZ)
    assert heard_at(talk, 2) <= unmuted_at
    assert not talk.sent(2)[: unmuted_at - heard_at(talk, 2)].any(), "nor does what was said before reach the next turn"


def test_home_assistant_does_not_switch_on_what_was_switched_off_at_the_satellite() -> None:
    talk = Talk()
    talk.it.mute(MuteSwitch.SATELLITE)
    talk.it.mute()
    talk.it.unmute()
    talk.voice(1.0)
    assert talk.it.muted_by == {MuteSwitch.SATELLITE}
    assert not talk.transport.audio
    assert [record["switched"] for record in talk.trace.of("still-muted")] == ["off", "on"]
    assert not talk.trace.of("unmuted")


def test_the_switch_of_the_satellite_switches_the_microphone_on_whoever_had_switched_it_off() -> None:
    talk = Talk()
    talk.it.mute()
    talk.it.unmute(MuteSwitch.SATELLITE)
    assert [record["by"] for record in talk.trace.of("unmuted")] == ["satellite"]
    talk.it.unmute()
    talk.voice(1.0)
    assert talk.transport.audio
    assert len(talk.trace.of("unmuted")) == 1


@pytest.mark.parametrize("seconds", [1.0, 2.9])
def test_what_was_said_while_muted_is_not_sent_afterwards(seconds: float) -> None:
    talk = Talk()
    talk.silence(3.0)
    talk.it.mute()
    talk.voice(seconds)
    talk.it.unmute()
    unmuted_at = len(talk.heard_so_far)
    talk.voice(1.0)
    talk.silence(1.0)
    assert not talk.sent(1)[: unmuted_at - heard_at(talk, 1)].any()


def test_what_the_user_is_saying_when_a_timer_finishes_reaches_the_recogniser() -> None:
    talk = Talk(sounds=SOUNDS)
    talk.silence(0.5)
    talk.voice(0.5)
    talk.it.timer(TimerFinished(id="tea").event())
    talk.voice(1.0)
    talk.silence(1.0)
    assert talk.played_so_far.any(), "the timer was heard"
    start, sent = heard_at(talk, 1), talk.sent(1)
    assert np.array_equal(sent, talk.heard_so_far[start : start + len(sent)])


def test_a_sound_that_begins_while_the_user_speaks_and_outlasts_the_words_is_not_sent() -> None:
    talk = Talk(sounds=replace(SOUNDS, ring_once=np.full(round(0.8 * RATE_HZ), 2000, np.int16)), echo=0.02)
    talk.silence(0.5)
    talk.voice(0.5)
    talk.it.timer(TimerFinished(id="tea").event())
    talk.voice(0.1)
    quiet_from = len(talk.heard_so_far) + round(0.3 * RATE_HZ)
    talk.silence(1.5)
    start, sent = heard_at(talk, 1), talk.sent(1)
    assert talk.heard_so_far[quiet_from : start + len(sent)].any(), "the microphone hears it"
    assert not sent[quiet_from - start :].any()


def test_an_announcement_that_takes_the_floor_is_not_the_user_s_end() -> None:
    talk = Talk(sounds=replace(SOUNDS, done=CHIME))
    talk.silence(0.5)
    talk.voice(0.5)
    talk.it.announce()
    talk.silence(0.5)
    assert not talk.played_so_far.any()


def test_a_reply_that_broke_off_is_played_once() -> None:
    talk = Talk()
    talk.it.type_text("tell me a story")
    epoch = talk.it.epoch
    talk.it.reply_text(epoch, "once upon")
    talk.it.reply_audio(epoch, reply_voice(1)[:RATE_HZ].tobytes(), RATE_HZ)
    talk.silence(0.2)
    talk.it.reply_failed(epoch, PeerGoneError("tcp://127.0.0.1:10200", "it is gone"))
    talk.it.reply_ended(epoch)
    talk.silence(2.0)
    ends = [record for record in talk.trace.typed if isinstance(record, ReplyPlayed | ReplyInterrupted)]
    assert len([record for record in ends if hook_call(record) is not None]) == 1
    assert len([record for record in ends if wyoming_event(record, 1.0) is not None]) == 1


@pytest.mark.parametrize("text", ["stop", ""])
def test_only_a_voice_that_said_nothing_is_suspected_to_be_our_own(text: str) -> None:
    talk = Talk().speaking()
    talk.voice(1.2)
    talk.silence(0.8)
    assert talk.transport.ended == [1]
    talk.it.transcribed(1, text)
    assert phase_of(talk) is Phase.IDLE
    assert bool(talk.trace.of("empty-interruption")) is not bool(text)


def test_a_stop_word_after_speech_took_the_floor_is_no_empty_interruption() -> None:
    talk = Talk().speaking()
    talk.voice(1.2)
    stop_word(talk)
    assert phase_of(talk) is Phase.IDLE
    assert talk.trace.of("empty-interruption") == []
