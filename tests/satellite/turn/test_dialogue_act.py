from __future__ import annotations

import pytest

from interject.satellite.turn.dialogue_act import DialogueAct, dialogue_act, dialogue_act_so_far, is_command


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "—"])
def test_without_words_there_is_nothing_to_judge(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "uh huh", "Uh-huh.", "uhhuh", "Mhm", "mm hmm", "Mm-hm, yeah, right", "mm-hmm, uh-huh, okay", "hm hmm", "yeah",
        "Yes.", "OK!", "okay okay", "oh wow", "Right…", "I see.", "I know", "of course", "got it", "really?",
        "yeah right sure", "YEAH", "hm",
    ],
)  # fmt: skip
def test_what_a_listener_says_to_mean_go_on(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.BACKCHANNEL


@pytest.mark.parametrize(
    "text",
    [
        "stop", "Stop!", "stop it", "STOP STOP", "okay stop", "please stop", "never mind", "Nevermind.", "shut up",
        "that's enough", "that\N{RIGHT SINGLE QUOTATION MARK}s enough", "be quiet", "cancel that", "enough",
    ],
)  # fmt: skip
def test_what_stops_a_reply_and_asks_nothing(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.STOP


@pytest.mark.parametrize(
    "text",
    [
        "what time is it", "no", "No.", "no wait", "but why", "so what", "I did not", "hold on to it", "actually yes",
        "excuse me", "stop the music in the kitchen", "okay but why", "yeah but", "right now", "lighthouse",
        "yes yes yes yes", "oh no", "and in the kitchen", "Лампа", "ja genau",
    ],
)  # fmt: skip
def test_what_takes_the_floor(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.SPEECH


@pytest.mark.parametrize(
    "text",
    [
        "Ha ha ha ha ha", "hahahahahaha", "AHHHHHH!", "Hehehe", "Mm, mm, mm, mm, mm.", "ha ha", "H!", "Ah, ah, ah, ah",
        "Yes, yes, yes, yes, yes, yes, yes, yes,", "Achoo!",
        "I'm so sorry. I'm so sorry. I'm so", "Thank you. Thank you. Thank you.",
    ],
)  # fmt: skip
def test_laughter_and_the_like_is_nothing_to_answer(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.SOUND
    assert dialogue_act(text, answers_question=True) is DialogueAct.SOUND


@pytest.mark.parametrize("text", ["S", "T.", "B- B- B-", "Pfft pfft pfft pfft pfft", "Shh!", "Ssss!", "ehh ehh ehh e"])
def test_what_nobody_can_pronounce_is_a_sound_where_we_asked_for_nothing(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.SOUND
    assert dialogue_act(text, answers_question=True) is DialogueAct.SPEECH


@pytest.mark.parametrize("text", ["mm", "hmm", "Mm-hmm"])
def test_murmurs_are_backchannels_for_all_that(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.BACKCHANNEL


@pytest.mark.parametrize("text", ["he", "TV", "BBC", "vlk", "a", "hi there", "Hawaii", "I", "who", "ham", "hum a song"])
def test_words_that_look_like_sounds_are_words(text: str) -> None:
    assert dialogue_act(text) is DialogueAct.SPEECH


@pytest.mark.parametrize(
    "text",
    [
        "turn on living room lamp",
        "Would you please turn on the lamp?",
        "what time is it",
        "no, set a timer",
        "Stop the music",
    ],
)
def test_what_somebody_wants_of_a_house(text: str) -> None:
    assert is_command(text)


@pytest.mark.parametrize(
    "text", ["", "please", "did you feed the cat this morning", "could you pass me the salt please"]
)
def test_what_people_say_to_each_other(text: str) -> None:
    assert not is_command(text)


@pytest.mark.parametrize("text", ["yes", "okay", "uh huh", "sure"])
def test_after_a_question_a_yes_is_an_answer(text: str) -> None:
    assert dialogue_act(text, answers_question=True) is DialogueAct.SPEECH


def test_after_a_question_a_stop_is_still_a_stop_and_a_noise_still_nothing() -> None:
    assert dialogue_act("stop", answers_question=True) is DialogueAct.STOP
    assert dialogue_act("", answers_question=True) is DialogueAct.EMPTY


@pytest.mark.parametrize("text", ["I", "go", "I see", "makes", "what", "wait", "can you", "where were"])
def test_what_may_yet_become_a_backchannel_is_none_of_our_business_so_far(text: str) -> None:
    assert dialogue_act_so_far(text) is DialogueAct.BACKCHANNEL


def test_once_the_phrase_is_left_it_takes_the_floor() -> None:
    assert dialogue_act_so_far("I want") is DialogueAct.SPEECH
    assert dialogue_act_so_far("I see that it is wrong") is DialogueAct.SPEECH
    assert dialogue_act("I") is DialogueAct.SPEECH
    assert dialogue_act_so_far("I", answers_question=True) is DialogueAct.SPEECH
    assert dialogue_act_so_far("what time") is DialogueAct.SPEECH
    assert dialogue_act_so_far("can you turn") is DialogueAct.SPEECH


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Wait.", DialogueAct.HOLD),
        ("hold on", DialogueAct.HOLD),
        ("Just a second!", DialogueAct.HOLD),
        ("Go on.", DialogueAct.GO_ON),
        ("continue", DialogueAct.GO_ON),
        ("Where were we?", DialogueAct.GO_ON),
        ("What?", DialogueAct.CANNOT_HEAR),
        ("Sorry?", DialogueAct.CANNOT_HEAR),
        ("Could you repeat that?", DialogueAct.CANNOT_HEAR),
        ("wait what is that", DialogueAct.SPEECH),
        ("what about the kitchen", DialogueAct.SPEECH),
        ("continue in the kitchen", DialogueAct.SPEECH),
    ],
)
def test_what_is_wanted_of_the_reply_itself(text: str, act: DialogueAct) -> None:
    assert dialogue_act(text) is act


def test_continue_is_an_answer_where_we_asked() -> None:
    assert dialogue_act("continue", answers_question=True) is DialogueAct.SPEECH
    assert dialogue_act("wait", answers_question=True) is DialogueAct.HOLD
