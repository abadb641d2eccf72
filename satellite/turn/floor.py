"""Does what was said into a reply take the floor from it? One rule decides, and is named in the records."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from interject.satellite.turn.dialogue_act import (
    DialogueAct,
    dialogue_act,
    dialogue_act_so_far,
    is_command,
    is_invention,
    is_objection,
)
from interject.satellite.turn.lexicon import ENGLISH, words_of
from interject.satellite.turn.settings import BargeIn
from interject.satellite.turn.state import Barge, Kind, SegmentState, reply_of

if TYPE_CHECKING:
    from interject.satellite.turn.lexicon import Lexicon
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import Segment, State


# Who insists is heard, however loud the last turn was: each attempt upon a reply may be so much softer than the last,
# if it comes so soon after it. Who speaks to somebody else goes on at leisure.
_INSISTING_DB = 8.0
_INSISTING_S = 5.0
# What began softly enough for side speech is not for us because of one louder word in it.
_STAYS_SIDE_SPEECH_DB = 3.0
# Softness is judged from a quarter of a second of voice on.
_LEAST_WINDOWS = 8


def noting_softness(state: State, now: float, settings: TurnSettings) -> State:
    """Take note if what is being said began too softly for us."""
    segment = state.open_segment
    if segment is None or segment.voice.windows < _LEAST_WINDOWS or not is_side_speech(state, segment, now, settings):
        return state
    return state.with_segment(replace(segment, side_speech=True))


def is_side_speech(state: State, spoken: Segment | None, now: float, settings: TurnSettings) -> bool:
    """Whether it is too soft for us, whatever it says."""
    softer_db = softness(state, spoken)
    return softer_db is not None and softer_db > too_soft_db(state, spoken, now, settings)


def softness(state: State, spoken: Segment | None) -> float | None:
    """Return how much softer than the user's usual voice it is, in dB; None where that is not known."""
    voice = (spoken or state.utterance).voice
    return voice.softer_db(state.user) if voice.known and state.user.known else None


def too_soft_db(state: State, spoken: Segment | None, now: float, settings: TurnSettings) -> float:
    """Return from when on softer is too soft, as of somebody turned away: never for a whisper, which is brighter."""
    voice = (spoken or state.utterance).voice
    if voice.brighter_db(state.user) >= settings.whisper_brighter_db:
        return math.inf
    reply = state.reply
    limit_db = settings.side_speech_db
    if reply is not None and reply.insisting_until is not None and now < reply.insisting_until:
        limit_db += reply.side_speeches * _INSISTING_DB
    return limit_db - (_STAYS_SIDE_SPEECH_DB if spoken is not None and spoken.side_speech else 0.0)


def noting_refusal(state: State, spoken: Segment | None, now: float, settings: TurnSettings) -> State:
    """Take note if a reply goes on over somebody who was only too soft: that may be one who insists."""
    if not is_side_speech(state, spoken, now, settings):
        return state
    reply = reply_of(state)
    insisted = reply.insisting_until is not None and now < reply.insisting_until
    times = reply.side_speeches + 1 if insisted else 1
    return state.with_reply(replace(reply, side_speeches=times, insisting_until=now + _INSISTING_S))


class Rule(Enum):
    """What decided; the value stands in records."""

    STOP_WORD = "stop-word"
    WORDS = "words"
    LENGTH = "length"
    HOLD = "hold"
    GO_ON = "go-on"
    SAY_AGAIN = "say-again"
    BACKCHANNEL = "backchannel"
    SOUND = "sound"
    NO_WORDS = "no-words"
    TOO_SHORT = "too-short"
    UNSURE = "unsure"
    SIDE_SPEECH = "side-speech"
    LATE_WORD = "late-word"
    STOP_WORDS_ONLY = "stop-words-only"

    @property
    def takes_floor(self) -> bool:
        """Whether the reply is cut."""
        return self in {Rule.STOP_WORD, Rule.WORDS, Rule.LENGTH}


_NO_SPEECH = {
    DialogueAct.EMPTY: Rule.NO_WORDS,
    DialogueAct.SOUND: Rule.SOUND,
    DialogueAct.BACKCHANNEL: Rule.BACKCHANNEL,
}
_ABOUT_REPLY = {
    DialogueAct.HOLD: Rule.HOLD,
    DialogueAct.GO_ON: Rule.GO_ON,
    DialogueAct.CANNOT_HEAR: Rule.SAY_AGAIN,
}
# Words that may be all, or the beginning of more.
_PATIENT = frozenset((DialogueAct.BACKCHANNEL, *_ABOUT_REPLY))
# A reply that went on without an answer is not cut a second time for a word that may be misheard; a stop word is one.
_WORTH_A_SECOND_CUT_WORDS = 2
# How much softer than other words a command may be, or an answer to what we asked: nobody says such a thing to
# somebody else. A real "turn on living room lamp" from the sofa was 10 dB softer than its question.
_COMMAND_SOFTER_DB = 8.0
# Recognisers put what they know best, such as "Thank you.", in place of what is no speech; who means it is plain.
_INVENTION_CONFIDENCE = 0.97
# What a recogniser makes of the beginning of an "uh-huh" is often a word, but not one that it is so sure of.
_SURE = 0.8
# A "no" that trails off is believed less, and meant all the same.
_OBJECTION_CONFIDENCE_SHARE = 0.55
# Below it a long voice is none: two laughs of 1.7 s came as "on." (0.13) and "I'm so sorry." (0.01).
_HARDLY_BELIEVED = 0.2
# A stop word costs little when it was none, and much when it is not heard.
_STOP_CONFIDENCE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Said:
    """What is known of an utterance.

    speech_ms: how much of it is voiced. confidence: how likely it is, from 0 to 1, that its words were said; None where
    the recogniser does not tell. softer_db: how much softer than the user's usual voice it is, None where that is not
    known; too_soft_db: from when on that is too soft for us, infinity for a whisper. answers: the reply asked for it.
    final: nothing more comes of it. late: the reply has gone on without it. begun, on_hold: the reply has been heard,
    and waits for the user. stream: where it is transcribed, None where it is not.
    """

    text: str
    act: DialogueAct
    speech_ms: float
    confidence: float | None = None
    softer_db: float | None = None
    too_soft_db: float = 0.0
    answers: bool = False
    final: bool = False
    late: bool = False
    begun: bool = False
    on_hold: bool = False
    stream: int | None = None
    lexicon: Lexicon = ENGLISH

    @property
    def side_speech(self) -> bool:
        """Whether it is too soft for us, whatever it says."""
        return self.softer_db is not None and self.softer_db > self.too_soft_db


