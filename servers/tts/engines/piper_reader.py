"""A loaded Piper voice that speaks sentences."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnxruntime
from piper import PiperVoice
from piper.config import PhonemeType

from interject.servers.tts.engines.base import Piece
from interject.servers.tts.errors import EngineError, LastingError
from interject.servers.tts.marks import WordStart, estimated_groups, group_all, mark, marks_until_next, tokens_of
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from piper import AudioChunk
    from piper.config import SynthesisConfig

    from interject.servers.tts.engines.base import Line, Sink
    from interject.servers.tts.engines.espeak_library import EspeakLibrary
    from interject.wire.events import WordMark


# The rate that espeak's word times are taken at; only their proportions matter.
_ESPEAK_RATE_WPM = 175
_SAMPLE_BYTES = 2
_CUDA = "CUDAExecutionProvider"


_BETWEEN_WORDS = " "
# Beginning, end and padding of a sentence.
_FRAMING = frozenset("^$_")


class StoppableSession:
    """An inference session whose run can be ended from another thread: a sentence may take a second."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._options = onnxruntime.RunOptions()

    def run(self, outputs: list[str] | None, inputs: dict[str, Any]) -> Any:
        """Run the model; raises what onnxruntime raises, also when ended."""
        return self._session.run(outputs, inputs, self._options)

    def renew(self) -> onnxruntime.RunOptions:
        """Begin a sentence; setting `terminate` in what is returned ends its runs."""
        self._options = onnxruntime.RunOptions()
        return self._options


@dataclass(frozen=True, slots=True)
class LoadedVoice:
    """A model in memory and the session that Piper runs it by."""

    voice: PiperVoice
    session: StoppableSession


def require_cuda() -> None:
    """Raise SettingError if the onnxruntime that is installed cannot use CUDA."""
    if _CUDA not in onnxruntime.get_available_providers():
        raise SettingError(
            "--use-cuda",
            f"the onnxruntime {onnxruntime.__version__} that is installed computes on the CPU alone; put a build with "
            "CUDA in its place (onnxruntime-gpu; docs/engines.md), or leave --use-cuda out",
        )


def load_voice(model: Path, *, use_cuda: bool, download_dir: Path) -> LoadedVoice:
    """Load a model with its phoneme alignments; blocks for a second or two. Raises LastingError."""
    try:
        voice = PiperVoice.load(model, use_cuda=use_cuda, download_dir=download_dir, include_alignments=True)
    except Exception as error:
        # onnx, onnxruntime and json each raise their own.
        reason = f"the voice {model} cannot be loaded ({error}); delete its two files to have it downloaded again"
        raise LastingError("piper", reason) from error
    if use_cuda and _CUDA not in voice.session.get_providers():
        # onnxruntime falls back to the CPU, and tells why on standard error.
        reason = "--use-cuda: onnxruntime could not start CUDA; mostly a CUDA device, cuDNN or cuBLAS is missing"
        raise LastingError("piper", reason)
    session = StoppableSession(voice.session)
    voice.session = session
    return LoadedVoice(voice, session)


@dataclass(frozen=True, slots=True)
class PiperReader:
    """A loaded voice with a speaker and scales."""

    loaded: LoadedVoice
    config: SynthesisConfig
    espeak: EspeakLibrary

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return int(self.loaded.voice.config.sample_rate)

    def speak(self, line: Line, sink: Sink) -> None:
        """Synthesise a sentence; all of it is one piece, because that is what the model makes in one run."""
        options = self.loaded.session.renew()

        def terminate() -> None:
            options.terminate = True

        sink.on_stop(terminate)
        try:
            chunks = list(self.loaded.voice.synthesize(line.spoken, self.config, include_alignments=True))
        except Exception as error:
            if sink.stopped:
                return
            raise EngineError("piper", f"{line.written!r} cannot be spoken ({error})") from error
        sink.deliver(self._piece(line, chunks))

    def _piece(self, line: Line, chunks: list[AudioChunk]) -> Piece:
        pcm = b"".join(chunk.audio_int16_bytes for chunk in chunks)
        words, espeak_samples = self._words_of_espeak(line)
        spoken = _spoken(chunks)
        chars = None if spoken is None else chars_of_words(line.written, words, len(spoken))
        if spoken is not None and chars is not None:
            return Piece(pcm, marks_of(line.written, chars, spoken, self.rate_hz))
        total = len(pcm) // _SAMPLE_BYTES
        return Piece(pcm, estimated_marks(line.written, words, espeak_samples, total, self.rate_hz), estimated=True)

    def _words_of_espeak(self, line: Line) -> tuple[list[WordStart], int]:
        """Return the word starts of espeak's own reading and its length in samples: a thousandth of the time spoken."""
        config = self.loaded.voice.config
        if config.phoneme_type != PhonemeType.ESPEAK:
            return [], 0
        words: list[WordStart] = []
        samples = 0

        def take(pcm: bytes, starts: list[WordStart]) -> bool:
            nonlocal samples
            samples += len(pcm) // _SAMPLE_BYTES
            words.extend(starts)
            return True

        try:
            self.espeak.synthesize(line.spoken, config.espeak_voice, _ESPEAK_RATE_WPM, take)
        except EngineError:
            # Piper brings an espeak of its own, which may have languages that this one does not.
            return [], 0
        return words, samples


