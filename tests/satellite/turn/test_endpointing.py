"""A turn ends sooner where its words are whole, later where they ask for more, and as ever where nothing is known."""

from __future__ import annotations

import pytest

from interject.satellite.turn.endpointing import EndRule
from interject.satellite.turn.events import Partial, ReplyPlayed, ReplyText, TurnEnded
from interject.satellite.turn.lexicon import lexicon_for
from interject.satellite.turn.settings import Endpointing, TurnSettings
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive

NUMBERS = TurnSettings()


def listening(text: str, settings: TurnSettings = NUMBERS, drive: Drive | None = None) -> Drive:
    """Bring a machine to a turn of which so much is known, in the last window of its voice."""
    it = drive or Drive(settings)
    it.voice(800)
    if text:
        it.send(Partial(it.state.streams, text))
    assert it.phase() is Phase.LISTENING
    return it


def ends_after_ms(drive: Drive) -> float:
    """Return the silence after which the turn is over, by the user's clock: the VAD's release is taken off."""
    began = drive.now
    while drive.phase() is Phase.LISTENING:
        drive.silence(drive.settings.window_ms)
        assert drive.now - began < 5
    return (drive.now - began) * 1000 + drive.settings.vad_release_ms


@pytest.mark.parametrize(
    ("text", "rule", "silence_ms"),
    [
        ("", EndRule.SILENCE, NUMBERS.endpoint_silence_ms),
        ("the lamp is broken", EndRule.SILENCE, NUMBERS.endpoint_silence_ms),
        ("turn on the light", EndRule.COMMAND, NUMBERS.endpoint_complete_ms),
        ("what time is it", EndRule.COMMAND, NUMBERS.endpoint_complete_ms),
        ("turn on the", EndRule.UNFINISHED, NUMBERS.endpoint_unfinished_ms),
        ("turn on the light and", EndRule.UNFINISHED, NUMBERS.endpoint_unfinished_ms),
        ("well um", EndRule.UNFINISHED, NUMBERS.endpoint_unfinished_ms),
        # Twenty what? But nobody has to say more.
        ("set a timer for twenty", EndRule.SILENCE, NUMBERS.endpoint_silence_ms),
        # "Stop": what it is about may follow.
        ("turn on", EndRule.SILENCE, NUMBERS.endpoint_silence_ms),
    ],
)
def test_the_words_so_far_say_how_long_a_silence_ends_the_turn(text: str, rule: EndRule, silence_ms: float) -> None:
    drive = listening(text)
    assert ends_after_ms(drive) == pytest.approx(silence_ms, abs=NUMBERS.window_ms)
    (ended,) = [effect for effect in drive.told if isinstance(effect, TurnEnded)]
    assert (ended.rule, ended.silence_ms, ended.text) == (rule, silence_ms, text)


def test_a_word_that_comes_late_ends_a_turn_that_had_waited_for_it() -> None:
    drive = listening("turn on the")
    drive.silence(500)
    assert drive.phase() is Phase.LISTENING
    drive.send(Partial(drive.state.streams, "turn on the light"))
    drive.silence(32)
    assert drive.phase() is Phase.TRANSCRIBING


def test_a_turn_goes_on_after_the_word_that_was_looked_for() -> None:
    drive = listening("turn on the")
    drive.silence(1200)
    drive.voice(400)
    drive.silence(200)
    assert drive.phase() is Phase.LISTENING


@pytest.mark.parametrize(
    ("text", "silence_ms"),
    [("yes", NUMBERS.endpoint_complete_ms), ("the kitchen light", NUMBERS.endpoint_complete_ms),
     ("the one that i saw", NUMBERS.endpoint_silence_ms)],
)  # fmt: skip
def test_a_short_answer_to_what_we_asked_is_whole(text: str, silence_ms: float) -> None:
    drive = Drive().speaking()
    drive.send(ReplyText(1, "Which light do you mean?"))
    drive.send(ReplyPlayed(1))
    assert ends_after_ms(listening(text, drive=drive)) == pytest.approx(silence_ms, abs=NUMBERS.window_ms)


def test_plain_silence_is_always_the_same() -> None:
    plain = TurnSettings(endpointing=Endpointing.SILENCE, endpoint_silence_ms=700)
    for text in ("turn on the", "turn on the light", ""):
        assert ends_after_ms(listening(text, plain)) == pytest.approx(700, abs=plain.window_ms)


def test_a_longer_silence_of_the_users_is_no_shorter_for_an_unfinished_turn_and_a_shorter_one_no_longer() -> None:
    slow, fast = TurnSettings(endpoint_silence_ms=3000), TurnSettings(endpoint_silence_ms=320, endpoint_complete_ms=500)
    assert ends_after_ms(listening("turn on the", slow)) == pytest.approx(3000, abs=slow.window_ms)
    assert ends_after_ms(listening("turn on the light", fast)) == pytest.approx(320, abs=fast.window_ms)


@pytest.mark.parametrize(
    ("language", "unfinished", "whole"),
    [
        ("de", "mach das Licht an und", "mach das Licht an"),
        ("fr", "allume la lampe et", "allume la lampe"),
        ("es", "enciende la luz de", "enciende la luz"),
        ("it", "accendi la luce e", "accendi la luce"),
        ("nl", "doe het licht aan en", "doe het licht aan"),
        ("pt", "liga a luz e", "liga a luz"),
        ("pl", "włącz światło i", "włącz światło teraz"),
    ],
)
def test_other_languages_have_their_own_words_for_it(language: str, unfinished: str, whole: str) -> None:
    lexicon = lexicon_for(language)
    assert lexicon is not None
    settings = TurnSettings(lexicon=lexicon)
    assert ends_after_ms(listening(unfinished, settings)) > 1000
    assert ends_after_ms(listening(whole, settings)) < 500
