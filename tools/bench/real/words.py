"""How many words a recogniser gets wrong of added voices: of what it is given, and of what else it might be."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import to_int16
from interject.servers.stt.engines.base import Request
from interject.servers.stt.engines.faster_whisper import FasterWhisperEngine, whisper_options
from interject.servers.stt.engines.readings import edit_distance
from interject.servers.stt.settings import SttSettings
from tools.bench.real.listening import at_16_khz, hear
from tools.bench.report import Figure
from tools.simulator.levels import frames_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.satellite.audio.base import Samples
    from tools.bench.real.voices import Added
    from tools.bench.room.performance import Options

# A recogniser needs the beginning and the end of a word whole; an engine's output may be some milliseconds late.
_BEFORE_S, _AFTER_S = 0.2, 0.3
_LANGUAGE = "en"


class Ear(Enum):
    """Which signal is transcribed."""

    KEPT = "in what speech recognition gets"
    FOR_VAD = "in what the VAD is told of"
    MIC = "in the microphone's signal"


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """An added voice with the echo under it, 16 kHz, as `ear` hears it, and what it says."""

    ear: Ear
    echo_db: float
    text: str
    samples: Samples


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser made of a clip: `wrong` words of `words` were left out, put in or taken for others."""

    ear: Ear
    echo_db: float
    text: str
    transcript: str
    words: int
    wrong: int


@dataclass(frozen=True, slots=True)
class WordErrors(Figure):
    """A word error rate: `values` are the wrong words of each clip, `words` is how many were said in all."""

    words: int = 0

    def cells(self) -> list[str]:
        """Return the rate as the table has it."""
        wrong = round(sum(self.values))
        return [f"{100 * wrong / self.words:.0f} %", f"{wrong} of {self.words}", ""]


class Recogniser:
    """The product's faster-whisper engine; raises EngineMissingError, and ModelError for a folder without a model."""

    def __init__(self, folder: Path) -> None:
        # One thread: several wait for one another, busily, where the machine has other work.
        settings = SttSettings(
            model=str(folder), compute_type="int8", local_files_only=True, language=_LANGUAGE, cpu_threads=1
        )
        self._engine = FasterWhisperEngine(whisper_options(settings))
        asyncio.run(self._load())

    async def _load(self) -> None:
        await self._engine.start()
        await self._engine.ready()

    def transcribe(self, clip: Clip) -> Transcript:
        """Transcribe a clip, and count what is wrong."""
        recognition = self._engine.open(Request())
        transcript = recognition.finish(clip.samples.astype("<i2").tobytes()).text
        recognition.close()
        said, got = _words(clip.text), _words(transcript)
        return Transcript(clip.ear, clip.echo_db, clip.text, transcript, len(said), edit_distance(said, got))


def clips(added: Added, options: Options) -> list[Clip]:
    """Listen to a recording with a voice in it, open loop, and cut the voice out of all three signals."""
    mixed = added.mixed
    heard = hear(mixed, options)
    signals = {
        Ear.KEPT: heard.kept,
        Ear.FOR_VAD: to_int16(heard.for_vad),
        Ear.MIC: to_int16(at_16_khz(mixed.mic, mixed.rate_hz)),
    }
    part = slice(frames_of(max(0.0, added.span.start_s - _BEFORE_S)), frames_of(added.span.end_s + _AFTER_S))
    return [Clip(ear, added.echo_db, added.text, np.array(signal[part])) for ear, signal in signals.items()]


def word_figures(transcripts: Sequence[Transcript]) -> list[Figure]:
    """Give the word error rate of each signal by echo level."""
    rows: list[Figure] = []
    method = (
        "words left out, put in or wrong, of an added voice, open loop: the echo goes on, and its words count as put in"
    )
    for echo_db in sorted({one.echo_db for one in transcripts}):
        for ear in Ear:
            some = [one for one in transcripts if one.echo_db == echo_db and one.ear is ear]
            if not some:
                continue
            name = f"word errors, echo {echo_db:+g} dB" if ear is Ear.KEPT else f"  {ear.value}"
            words = sum(one.words for one in some)
            rows.append(WordErrors(name, "words", [one.wrong for one in some], method, words=words))
            method = ""
    return rows


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())
