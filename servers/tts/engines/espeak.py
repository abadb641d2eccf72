"""espeak-ng: embedded, 140 languages, first sound in less than a millisecond, exact word times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from wyoming.info import Attribution, TtsProgram, TtsVoice, TtsVoiceSpeaker

from interject.servers.tts.engines import is_pipers
from interject.servers.tts.engines.base import Piece
from interject.servers.tts.engines.espeak_library import EspeakLibrary, EspeakVoice
from interject.servers.tts.errors import UnknownNameError
from interject.servers.tts.marks import WordGroups, mark
from interject.wire.errors import RequestError, SettingError

if TYPE_CHECKING:
    from wyoming.tts import SynthesizeVoice

    from interject.servers.tts.engines.base import Line, Sink
    from interject.servers.tts.marks import Group, WordStart
    from interject.servers.tts.settings import TtsSettings

_DEFAULT_VOICE = "en-us"
_ATTRIBUTION = Attribution(name="eSpeak NG", url="https://github.com/espeak-ng/espeak-ng")
# What espeak-ng itself puts between two sentences of one text at its normal rate.
_SENTENCE_PAUSE_S = 0.3
_RATE_MINIMUM_WPM = 80
_RATE_MAXIMUM_WPM = 450
# Between words espeak gives zeros and a little rounding noise, at most 32; its quietest sounds are far above.
_SILENCE_AMPLITUDE = 32
# The library has a hundred variants, all of them accepted; listed are the plain voices, because the list stands in
# every one of 140 entries.
_LISTED_VARIANTS = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "croak", "whisper")


async def open_engine(settings: TtsSettings) -> EspeakEngine:
    """Initialise the library; raises SettingError for a voice or a speaker that it does not have."""
    engine = await asyncio.to_thread(EspeakEngine, settings)
    try:
        await engine.voice(None)
    except RequestError as error:
        await engine.close()
        if settings.voice is not None and is_pipers(settings.voice):
            raise SettingError(f"--voice {settings.voice}", "that is a voice of piper: --engine piper") from None
        raise SettingError("--voice, --speaker", str(error)) from None
    return engine


class EspeakEngine:
    """The engine; blocks for some milliseconds while it is made."""

    sentence_pause_s = _SENTENCE_PAUSE_S

    def __init__(self, settings: TtsSettings) -> None:
        self._default = settings.voice or _DEFAULT_VOICE
        self._speaker = settings.speaker
        rate = settings.speaking_rate / (settings.length_scale or 1.0)
        self._rate_wpm = round(min(max(rate, _RATE_MINIMUM_WPM), _RATE_MAXIMUM_WPM))
        self._library = EspeakLibrary()
        self._voices = self._library.voices()
        self._variants = self._library.variants()
        self._info = self._describe()

    def program(self) -> TtsProgram:
        """Describe the engine and its voices."""
        return self._info

    def language(self, wanted: SynthesizeVoice | None) -> str:
        """Return the language of the wanted voice; empty if there is none such."""
        try:
            return self._choose(wanted).languages[0][0]
        except UnknownNameError:
            return ""

    async def voice(self, wanted: SynthesizeVoice | None) -> EspeakReader:
        """Choose a voice by name, else by language, else the default; raises UnknownNameError."""
        name = self._choose(wanted).identifier
        speaker = wanted.speaker if wanted is not None and wanted.speaker else self._speaker
        if speaker:
            if speaker not in self._variants:
                raise UnknownNameError("speaker", speaker, self._variants)
            name = f"{name}+{speaker}"
        return EspeakReader(self._library, name, self._rate_wpm)

    async def keep(self) -> None:
        """Have nothing to do."""

    async def close(self) -> None:
        """Free the library."""
        await asyncio.to_thread(self._library.close)

    def _choose(self, wanted: SynthesizeVoice | None) -> EspeakVoice:
        if wanted is not None and wanted.name:
            return self._by_name(wanted.name)
        if wanted is not None and wanted.language:
            return self._by_language(wanted.language)
        return self._by_name(self._default)

    def _by_name(self, name: str) -> EspeakVoice:
        wanted = name.lower().replace("_", "-")
        for entry in self._voices:
            if wanted in {entry.name.lower(), entry.identifier.lower(), entry.description.lower()}:
                return entry
        found = self._best(wanted)
        if found is None:
            raise UnknownNameError("voice", name, [entry.name for entry in self._voices])
        return found

    def _by_language(self, language: str) -> EspeakVoice:
        wanted = language.lower().replace("_", "-")
        default = self._by_name(self._default)
        if wanted in {tag.lower() for tag, _ in default.languages}:
            return default
        found = self._best(wanted) or self._best(wanted.partition("-")[0])
        if found is None:
            raise UnknownNameError(
                "language", language, sorted({tag for entry in self._voices for tag, _ in entry.languages})
            )
        return found

    def _best(self, wanted: str) -> EspeakVoice | None:
        fitting = [
            (priority, entry.name, entry)
            for entry in self._voices
            for tag, priority in entry.languages
            if tag.lower() == wanted
        ]
        return min(fitting, key=lambda item: item[:2])[2] if fitting else None

    def _describe(self) -> TtsProgram:
        version = self._library.version
        speakers = [TtsVoiceSpeaker(name) for name in _LISTED_VARIANTS if name in self._variants]
        voices = [
            TtsVoice(
                name=entry.name,
                attribution=_ATTRIBUTION,
                installed=True,
                description=entry.description,
                version=version,
                languages=[tag for tag, _ in entry.languages],
                speakers=speakers,
            )
            for entry in self._voices
        ]
        return TtsProgram(
            name="espeak-ng",
            attribution=_ATTRIBUTION,
            installed=True,
            description="Formant synthesis in many languages; small, fast, and sounds like a robot",
            version=version,
            voices=voices,
        )


@dataclass(frozen=True, slots=True)
class EspeakReader:
    """One of the library's voices at a rate."""

    library: EspeakLibrary
    name: str
    rate_wpm: int

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self.library.rate_hz

    def speak(self, line: Line, sink: Sink) -> None:
        """Synthesise one sentence; a piece is a written word, with its mark."""
        words = _Words(line.written, self.rate_hz, sink)
        self.library.synthesize(line.spoken, self.name, self.rate_wpm, words.take)
        words.finish()


