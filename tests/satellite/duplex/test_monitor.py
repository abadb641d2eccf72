"""What may interrupt follows what can be heard: in a conversation, in the log, in the trace."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from wyoming.timer import TimerFinished

from interject.satellite.aec.base import Cancelled, Convergence, EchoReport
from interject.satellite.audio.sounds import RoomSounds
from interject.satellite.records.device import DuplexModeChanged, EmptyInterruption
from interject.satellite.records.log import LogTrace
from interject.satellite.turn.settings import BargeIn, Judgement, TurnSettings
from interject.satellite.turn.state import Phase
from interject.wire.events import WordMark
from tests.satellite.talk import Talk, phase_of
from tools.virtual.signals import RATE_HZ, reply_voice

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADPHONES = EchoReport(playing=True, convergence=Convergence.CONVERGED, echo_db=-60.0)
LOUD = EchoReport(playing=True, convergence=Convergence.CONVERGED, echo_db=-15.0)
ECHO = 0.15


@dataclass
class Told:
    """An echo control that is told what to say of the echo; all that is heard in playback may be echo."""

    report: EchoReport = field(default=LOUD)
    only_echo: bool = True
    path: None = None

    def process(self, mic_20ms: NDArray[np.float32], _played_20ms: NDArray[np.float32]) -> Cancelled:
        return Cancelled(mic_20ms, mic_20ms, may_amplify=True)

    def is_echo(self) -> bool:
        return self.only_echo


def words_of_a_reply(talk: Talk, words: list[str]) -> None:
    """Give a whole reply, a word each 200 ms."""
    epoch = talk.it.epoch
    talk.it.reply_text(epoch, " ".join(words))
    talk.it.reply_marks(epoch, tuple(WordMark(word, n * 200.0, n * 200.0 + 200) for n, word in enumerate(words)))
    talk.it.reply_audio(epoch, reply_voice(1)[: len(words) * RATE_HZ // 5].tobytes(), RATE_HZ)
    talk.it.reply_ended(epoch)


def in_a_reply(control: Told, settings: TurnSettings | None = None, text: str = "") -> Talk:
    """Return a talk in which the echo is heard, a second into a reply of six."""
    talk = Talk(settings, control=control, echo=ECHO)
    talk.it.type_text("tell me a story")
    words_of_a_reply(talk, text.split() or [f"w{number}" for number in range(30)])
    talk.silence(1.0)
    assert phase_of(talk) is Phase.SPEAKING
    return talk


def modes(talk: Talk) -> list[str]:
    return [record["mode"] for record in talk.trace.of("duplex-mode")]


def warnings_about(talk: Talk, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    with caplog.at_level(logging.INFO):
        for record in talk.trace.typed:
            if isinstance(record, DuplexModeChanged | EmptyInterruption):
                LogTrace().emit(record)
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("chosen", BargeIn)
def test_an_echo_that_makes_barge_in_unsafe_is_told_once(chosen: BargeIn, caplog: pytest.LogCaptureFixture) -> None:
    """livekit PR4813, wyoming-satellite#23"""
    talk = Talk(TurnSettings(barge_in=chosen, vad_threshold=0.99), echo=0.1)
    talk.it.type_text("tell me a long story")
    for _ in range(3):
        talk.it.reply_audio(1, reply_voice(1)[: 4 * 16_000].tobytes(), RATE_HZ)
    talk.silence(11.0)
    (record,) = talk.trace.of("duplex-mode")
    assert (record["mode"], record["was"], record["reason"]) == ("words", "speech", "echo")
    assert record["echo_db"] == pytest.approx(-20.0, abs=1.0)
    told = warnings_about(talk, caplog)
    assert len(told) == (chosen is BargeIn.SPEECH), "a duplex mode that takes nothing away is no news"
    assert all("-20 dB" in warning and "turn the loudspeaker down" in warning for warning in told)


def test_in_the_words_mode_a_voice_does_not_interrupt_and_a_stop_word_does() -> None:
    talk = in_a_reply(Told())
    assert modes(talk) == ["words"]
    talk.voice(1.5)
    assert phase_of(talk) is Phase.SPEAKING
    talk.it.partial(1, "what about the other one")
    assert talk.transport.interrupts == []
    talk.it.partial(1, "stop")
    (interrupt,) = talk.transport.interrupts
    assert interrupt.reason == "stop-word"


def test_the_recogniser_hears_through_the_guard_where_it_takes_a_word_to_interrupt() -> None:
    assert in_a_reply(Told()).transport.audio != {}
    assert in_a_reply(Told(HEADPHONES)).transport.audio == {}
    assert in_a_reply(Told(), TurnSettings(barge_in=BargeIn.STOP_WORD)).transport.audio != {}
    assert in_a_reply(Told(), TurnSettings(barge_in=BargeIn.OFF)).transport.audio == {}
    assert in_a_reply(Told(), TurnSettings(judgement=Judgement.DURATION)).transport.audio == {}


def test_who_speaks_as_soon_as_a_reply_is_over_that_nothing_interrupts_is_heard() -> None:
    control = Told()
    talk = in_a_reply(control, TurnSettings(barge_in=BargeIn.OFF))
    while phase_of(talk) is not Phase.IDLE:
        talk.silence(0.02)
    control.only_echo = False
    talk.voice(0.5)
    assert phase_of(talk) is Phase.LISTENING


