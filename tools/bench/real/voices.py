"""Dry voices put into a recorded echo: onsets that are exact to the sample, at chosen levels."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from interject.satellite.audio.wav import read_wav
from tools.bench.real.recordings import Kind, Recording, Span
from tools.simulator.corpus import SpeechFolderError, out_of_noise
from tools.simulator.impulse import Shell, Source, responses
from tools.simulator.levels import RATE_HZ, Signal, frames_of, level_dbfs, scaled_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# A living room in which the user sits two to three metres away, at one of these places.
_SHELL = Shell((5.2, 4.1, 2.6), 0.35)
_MICROPHONE = (2.0, 0.5, 0.9)
_USERS = ((3.0, 2.4, 1.3), (1.4, 2.9, 1.2), (3.4, 2.9, 1.6))
# What is longer is a sentence for a person and for a VAD; single words last up to 0.8 s.
_SENTENCE_S = 1.5
# The canceller has learnt the room by then, if it ever does.
_LEARNING_S = 4.5
_AUDIBLE_DBFS = -50.0
# An echo with pauses as long as this share of the voice would let it be heard in them.
_LEAST_AUDIBLE = 0.8
_KINDS_WITHOUT_WORDS = frozenset(("non-speech", "room"))


class Length(Enum):
    """How much there is to hear."""

    WORD = "single words"
    COMMAND = "commands"
    SENTENCE = "sentences"


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """Somebody who says `text`, dry, at 16 kHz; from its onset to its end."""

    name: str
    text: str
    length: Length
    samples: Signal


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """A voice in a recording: its place, and by how much the echo is louder.

    recording: without it. text: what it says. voice: what is added, at the recording's rate and as long as it;
    the same at 16 kHz.
    """

    recording: Recording
    name: str
    text: str
    voice: Signal
    voice_at_16_khz: Signal
    length: Length
    echo_db: float
    span: Span

    @property
    def mixed(self) -> Recording:
        """The recording with the voice in it."""
        mic = to_int16(self.recording.mic.astype(np.float32) / np.float32(INT16_FULL_SCALE) + self.voice)
        return replace(self.recording, mic=mic, spans=(self.span,))


def read_voices(folder: Path) -> list[Voice]:
    """Read dry voices: WAV files and a manifest.json, a list of {"file", "transcript" or "words", ...}.

    "onset_s" and "end_s" say where the voice is in its file. What has no words is left out. Raises SpeechFolderError.
    """
    try:
        entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return [
            _voice(folder, entry, text)
            for entry in entries
            if (text := entry.get("transcript") or entry.get("words")) and entry["kind"] not in _KINDS_WITHOUT_WORDS
        ]
    except (OSError, wave.Error, EOFError) as error:
        raise SpeechFolderError(folder, f"cannot be read: {error}; give a folder with WAV files") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpeechFolderError(folder, f"its manifest.json lacks something: {error!r}") from error


def added(
    recordings: Sequence[Recording], voices: Sequence[Voice], echoes_db: Sequence[float], each: int
) -> Iterator[Added]:
    """Put `each` voices of every length, in turn, into every far-end recording with room for them; always the same."""
    air = responses(_SHELL, _MICROPHONE, [Source(user, _MICROPHONE) for user in _USERS])
    for number, recording in enumerate(one for one in recordings if one.kind is Kind.FAR_END):
        for length in Length:
            said = [voice for voice in voices if voice.length is length]
            for turn in range(min(each, len(said))):
                voice = said[(number * each + turn) % len(said)]
                heard = np.convolve(voice.samples, air[turn % len(air)])
                places = _places(recording, len(voice.samples))
                for level, echo_db in enumerate(echoes_db):
                    if places:
                        place = places[(turn * len(echoes_db) + level) * len(places) // (each * len(echoes_db))]
                        yield _put(recording, voice, heard, place, echo_db)


def _voice(folder: Path, entry: dict[str, Any], text: str) -> Voice:
    path = folder / str(entry["file"])
    samples: Signal = read_wav(path, RATE_HZ).astype(np.float32) / np.float32(INT16_FULL_SCALE)
    if "onset_s" in entry:
        samples = samples[frames_of(float(entry["onset_s"])) : frames_of(float(entry["end_s"]))]
    else:
        samples = out_of_noise(samples)
    if len(text.split()) == 1:
        length = Length.WORD
    else:
        length = Length.SENTENCE if len(samples) > frames_of(_SENTENCE_S) else Length.COMMAND
    return Voice(path.stem, text, length, samples)


def _places(recording: Recording, frames: int) -> list[float]:
    """Give the times (s), 0.1 s apart, at which the loudspeaker is heard nearly all the time of so many frames."""
    step = recording.rate_hz // 10
    whole = len(recording.played) // step * step
    scaled = recording.played[:whole].astype(np.float64) / INT16_FULL_SCALE
    audible = np.mean(np.square(scaled).reshape(-1, step), axis=1) > 10 ** (_AUDIBLE_DBFS / 10)
    needed = -(-frames * 10 // RATE_HZ)
    learnt = int(np.argmax(audible)) + round(10 * _LEARNING_S)
    last = len(audible) - needed
    return [at / 10 for at in range(learnt, last) if audible[at : at + needed].mean() >= _LEAST_AUDIBLE]


def _put(recording: Recording, voice: Voice, heard: Signal, at_s: float, echo_db: float) -> Added:
    span = Span(at_s, at_s + len(voice.samples) / RATE_HZ)
    echo = recording.mic[round(span.start_s * recording.rate_hz) : round(span.end_s * recording.rate_hz)]
    level = level_dbfs(echo.astype(np.float32) / np.float32(INT16_FULL_SCALE)) - echo_db
    at_16_khz = _from(scaled_to(heard, level), at_s, RATE_HZ, len(recording.mic) * RATE_HZ // recording.rate_hz)
    louder: Signal = np.asarray(soxr.resample(at_16_khz, RATE_HZ, recording.rate_hz), np.float32)
    voice_in_place = np.zeros(len(recording.mic), np.float32)
    voice_in_place[: len(louder)] = louder[: len(voice_in_place)]
    return Added(recording, voice.name, voice.text, voice_in_place, at_16_khz, voice.length, echo_db, span)


def _from(signal: Signal, at_s: float, rate_hz: int, frames: int) -> Signal:
    """Give a signal so much later, with silence around it."""
    whole = np.zeros(frames, np.float32)
    first = round(at_s * rate_hz)
    whole[first : first + len(signal)] = signal[: frames - first]
    return whole
