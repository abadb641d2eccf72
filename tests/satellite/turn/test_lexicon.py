"""Every language's words are complete, contradict nothing, and do what they are for."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from interject.satellite.turn.dialogue_act import DialogueAct, dialogue_act, is_command
from interject.satellite.turn.lexicon import (
    ENGLISH,
    Lexicon,
    LexiconError,
    known_languages,
    lexicon_for,
    read_lexicon,
)

if TYPE_CHECKING:
    from pathlib import Path

ABOUT_REPLY = ("stop_phrases", "hold_phrases", "go_on_phrases", "cannot_hear_phrases")
# By language: stop, wait, go on, what?, uh-huh, a command, something to answer.
SAID = {
    "en": ("stop it", "hold on", "keep going", "pardon", "I see", "turn on the light", "I want to know something"),
    "de": ("Hör auf!", "Moment mal", "Weiter.", "Wie bitte?", "ach so", "mach das Licht an", "ich will etwas wissen"),
    "fr": (
        "Arrête !",
        "Attends.",
        "Vas-y",
        "Pardon ?",
        "d\N{RIGHT SINGLE QUOTATION MARK}accord",
        "allume la lampe",
        "je veux savoir quelque chose",
    ),
    "es": ("¡Cállate!", "Espera", "sigue", "¿Cómo?", "muy bien", "enciende la luz", "quiero saber una cosa"),
    "it": ("Basta!", "Aspetta", "Vai avanti", "Come scusa?", "va bene", "accendi la luce", "voglio sapere una cosa"),
    "nl": ("Hou op!", "Wacht even", "Ga door", "Wat zeg je?", "dat klopt", "doe het licht aan", "ik wil iets weten"),
    "pt": ("Chega!", "Espera aí", "continua", "Não ouvi", "está bem", "liga a luz", "quero saber uma coisa"),
    "pl": ("Przestań!", "Poczekaj", "mów dalej", "Słucham?", "no tak", "włącz światło", "chcę coś wiedzieć"),
}
languages = pytest.mark.parametrize("language", known_languages())


def lexicon_of(language: str) -> Lexicon:
    found = lexicon_for(language)
    assert found is not None
    return found


def test_there_are_words_for_eight_languages() -> None:
    assert set(known_languages()) == set(SAID)


@languages
def test_a_phrase_means_one_thing(language: str) -> None:
    lexicon = lexicon_of(language)
    assert lexicon.language == language
    for one, other in combinations((*ABOUT_REPLY, "backchannel_phrases"), 2):
        assert not getattr(lexicon, one) & getattr(lexicon, other), (one, other)
    for name in ABOUT_REPLY:
        assert not getattr(lexicon, name) & lexicon.backchannels, name
    assert not lexicon.backchannels & lexicon.floor_takers
    assert lexicon.objections <= lexicon.floor_takers


@languages
def test_what_people_say_to_a_voice_is_understood(language: str) -> None:
    lexicon = lexicon_of(language)
    *about_reply, command, speech = SAID[language]
    assert [dialogue_act(text, lexicon=lexicon) for text in about_reply] == [
        DialogueAct.STOP,
        DialogueAct.HOLD,
        DialogueAct.GO_ON,
        DialogueAct.CANNOT_HEAR,
        DialogueAct.BACKCHANNEL,
    ]
    assert is_command(command, lexicon)
    assert [dialogue_act(text, lexicon=lexicon) for text in (command, speech)] == [DialogueAct.SPEECH] * 2


def test_a_region_has_its_languages_words_and_nobody_knows_those_of_klingon() -> None:
    assert lexicon_of("de-AT") == lexicon_of("de_CH") == lexicon_of("DE")
    assert lexicon_for(None) is ENGLISH
    assert lexicon_for("tlh") is None
    assert lexicon_for("../en") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("floor_takers", "floor_talkers"), r"must have each of the fields .*floor_takers"),
        (lambda text: text.replace('objections = "hold no wait"', "objections = 3"), "objections must be a text"),
        (
            lambda text: text.replace('objections = "hold no wait"', 'objections = "t-shirt"'),
            "'t-shirt', which is not one",
        ),
        (lambda text: text + "=", "cannot be read"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_field(tmp_path: Path, change: object, told: str) -> None:
    assert callable(change)
    written = "\n".join(
        f'{field.name} = "hold no wait"' if field.name != "language" else 'language = "xx"' for field in fields(Lexicon)
    )
    (tmp_path / "xx.toml").write_text(change(written), encoding="utf-8")
    with pytest.raises(LexiconError, match=rf"xx\.toml: .*{told}"):
        read_lexicon(tmp_path / "xx.toml")
