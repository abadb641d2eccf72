"""Stop words for PocketSphinx: a grammar in which they compete with every other sequence of sounds.

Its own keyword search tells "stop" from "off" and from coughs by a threshold alone: without a false alarm in 146
recorded words and noises it heard 13 of 24 "stop"s. In the same grammar "quiet",
"enough", "cancel", "never mind", "hush", "silence" and "shut up" each took some of those words and noises for
themselves: the recogniser hears them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

# The language of the acoustic model in its wheel.
LANGUAGE = "en"
LIBRARY = "pocketsphinx"
# As in the STT server's engine (servers/stt/engines/pocketsphinx.py): between the means of loud and quiet recordings.
_MEAN = "50,0,8,8"
# States that are followed at a time: what a search of this size needs; with ten times as many nothing is heard better.
_MAX_STATES = 300
# What each unit of the grammar costs, a whole stop word as much as one sound of something else. With the library's own,
# 0.65, 11 of 24 recorded "stop"s are heard, with 0.1 18, with 0.001 20 and with 0.00001 19, each before the gain.
_UNIT_PROBABILITY = 1e-3
# Silence before and after the word costs nothing, the model's noises do.
_SILENCE_PROBABILITY = 1.0
_NOISE_PROBABILITY = 1e-4
_PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
).split()
_RULE = "stop"
_FRAME_MS = 10.0


@dataclass(frozen=True, slots=True)
class StopPhrase:
    """What silences the satellite: its words, the one of them that tells, and its sounds (ARPAbet), in several ways."""

    text: str
    key: str
    sounds: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Its name in the grammar: one word, however many it has."""
        return self.text.replace(" ", "_").replace("'", "")


PHRASES = (StopPhrase("stop", "stop", ("S T AA P", "S T AO P")),)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an utterance is, so far: a stop phrase, which began so long after the first sample."""

    phrase: StopPhrase
    start_ms: float


def is_english(language: str | None) -> bool:
    """Whether a conversation is in the model's language, as far as is known."""
    return language is None or language.lower().replace("_", "-").split("-")[0] == LANGUAGE


def is_installed() -> bool:
    """Whether the library is there: it has no wheel for every Python."""
    return find_spec(LIBRARY) is not None


class StopDecoder:
    """Tells whether an utterance is, so far, a stop phrase and nothing else; for one thread at a time."""

    def __init__(self, phrases: tuple[StopPhrase, ...] = PHRASES) -> None:
        # Imported here: a satellite that listens for no stop words does without.
        import pocketsphinx  # noqa: PLC0415 - see above

        self._decoder: Any = pocketsphinx.Decoder(
            # The library's own dictionary would take 30 MB for one word.
            dict=os.devnull,
            lm=None,
            bestpath=False,
            cmninit=_MEAN,
            maxhmmpf=_MAX_STATES,
            wip=_UNIT_PROBABILITY,
            silprob=_SILENCE_PROBABILITY,
            fillprob=_NOISE_PROBABILITY,
            loglevel="FATAL",
        )
        self._by_unit = {phrase.unit: phrase for phrase in phrases}
        for phrase in phrases:
            for number, sounds in enumerate(phrase.sounds, start=1):
                self._add(phrase.unit if number == 1 else f"{phrase.unit}({number})", sounds)
        for phone in _PHONES:
            self._add(phone, phone)
        self._decoder.add_jsgf_string(_RULE, _grammar(phrases))
        self._decoder.activate_search(_RULE)
        self._under_way = False

    def begin(self) -> None:
        """Begin an utterance, from the same state each time."""
        self.end()
        self._decoder.reinit_feat(self._decoder.config)
        self._decoder.start_utt()
        self._under_way = True

    def feed(self, pcm: bytes) -> Reading | None:
        """Take more audio (16 kHz, 16 bits, mono); return the phrase that explains it all, silence and noise apart."""
        self._decoder.process_raw(pcm)
        best = self._decoder.hyp()
        phrase = self._by_unit.get(best.hypstr) if best is not None else None
        if phrase is None:
            return None
        start = next(part.start_frame for part in self._decoder.seg() if part.word.startswith(phrase.unit))
        return Reading(phrase, start * _FRAME_MS)

    def end(self) -> None:
        """End the utterance, if one is under way."""
        if self._under_way:
            self._under_way = False
            self._decoder.end_utt()

    def _add(self, unit: str, sounds: str) -> None:
        self._decoder.add_word(unit, sounds, False)  # noqa: FBT003 - the library's own signature


def _grammar(phrases: tuple[StopPhrase, ...]) -> str:
    stops = " | ".join(phrase.unit for phrase in phrases)
    return f"#JSGF V1.0;\ngrammar stop;\npublic <utterance> = {stops} | ( {' | '.join(_PHONES)} )+;\n"
