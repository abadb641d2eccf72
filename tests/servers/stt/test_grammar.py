from __future__ import annotations

from interject.servers.stt.grammar import extend, home_grammar, sort_phrases

DICTIONARY = {"kitchen", "light", "bob's", "lamp"}


def test_phrases_are_written_as_the_dictionary_does() -> None:
    phrases = sort_phrases(["Kitchen Light", "kitchen_light", "Bob's lamp", "LAMP."], DICTIONARY.__contains__)
    assert phrases.known == ("kitchen light", "bob's lamp", "lamp")
    assert phrases.unknown == ()


def test_what_no_one_can_pronounce_is_left_out() -> None:
    phrases = sort_phrases(["Küche", "zigbee lamp", "light 2", "", "lamp"], DICTIONARY.__contains__)
    assert phrases.known == ("lamp",)
    assert phrases.unknown == ("Küche", "zigbee lamp", "light 2", "")


def test_a_phrase_cannot_break_the_grammar() -> None:
    phrases = sort_phrases(["lamp; <switch> = evil", "<VOID>", "a | b", "{lamp}"], lambda _: True)
    assert not any(set(phrase) & set("<>|;{}=") for phrase in phrases.known)


def test_the_rule_is_always_there() -> None:
    assert extend(home_grammar(), ()).count("<given> =") == 1
    assert "<given> = kitchen light | lamp;" in extend(home_grammar(), ("kitchen light", "lamp"))