def said_in(state: State, segment: Segment | None, now: float, settings: TurnSettings) -> Said:
    """Put together what is known of an utterance, or of one that nobody transcribes."""
    final = segment is not None and segment.state is SegmentState.FINAL
    reply = state.reply
    text = "" if segment is None else segment.text
    judged = dialogue_act if final else dialogue_act_so_far
    return Said(
        text=text,
        act=judged(text, answers_question=state.question, lexicon=settings.lexicon),
        speech_ms=state.utterance.speech_ms if segment is None else segment.speech_ms,
        confidence=None if segment is None else segment.confidence,
        softer_db=softness(state, segment),
        too_soft_db=too_soft_db(state, segment, now, settings),
        answers=state.question,
        final=final,
        late=reply is not None and reply.barge is Barge.SOFT,
        begun=reply is not None and reply.kind is Kind.REPLY and reply.started,
        on_hold=reply is not None and reply.on_hold_until is not None,
        stream=None if segment is None else segment.stream,
        lexicon=settings.lexicon,
    )


def decide(said: Said, settings: TurnSettings) -> Rule:
    """Decide by the words."""
    if said.act is DialogueAct.STOP:
        return _decide_stop(said, settings)
    if said.act in _ABOUT_REPLY:
        return _decide_about_reply(said, settings)
    return _NO_SPEECH.get(said.act) or _decide_speech(said, settings)


def _decide_about_reply(said: Said, settings: TurnSettings) -> Rule:
    """Decide about "wait", "go on" and "what?" once nothing more comes: "what" may become "what time is it"."""
    if not said.final or (said.act is DialogueAct.GO_ON and not said.on_hold):
        return Rule.BACKCHANNEL
    if said.act is DialogueAct.CANNOT_HEAR and not said.begun:
        return _decide_speech(said, settings)
    taken = _decide_speech(said, settings)
    return _ABOUT_REPLY[said.act] if taken is Rule.WORDS else taken


def _decide_speech(said: Said, settings: TurnSettings) -> Rule:
    if settings.barge_in is not BargeIn.SPEECH:
        return Rule.STOP_WORDS_ONLY
    if _is_for_somebody_else(said):
        return Rule.SIDE_SPEECH
    if said.late and len(words_of(said.text)) < _WORTH_A_SECOND_CUT_WORDS:
        return Rule.LATE_WORD
    plain = said.final or (said.confidence is not None and said.confidence >= _SURE)
    if said.speech_ms < (settings.confirm_speech_ms if plain else settings.word_speech_ms):
        return Rule.TOO_SHORT
    return Rule.UNSURE if is_unsure(said, settings) else Rule.WORDS


def decide_by_length(said: Said, settings: TurnSettings, *, tells_confidence: bool) -> Rule | None:
    """Decide by how long somebody has been speaking, whatever it says; None while that is not long.

    A recogniser that tells its confidence has told the words of a speaker by then: where it is silent or unsure, it is
    more likely laughter or a cough, and there is time.
    """
    hardly_believed = said.confidence is not None and said.confidence < _HARDLY_BELIEVED
    if said.act is DialogueAct.SOUND or said.side_speech or hardly_believed:
        return None
    doubtful = tells_confidence and (said.act is DialogueAct.EMPTY or is_unsure(said, settings))
    # "I" may become "I see", but not after so long.
    patient = doubtful or dialogue_act(said.text, answers_question=said.answers, lexicon=said.lexicon) in _PATIENT
    enough_ms = settings.commit_backchannel_ms if patient else settings.commit_speech_ms
    return Rule.LENGTH if said.speech_ms >= enough_ms else None


def is_unsure(said: Said, settings: TurnSettings) -> bool:
    """Whether the recogniser itself hardly believes the words."""
    least = settings.word_confidence
    if is_invention(said.text, said.lexicon):
        least = _INVENTION_CONFIDENCE
    elif is_objection(said.text, said.lexicon):
        least *= _OBJECTION_CONFIDENCE_SHARE
    return said.confidence is not None and said.confidence < least


def _decide_stop(said: Said, settings: TurnSettings) -> Rule:
    if said.speech_ms < settings.min_speech_ms:
        return Rule.TOO_SHORT
    unsure = said.confidence is not None and said.confidence < _STOP_CONFIDENCE_SHARE * settings.word_confidence
    return Rule.UNSURE if unsure else Rule.STOP_WORD


def _is_for_somebody_else(said: Said) -> bool:
    """Whether it is too soft for us, weighed with what it says."""
    if said.softer_db is None:
        return False
    expected = said.answers or is_command(said.text, said.lexicon)
    return said.softer_db > said.too_soft_db + (_COMMAND_SOFTER_DB if expected else 0.0)
