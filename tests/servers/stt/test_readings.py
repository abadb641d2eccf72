"""Whether the grammar or the open language model is believed."""

from __future__ import annotations

import pytest

from interject.servers.stt.agreement import Word
from interject.servers.stt.engines.readings import Reading, choose, choose_so_far
from interject.servers.stt.grammar import LISTENING_SOUNDS, home_grammar


def reading(text: str, phones: str, word_s: float = 0.12) -> Reading:
    words = tuple(Word(word, i * word_s, (i + 1) * word_s) for i, word in enumerate(text.split()))
    return Reading(words, tuple(phones.split()))


UH_HUH = reading("uh-huh", "AH HH AH", word_s=0.22)
THE_HEAD = reading("the head", "DH AH HH EH D")
I_HAVE = reading("i have", "AY HH AE V")


def texts(words: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words)


@pytest.mark.parametrize("heard", [THE_HEAD, I_HAVE])
def test_a_short_sound_that_the_open_model_makes_words_of_is_a_sound_of_listening(heard: Reading) -> None:
    assert texts(choose(UH_HUH, heard)) == "uh-huh"
    assert texts(choose_so_far(UH_HUH, heard)) == "uh-huh"


def test_longer_speech_is_no_sound_of_listening() -> None:
    slow = reading("the head", "DH AH HH EH D", word_s=0.4)
    assert texts(choose(UH_HUH, slow)) == texts(choose_so_far(UH_HUH, slow)) == "the head"


def test_a_command_must_sound_more_like_what_was_heard() -> None:
    hall = reading("the hall", "DH AH HH AO L")
    assert texts(choose(reading("cancel", "K AE N S AH L"), hall)) == "the hall"


def test_nothing_in_common_is_no_sound_of_listening() -> None:
    assert texts(choose(UH_HUH, reading("stop it", "S T AA P IH T"))) == "stop it"


def test_open_words_of_a_short_sound_wait_for_the_end() -> None:
    unfinished = reading("half", "HH AE F")
    assert not choose_so_far(unfinished, THE_HEAD)
    assert texts(choose(None, THE_HEAD)) == "the head"


def test_a_command_does_not_wait() -> None:
    stop = reading("stop", "S T AA P", word_s=0.3)
    assert texts(choose_so_far(stop, stop)) == "stop"


def test_silence_says_nothing() -> None:
    silence = Reading((), ())
    assert not choose(UH_HUH, silence)
    assert not choose_so_far(silence, silence)


def test_the_sounds_of_listening_are_in_the_grammar() -> None:
    asides = home_grammar().split("<aside> =")[1].split(";")[0]
    assert {phrase.strip() for phrase in asides.split("|")} >= LISTENING_SOUNDS