class _Words:
    """Holds audio back until the word that it belongs to is known whole, some 0.3 ms of work."""

    def __init__(self, text: str, rate_hz: int, sink: Sink) -> None:
        self._groups = WordGroups(text)
        self._rate_hz = rate_hz
        self._sink = sink
        self._pcm = bytearray()
        # The sample that `_pcm` begins with.
        self._begin = 0

    def take(self, pcm: bytes, words: list[WordStart]) -> bool:
        self._pcm += pcm
        for word in words:
            ended = self._groups.add(word)
            if ended is not None and not self._deliver(ended, word.sample):
                return False
        return not self._sink.stopped

    def finish(self) -> None:
        last = self._groups.finish()
        if last is not None and not self._sink.stopped:
            self._deliver(last, self._begin + len(self._pcm) // 2)

    def _deliver(self, group: Group, end: int) -> bool:
        size = 2 * max(0, end - self._begin)
        pcm = bytes(self._pcm[:size])
        del self._pcm[:size]
        end_of_sound = self._begin + _sound_length(pcm)
        self._begin += len(pcm) // 2
        return self._sink.deliver(Piece(pcm, (mark(group, end_of_sound, self._rate_hz),)))


def _sound_length(pcm: bytes) -> int:
    """Return the number of samples up to the last one that can be heard: the pause after a word is not the word."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, dtype=np.int16).astype(np.int32)) > _SILENCE_AMPLITUDE)
    return int(loud[-1]) + 1 if loud.size else 0
