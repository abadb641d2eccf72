"""The numbers of turn-taking."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from interject.satellite.turn.lexicon import ENGLISH, Lexicon
from interject.satellite.turn.state import Phase


class BargeIn(Enum):
    """What may interrupt a reply."""

    SPEECH = "speech"
    WAKE_WORD = "wake-word"
    STOP_WORD = "stop-word"
    OFF = "off"


class Endpointing(Enum):
    """What decides that the user's turn is over."""

    # The silence after the voice, longer or shorter by the words so far.
    EVIDENCE = "evidence"
    # The silence alone.
    SILENCE = "silence"
    HOME_ASSISTANT = "home-assistant"


class TurnStart(Enum):
    """What begins a turn in an idle room."""

    SPEECH = "speech"
    WAKE_WORD = "wake-word"


class Judgement(Enum):
    """What an interruption is judged by."""

    WORDS = "words"
    # No recogniser can be asked before the floor is taken.
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class VadRule:
    """When a window of the VAD is voiced, and how many in a row are a voice.

    threshold: least probability of speech; within a run of voiced windows it is lower by `hysteresis`.
    """

    threshold: float
    hysteresis: float
    windows: int


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """When to duck, pause, commit, resume, and end a turn; milliseconds unless the name says otherwise.

    docs/tuning.md says what speaks for the numbers of hearing, and how to measure it.
    """

    barge_in: BargeIn = BargeIn.SPEECH
    turn_start: TurnStart = TurnStart.SPEECH
    endpointing: Endpointing = Endpointing.EVIDENCE
    judgement: Judgement = Judgement.WORDS
    # What is said to a voice that speaks, in the language of the conversation.
    lexicon: Lexicon = ENGLISH
    # One window of Silero VAD at 16 kHz: 512 samples.
    window_ms: float = 32.0
    # In an idle room, and while an answer is awaited: nothing sounds but the user.
    vad_threshold: float = 0.4
    # While the user has the floor, or may take it: a reply that is paused has no echo either.
    listening_threshold: float = 0.5
    # Into a reply, through what the canceller leaves of it: the guard tells our voice, the detector only speech.
    speaking_threshold: float = 0.4
    # Once speech has begun, a weaker window still counts: word ends and weak syllables sink to about 0.4.
    vad_hysteresis: float = 0.15
    # Two windows in a row: one alone is as often a click as a voice.
    trigger_windows: int = 2
    # Into a reply one is enough, for it takes the guard's agreement too, and all that it does is to duck.
    speaking_trigger_windows: int = 1
    # Closures of stop consonants last up to 150 ms, the gap inside "uh-huh" up to 200.
    utterance_gap_ms: float = 250.0
    confirm_speech_ms: float = 192.0
    confirm_within_ms: float = 256.0
    # A short "stop" or "yes" has this much voicing; less cannot be told from a knock.
    min_speech_ms: float = 150.0
    # "Uh-huh" has up to 450 ms of voicing, and what a recogniser first makes of it is often a word.
    word_speech_ms: float = 500.0
    # How likely words must be, for the recogniser that heard them, to take the floor. Each 0.1 more costs Whisper
    # tiny.en 1 to 3 of 176 words and sentences of real people, and saves 1 or 2 of 138 coughs, laughs and sneezes
    # (script/bench confidence).
    word_confidence: float = 0.65
    commit_speech_ms: float = 900.0
    # "Mm-hm, yeah, right" in one breath is longer than most words that interrupt.
    commit_backchannel_ms: float = 1500.0
    # By duration alone: "uh-huh" has up to 450 ms of voicing, "no, wait" hardly less than 500.
    commit_unheard_ms: float = 500.0
    # Who speaks this much more softly than in the last turn speaks to somebody else, or is a radio ...
    side_speech_db: float = 7.0
    # ... unless it is a whisper, which lacks the low half of a voice.
    whisper_brighter_db: float = 2.0
    undecided_ms: float = 1500.0
    # The words of an utterance that is over are waited for. Small models take a second, others and small machines
    # several; nobody waits longer for a reply that says nothing.
    verdict_ms: float = 4000.0
    # Silero needs some 100 ms to believe in a voice, and weak first consonants come before that.
    pre_roll_ms: float = 500.0
    # What lies further back in a reply is what is left of the echo, of which Whisper made "I don't" at +10 dB.
    reply_pre_roll_ms: float = 300.0
    endpoint_silence_ms: float = 600.0
    # After a whole command or question, or an answer to ours: a stop consonant and a breath are shorter.
    endpoint_complete_ms: float = 350.0
    # After "and", "the", "um": people who look for a word take up to two seconds (script/bench turns).
    endpoint_unfinished_ms: float = 2000.0
    # Silero goes on for two windows after a voice has ended (script/bench, end of speech).
    vad_release_ms: float = 64.0
    # Longer than anybody asks; a television must not hold the floor for ever.
    listen_max_s: float = 30.0
    # After a wake word: as long as wyoming-satellite waits for speech (its --vad-wake-word-timeout).
    vad_wake_word_timeout: float = 5.0
    # After an answer, a voice begins a turn without a wake word for this long.
    follow_up_seconds: float = 0.0
    # Backstops behind the pipeline's own deadlines, which name the server that failed.
    stt_timeout_s: float = 15.0
    reply_timeout_s: float = 90.0
    # Nobody is on the telephone for longer without a word to the satellite; then the reply is given up.
    hold_max_s: float = 120.0
    # After so many failures of the STT server in a row the satellite offers text instead.
    stt_failures_to_text: int = 3

    @property
    def finds_stop_words(self) -> bool:
        """Whether a reply takes a word to interrupt that a recogniser hears; detectors need no windows of voice."""
        by_words = self.barge_in in (BargeIn.WAKE_WORD, BargeIn.STOP_WORD)
        return by_words and self.judgement is Judgement.WORDS

    def vad(self, phase: Phase) -> VadRule:
        """Return when a window counts as voiced in a phase."""
        match phase:
            case Phase.SPEAKING:
                return VadRule(self.speaking_threshold, self.vad_hysteresis, self.speaking_trigger_windows)
            case Phase.LISTENING | Phase.INTERRUPTED:
                return VadRule(self.listening_threshold, self.vad_hysteresis, self.trigger_windows)
            case Phase.IDLE | Phase.TRANSCRIBING | Phase.THINKING:
                return VadRule(self.vad_threshold, self.vad_hysteresis, self.trigger_windows)
