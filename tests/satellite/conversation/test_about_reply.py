"""What the loudspeaker does when the user wants the reply to wait, to go on, or to be said again."""

from __future__ import annotations

import numpy as np

from interject.satellite.turn.state import Phase
from interject.wire.events import WordMark
from tests.satellite.talk import Talk, phase_of
from tools.virtual.signals import RATE_HZ, reply_voice

# A word each 200 ms: the second sentence begins after 2 s.
TEXT = "one two three four five six seven eight nine ten. a b c d e f g h i j k l m n o."
SECOND_S = 2.0


def telling() -> Talk:
    """A reply of two sentences, of which the user has heard the first and some of the second."""
    talk = Talk()
    talk.it.type_text("tell me")
    epoch, words = talk.it.epoch, TEXT.split()
    talk.it.reply_text(epoch, TEXT)
    talk.it.reply_marks(epoch, tuple(WordMark(word, n * 200.0, n * 200.0 + 200) for n, word in enumerate(words)))
    talk.it.reply_audio(epoch, reply_voice(1)[: len(words) * RATE_HZ // 5].tobytes(), RATE_HZ)
    talk.it.reply_ended(epoch)
    talk.silence(SECOND_S + 1.0)
    return talk


def says(talk: Talk, text: str) -> None:
    talk.voice(0.4)
    talk.silence(0.4)
    talk.it.transcribed(max(talk.transport.audio), text)


def test_what_repeats_the_sentence_from_its_first_sample_without_asking_the_model() -> None:
    talk = telling()
    asked = len(talk.transport.questions)
    says(talk, "What?")
    (repeated,) = talk.trace.of("say-again")
    assert repeated["position_ms"] - repeated["rewound_ms"] == SECOND_S * 1000
    before = len(talk.played_so_far)
    talk.silence(1.0)
    again = talk.played_so_far[before:].astype(float)
    sentence = reply_voice(1)[round(SECOND_S * RATE_HZ) :][: len(again)].astype(float)
    # Faded in over 20 ms.
    assert np.array_equal(again[RATE_HZ // 20 :], sentence[RATE_HZ // 20 :])
    assert len(talk.transport.questions) == asked
    assert not talk.transport.interrupts


def test_what_was_heard_stays_heard_while_it_is_said_again() -> None:
    talk = telling()
    heard = talk.it.heard()
    says(talk, "Pardon?")
    assert talk.it.heard().startswith(heard)


def test_wait_is_silence_until_go_on_and_not_a_word_is_lost() -> None:
    talk = telling()
    says(talk, "Wait a moment.")
    talk.silence(1.0)
    before = len(talk.played_so_far)
    talk.silence(30.0)
    assert not talk.played_so_far[before:].any()
    assert phase_of(talk) is Phase.INTERRUPTED
    says(talk, "Go on.")
    assert phase_of(talk) is Phase.SPEAKING
    talk.silence(5.0)
    assert phase_of(talk) is Phase.IDLE
    assert talk.transport.heard_whole == [talk.it.epoch]
    assert [record["rule"] for record in talk.trace.of("decided")] == ["hold", "go-on"]


def test_a_wait_that_nobody_ends_is_told_to_the_bridge_with_what_was_heard() -> None:
    talk = telling()
    says(talk, "hold on")
    talk.silence(121.0)
    assert phase_of(talk) is Phase.IDLE
    (interrupt,) = talk.transport.interrupts
    assert interrupt.heard.startswith("one two three")
    assert not interrupt.heard.endswith("o.")
