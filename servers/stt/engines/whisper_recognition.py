"""One utterance of Whisper, which knows no partial results: the growing audio is transcribed again and again.

Where the voice pauses, all of it is transcribed as the final text is. When nothing but silence follows, that is the
final text, and is there when the client says that the utterance has ended.
"""

from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.servers.stt.agreement import Hypothesis, Word
from interject.servers.stt.audio import BYTES_PER_S
from interject.servers.stt.confidence import Calibration
from interject.servers.stt.engines.base import Transcription

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interject.servers.stt.engines.base import Request
    from interject.servers.stt.engines.faster_whisper import WhisperOptions
    from interject.servers.stt.engines.model_access import ModelAccess
    from interject.servers.stt.engines.voice import Voice


# Whisper makes words up for less of a voice.
_FIRST_PASS_S = 0.3
# Where the VAD hears no voice there may be a soft one; a satellite sends 0.5 s from before it.
_FIRST_PASS_UNHEARD_S = 1.5
# A word or so: less is not worth a pass.
_NEXT_PASS_S = 0.2
# People say some 3 words, 5 tokens, a second; an endless repetition is cut where no one can have spoken so fast.
_TOKENS_PER_S, _SPARE_TOKENS, _MOST_TOKENS = 10, 10, 200
_PARTIAL_BEAM = 1
# Closures and releases of "p" and "t", which the VAD takes for silence.
_AFTER_VOICE_S = 0.1
# Windows of so many frames of 10 ms at least. The shorter, the sooner the text is there; but the more often short words
# are taken for others, and the whole is said over and over: that is decoded again, with more.
_PARTIAL_FRAMES, _FINAL_FRAMES, _REPEATED_FRAMES = 700, 1000, 1500
# Once more is what people say themselves: "no, no".
_REPETITIONS_OF_A_WORD, _REPETITIONS = 3, 2
_WORD = re.compile(r"[^\W_]+")


# As script/bench confidence fits it, but for texts that break off (-1.4), which were too rare there: of 69 sounds of
# people 13 come so, of 160 synthetic interruptions none.
_TEXT = Calibration({"avg_logprob": 4.52, "no_speech_prob": -4.62, "breaks_off": -3.5}, 8.27)
# The first word has no context, and less of a probability for it.
_WORD_CONFIDENCE = Calibration({"logprob": 1.19, "avg_logprob": 2.17, "no_speech_prob": -6.76, "first": 2.13}, 3.26)
_LEAST_PROBABILITY = 1e-3
_BREAKS_OFF = ("...", "\N{HORIZONTAL ELLIPSIS}", "-")


@dataclass(frozen=True, slots=True)
class Decoded:
    """What Whisper made of the first `heard_s` seconds: faster-whisper's segments, with words, and the language."""

    segments: tuple[Any, ...]
    language: str
    heard_s: float

    def text(self) -> str:
        """Return all of the text."""
        return " ".join(segment.text.strip() for segment in self.segments).strip()

    def hypothesis(self, *, paused: bool) -> Hypothesis:
        """Return the words, where they lie, how sure they are, and whether the voice has paused after them."""
        figures = text_figures(self.segments)
        words = [word for segment in self.segments for word in segment.words or ()]
        return Hypothesis(
            tuple(
                Word(
                    word.word.strip(),
                    word.start,
                    word.end,
                    word_confidence(word.probability, figures, first=number == 0),
                )
                for number, word in enumerate(words)
            ),
            self.heard_s,
            paused,
        )

    def transcription(self) -> Transcription:
        """Return it as the final text."""
        figures = text_figures(self.segments)
        return Transcription(self.text(), self.language, text_confidence(figures), figures)