def test_our_own_reply_does_not_stop_itself() -> None:
    """livekit PR4813"""
    talk = in_a_reply(Told(), text="the bus will stop at the station and then it goes on to the harbour and the sea")
    talk.it.partial(1, "stop")
    talk.it.partial(1, "bus will stop at")
    assert talk.transport.interrupts == []
    talk.it.partial(1, "bus will stop at stop")
    (interrupt,) = talk.transport.interrupts
    assert interrupt.reason == "stop-word"


def test_a_stop_word_that_the_reply_says_much_later_is_the_user_s_now() -> None:
    words = [f"w{number}" for number in range(29)]
    talk = in_a_reply(Told(), text=" ".join([*words, "stop"]))
    talk.it.partial(1, "w1 w2 stop")
    assert [interrupt.reason for interrupt in talk.transport.interrupts] == ["stop-word"]


def test_what_was_stopped_in_the_words_mode_asks_nothing_of_our_own_words() -> None:
    talk = in_a_reply(Told())
    talk.it.partial(1, "w2 w3 stop")
    talk.silence(1.0)
    talk.it.transcribed(1, "w2 w3 stop")
    assert phase_of(talk) is Phase.IDLE
    assert [text for _, text in talk.transport.questions] == ["tell me a story"]


def test_a_room_without_echo_keeps_every_word_of_the_user() -> None:
    talk = Talk(control=Told(HEADPHONES, only_echo=False)).speaking()
    talk.voice(0.6)
    talk.it.partial(1, "w3 and w4")
    talk.silence(1.0)
    talk.it.transcribed(1, "w3 and w4")
    assert talk.transport.questions[-1][1] == "w3 and w4"


def test_the_end_of_our_own_reply_begins_no_turn() -> None:
    talk = in_a_reply(Told())
    talk.silence(8.0)
    assert phase_of(talk) is Phase.IDLE
    assert talk.transport.interrupts == []
    assert len(talk.transport.questions) == 1


def test_a_reply_that_is_held_as_the_mode_goes_down_plays_on() -> None:
    control = Told(HEADPHONES, only_echo=False)
    talk = Talk(control=control).speaking()
    talk.voice(0.4)
    assert phase_of(talk) is Phase.INTERRUPTED
    control.report = LOUD
    talk.silence(0.3)
    assert phase_of(talk) is Phase.SPEAKING
    assert len(talk.trace.of("resume")) == 1


def test_two_voices_that_said_nothing_leave_words(caplog: pytest.LogCaptureFixture) -> None:
    talk = Talk(control=Told(HEADPHONES, only_echo=False))
    for stream in (1, 2):
        assert modes(talk) == []
        talk.speaking()
        talk.voice(1.2)
        talk.silence(0.8)
        talk.it.transcribed(stream, "")
        talk.silence(0.5)
    assert modes(talk) == ["words"]
    (warning,) = warnings_about(talk, caplog)
    assert "said nothing" in warning


def test_after_good_replies_speech_interrupts_again(caplog: pytest.LogCaptureFixture) -> None:
    control = Told()
    talk = Talk(control=control).speaking()
    assert modes(talk) == ["words"]
    control.report = HEADPHONES
    for _ in range(10):
        talk.it.type_text("and then")
        talk.replies(5.0)
        talk.silence(6.0)
        if modes(talk) == ["words", "speech"]:
            break
    assert modes(talk) == ["words", "speech"]
    _, better = warnings_about(talk, caplog)
    assert "speech interrupts replies again" in better
    control.only_echo = False
    talk.speaking()
    talk.voice(0.4)
    assert phase_of(talk) is Phase.INTERRUPTED


@pytest.mark.parametrize(("level", "told"), [(32_000, []), (32_767, ["half-duplex"])])
def test_a_microphone_that_clips_on_our_own_voice_is_told(
    level: int, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    talk = Talk(TurnSettings(vad_threshold=0.99), control=Told(HEADPHONES))
    talk.it.type_text("tell me a story")
    talk.replies(5.0)
    talk.hears(np.full(5 * RATE_HZ, level, np.int16))
    assert modes(talk) == told
    warnings = warnings_about(talk, caplog)
    assert len(warnings) == len(told)
    assert all("microphone's gain" in warning for warning in warnings)


def test_single_peaks_are_no_clipping() -> None:
    talk = Talk(TurnSettings(vad_threshold=0.99), control=Told(HEADPHONES))
    talk.it.type_text("tell me a story")
    talk.replies(5.0)
    peaks = np.zeros(5 * RATE_HZ, np.int16)
    peaks[::1000] = 32_767
    talk.hears(peaks)
    assert modes(talk) == []


def test_a_muted_microphone_proves_nothing() -> None:
    talk = Talk(control=Told(), echo=ECHO)
    talk.it.mute()
    talk.it.type_text("tell me a story")
    talk.replies(5.0)
    talk.silence(6.0)
    assert modes(talk) == []


def test_a_ring_does_not_end_itself() -> None:
    ringing = replace(RoomSounds.silent(), ring=lambda: iter([reply_voice(1)]))
    talk = Talk(control=Told(), echo=ECHO, sounds=ringing)
    talk.silence(0.5)
    assert modes(talk) == ["words"]
    talk.it.timer(TimerFinished(id="tea").event())
    talk.silence(7.0)
    assert [record["reason"] for record in talk.trace.of("ring-ended")] == ["played"]