def _spoken(chunks: list[AudioChunk]) -> list[Spoken] | None:
    """Return the spoken words of all chunks, None where a model does not tell."""
    words: list[Spoken] = []
    begin = 0
    for chunk in chunks:
        length = len(chunk.audio_int16_array)
        alignments = chunk.phoneme_alignments
        if not alignments or sum(item.num_samples for item in alignments) != length:
            return None
        words += spoken_words([(item.phoneme, int(item.num_samples)) for item in alignments], begin)
        begin += length
    return words


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where a spoken word sounds: samples from the sentence's first."""

    start: int
    end: int


def spoken_words(phonemes: Iterable[tuple[str, int]], first_sample: int = 0) -> list[Spoken]:
    """Return the spoken words of (phoneme, samples) in order; punctuation is no part of the word before it."""
    words: list[Spoken] = []
    position = first_sample
    start = end = None
    for phoneme, samples in phonemes:
        if phoneme == _BETWEEN_WORDS:
            if start is not None and end is not None:
                words.append(Spoken(start, end))
            start = end = None
        elif _sounds(phoneme):
            start = position if start is None else start
            end = position + samples
        position += samples
    if start is not None and end is not None:
        words.append(Spoken(start, end))
    return words


def marks_of(written: str, chars: Sequence[int], spoken: Sequence[Spoken], rate_hz: int) -> tuple[WordMark, ...]:
    """Time the written words: `chars` says at which character of `written` each spoken word begins."""
    groups = group_all(written, [WordStart(char, word.start) for char, word in zip(chars, spoken, strict=True)])
    marks = []
    for index, group in enumerate(groups):
        last = index + 1 == len(groups)
        next_start = spoken[-1].end if last else groups[index + 1].start_sample
        ends = [word.end for word in spoken if group.start_sample <= word.start and word.end <= next_start]
        marks.append(mark(group, max(ends, default=next_start), rate_hz))
    return tuple(marks)


def chars_of_words(written: str, espeak: Sequence[WordStart], count: int) -> list[int] | None:
    """Return at which character each of `count` spoken words begins, None where it cannot be told."""
    if not count:
        return None
    if len(espeak) == count:
        return [word.char for word in espeak]
    tokens = tokens_of(written)
    return [token.start for token in tokens] if len(tokens) == count else None


def estimated_marks(
    written: str, espeak: Sequence[WordStart], espeak_samples: int, total_samples: int, rate_hz: int
) -> tuple[WordMark, ...]:
    """Guess when the written words sound: as espeak would time them, stretched to the length of the audio.

    Measured on real voices that errs by 138 ms (median), going by the number of characters, which is what is left when
    espeak does not know the language, by 154 ms.
    """
    if espeak and espeak_samples:
        stretched = [WordStart(word.char, word.sample * total_samples // espeak_samples) for word in espeak]
        groups = group_all(written, stretched)
    else:
        groups = estimated_groups(written, total_samples)
    return marks_until_next(groups, total_samples, rate_hz)


def _sounds(phoneme: str) -> bool:
    return phoneme not in _FRAMING and not unicodedata.category(phoneme[0]).startswith("P")