class WhisperRecognition:
    """One utterance, transcribed while it grows."""

    def __init__(
        self,
        model: Any,
        options: WhisperOptions,
        language: str | None,
        request: Request,
        voice: Voice,
        shared: ModelAccess,
    ) -> None:
        self._model = model
        self._options = options
        self._language = language
        # Names first: the prompt's room for hot words is limited, and names have priority.
        self._hotwords = ", ".join((*request.names, *request.terms)) or None
        self._voice = voice
        self._access = shared
        self._access.open()
        self._pcm = bytearray()
        self._least_frames = 0
        self._decoded_s = 0.0
        self._next_pass_s = 0.0
        self._part: Decoded | None = None
        self._ahead: Decoded | None = None
        self._aborted = threading.Event()

    def hear(self, pcm: bytes) -> Hypothesis | None:
        """Take more audio; transcribe all of it again when it is time to."""
        self._take(pcm)
        paused = self._voice.pauses
        decoded = self._decode_ahead() if paused else self._decode_part()
        return None if decoded is None else decoded.hypothesis(paused=paused)

    def _take(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._voice.hear(pcm)
        if self._ahead is not None and self._voice.ended_s > self._ahead.heard_s:
            self._ahead = None

    def _decode_ahead(self) -> Decoded | None:
        if self._ahead is not None:
            return None
        if self._part is not None and self._has_all(self._part):
            self._ahead = self._part
            return self._ahead
        with self._access.ahead() as mine:
            if mine:
                self._ahead = self._decode_fully()
        return self._ahead

    def _decode_part(self) -> Decoded | None:
        heard_s = self._heard_s
        began_s = self._voice.began_s
        enough = heard_s >= _FIRST_PASS_UNHEARD_S if began_s is None else heard_s - began_s >= _FIRST_PASS_S
        if not enough or heard_s - self._decoded_s < _NEXT_PASS_S or time.monotonic() < self._next_pass_s:
            return None
        with self._access.partial() as mine:
            if not mine:
                return None
            started_s = time.monotonic()
            most_tokens = min(_MOST_TOKENS, _most_tokens(heard_s))
            self._part = self._decode(
                _PARTIAL_FRAMES, beam_size=_PARTIAL_BEAM, temperature=0.0, max_new_tokens=most_tokens
            )
            self._next_pass_s = self._access.partial_again_s(started_s, time.monotonic())
        return self._part

    def _has_all(self, part: Decoded) -> bool:
        """Tell whether a partial result is as good as another decoding: the voice had ended when it began."""
        return self._options.beam_size == _PARTIAL_BEAM and part.heard_s >= self._voice.ended_s + _AFTER_VOICE_S

    def finish(self, rest: bytes = b"") -> Transcription:
        """Transcribe all of it with the full beam, unless that was done when the voice ended."""
        self._take(rest)
        if not self._pcm:
            return Transcription("", self._language)
        if self._ahead is None:
            with self._access.final():
                if self._aborted.is_set():
                    return Transcription("", self._language)
                self._ahead = self._decode_fully()
        return self._ahead.transcription()

    def _decode_fully(self) -> Decoded:
        most_tokens = _most_tokens(self._heard_s)
        # No second decoding at a higher temperature, which the library does up to five times for what is no speech: how
        # little that is worth, the confidence says.
        return self._decode(
            _FINAL_FRAMES,
            beam_size=self._options.beam_size,
            temperature=0.0,
            max_new_tokens=most_tokens if most_tokens <= _MOST_TOKENS else None,
        )

    def _decode(self, least_frames: int, **how: Any) -> Decoded:
        decoded = self._decode_once(max(least_frames, self._least_frames), **how)
        if self._least_frames or not says_again(decoded.text()):
            return decoded
        # More of the same utterance would be repeated as well, and a repetition takes twice the time.
        self._least_frames = _REPEATED_FRAMES
        return self._decode_once(self._least_frames, **how)

    def _decode_once(self, least_frames: int, **how: Any) -> Decoded:
        options = self._options
        heard_s = self._decoded_s = self._heard_s
        segments, info = self._model.transcribe(
            np.frombuffer(bytes(self._pcm), dtype="<i2").astype(np.float32) / np.float32(32768),
            language=self._language,
            task=options.task,
            initial_prompt=options.initial_prompt,
            hotwords=self._hotwords,
            word_timestamps=True,
            least_frames=least_frames,
            vad_filter=options.vad is not None,
            vad_parameters=options.vad,
            **how,
        )
        done: list[Any] = []
        for segment in segments:
            if self._aborted.is_set():
                break
            done.append(segment)
        self._language = self._language or info.language
        return Decoded(tuple(done), info.language, heard_s)

    @property
    def _heard_s(self) -> float:
        return len(self._pcm) / BYTES_PER_S

    def abort(self) -> None:
        """Stop at the next segment: a segment itself, at most 30 s of audio, cannot be stopped."""
        self._aborted.set()

    def close(self) -> None:
        """Forget the audio."""
        self._pcm.clear()
        self._access.close()


def _most_tokens(heard_s: float) -> int:
    return _SPARE_TOKENS + int(_TOKENS_PER_S * heard_s)


def says_again(text: str) -> bool:
    """Tell whether a text says the same over and over, as decoders do that have lost their way."""
    words = _WORD.findall(text.lower())
    return any(_repeats(words, length) for length in range(1, len(words) // 2 + 1))


def _repeats(words: list[str], length: int) -> bool:
    """Tell whether as many words follow one another again."""
    times = _REPETITIONS_OF_A_WORD if length == 1 else _REPETITIONS
    whole = times * length
    return any(
        words[start : start + whole] == words[start : start + length] * times for start in range(len(words) - whole + 1)
    )


def text_figures(segments: Sequence[Any]) -> Mapping[str, float]:
    """Return the figures of faster-whisper's segments.

    Means over the tokens, how unlike speech it began, and whether it ends in dots or a dash: so it writes what it took
    for a word that breaks off, such as a sneeze.
    """
    if not segments:
        return {}
    tokens = [len(segment.tokens) for segment in segments]
    total = sum(segment.avg_logprob * count for segment, count in zip(segments, tokens, strict=True))
    return {
        "avg_logprob": total / max(1, sum(tokens)),
        "no_speech_prob": segments[0].no_speech_prob,
        "breaks_off": float(segments[-1].text.rstrip().endswith(_BREAKS_OFF)),
    }


def text_confidence(figures: Mapping[str, float]) -> float | None:
    """Return it for a text; None where there is none."""
    return _TEXT.probability(figures) if figures else None


def word_confidence(probability: float, figures: Mapping[str, float], *, first: bool) -> float:
    """Return it for a word of a text, whose own probability Whisper told."""
    logprob = math.log(max(_LEAST_PROBABILITY, probability))
    return _WORD_CONFIDENCE.probability({**figures, "logprob": logprob, "first": float(first)})
