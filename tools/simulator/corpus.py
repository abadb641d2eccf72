"""Who says what in the room: espeak-ng's voices and this repository's clips, and flite's or recorded ones on demand."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import soxr
from piper import PiperVoice

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.satellite.audio.wav import read_wav
from interject.satellite.simulator.user import ONSET_DB
from interject.wire.errors import InterjectError
from tools.simulator.espeak import speak
from tools.simulator.impulse import RoomToolMissingError
from tools.simulator.levels import RATE_HZ, Signal, scaled_to
from tools.simulator.lines import TEXTS, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLIPS = Path(__file__).resolve().parents[2] / "tests" / "clips"
ONSET_SHARE = 10 ** (ONSET_DB / 20)
# What the names of recorded voices begin with.
RECORDED_VOICE = "recorded-"
# Every clip at the same loudness; a scene sets its own.
CLIP_DBFS = -24.0

# The first are the assistant's, the others the users' and the broadcasters'.
_REPLY_VOICES = ("gmw/en-US+f3", "gmw/en-GB-x-rp+m3", "gmw/en-US+m7")
_PEOPLE = ("gmw/en-US", "gmw/en-US+f2", "gmw/en-GB-x-rp+f5", "gmw/en-GB-scotland+m1", "gmw/en-US+m5", "gmw/en-029+f1")
_FLITE_REPLY_VOICE = "slt"
_FLITE_PEOPLE = ("rms", "awb", "kal16")
_FLITE_PATIENCE_S = 60.0
_PIPER_SEED = 1
_REPLIES = TEXTS[Line.REPLY]

# The repository's clips, all of them said by flite; the cough is shaped noise.
_OWN_CLIPS = (
    ("what_time_is_it", Line.REQUEST),
    ("tell_me_a_long_story", Line.REQUEST),
    ("turn_on_the_kitchen_light", Line.REQUEST),
    ("about_a_lighthouse", Line.COMMAND),
    ("count_to_twenty", Line.COMMAND),
    ("stop", Line.WORD),
    ("uh_huh", Line.BACKCHANNEL),
    ("cough", Line.COUGH),
)
_COUGHS = 12
# A recording's noise is what its quietest tenth peaks at, in pieces of 10 ms. Recordings of commands have noise up to
# 22 dB below their peak, and gated ones have more of it in front of the speech than within.
_NOISE_FRAMES = 160
_NOISE_SHARE = 0.1
_ABOVE_NOISE_DB = 10.0
_RECORDED_ONSET_DB = (-28.0, -20.0)
# What people say while others talk, and mean to go on listening.
_BACKCHANNELS = frozenset(("yes", "yeah", "okay", "right", "wow", "uh huh", "i see"))
_COMMAND_WORDS = 3
# Kinds of recordings that have no words of their own.
_COUGH, _ROOM = "cough", "room"


class ReplyVoiceError(InterjectError):
    """A model is no Piper voice, or does not load."""

    def __init__(self, model: Path, reason: str) -> None:
        super().__init__(f"{model} is no Piper voice with its .json beside it: {reason}")
        self.model = model
        self.reason = reason


class SpeechFolderError(InterjectError):
    """A folder of recordings cannot be used."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: {reason}")
        self.folder = folder
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Something said: from its first to its last audible sample, at CLIP_DBFS."""

    name: str
    line: Line
    voice: str
    text: str
    samples: Signal


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """All that can be said."""

    clips: tuple[Clip, ...]

    def of(self, line: Line) -> tuple[Clip, ...]:
        """Give the clips that are good for something, in their order."""
        return tuple(clip for clip in self.clips if clip.line is line)

    def named(self, name: str) -> Clip:
        """Give one clip; KeyError when there is none."""
        found = next((clip for clip in self.clips if clip.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def with_clips(self, clips: Sequence[Clip]) -> Corpus:
        """Give a corpus that has these as well."""
        return Corpus((*self.clips, *clips))

    def answering_with(self, replies: Sequence[Clip]) -> Corpus:
        """Give a corpus that has these in place of its replies."""
        return Corpus((*(clip for clip in self.clips if clip.line is not Line.REPLY), *replies))


def built_in() -> Corpus:
    """Make the corpus that needs nothing but this project's own dependencies; the same every time, some 2 s."""
    wanted = list(_wanted(_REPLY_VOICES, _PEOPLE))
    said = speak([(voice, text) for _, voice, text in wanted])
    espeak = [
        _clip(f"espeak-{number}", line, voice, text, samples)
        for number, ((line, voice, text), samples) in enumerate(zip(wanted, said, strict=True))
    ]
    own = [
        _clip(name, line, "cough" if line is Line.COUGH else "flite", name.replace("_", " "), _read(_CLIPS, name))
        for name, line in _OWN_CLIPS
    ]
    coughs = [_clip(f"cough-{seed}", Line.COUGH, "cough", "", _cough(seed)) for seed in range(_COUGHS)]
    return Corpus((*espeak, *own, *coughs))


def flite() -> list[Clip]:
    """Let flite's voices say everything; RoomToolMissingError when it is not installed."""
    program = shutil.which("flite")
    if program is None:
        raise RoomToolMissingError("flite", "run apt-get install flite, or leave its voices out")
    clips = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (line, voice, text) in enumerate(_wanted((_FLITE_REPLY_VOICE,), _FLITE_PEOPLE)):
            path = Path(folder) / f"{number}.wav"
            subprocess.run([program, "-voice", voice, "-t", text, "-o", path], check=True, timeout=_FLITE_PATIENCE_S)
            clips.append(_clip(f"flite-{number}", line, f"flite-{voice}", text, _read(Path(folder), str(number))))
    return clips


def piper(model: Path) -> list[Clip]:
    """Let a Piper voice say the replies, as in most homes; raises ReplyVoiceError if it does not load."""
    # Piper's voices are never the same twice unless what they draw is.
    onnxruntime.set_seed(_PIPER_SEED)
    try:
        voice = PiperVoice.load(model)
        spoken = [np.concatenate([part.audio_float_array for part in voice.synthesize(text)]) for text in _REPLIES]
    except Exception as error:
        # ONNX Runtime raises a dozen unrelated exception classes for a file that is no model.
        raise ReplyVoiceError(model, str(error)) from error
    rate_hz = voice.config.sample_rate
    return [
        _clip(f"piper-{number}", Line.REPLY, model.stem, text, soxr.resample(samples, rate_hz, RATE_HZ))
        for number, (text, samples) in enumerate(zip(_REPLIES, spoken, strict=True))
    ]


def recorded(folder: Path) -> list[Clip]:
    """Read recordings: WAV files and a manifest.json, a list of {"file", "transcript" or "words", "speaker"}.

    "kind", where there is one, tells coughs, and rooms, which are nobody's words. What has no words and is no cough is
    left out. Raises SpeechFolderError.
    """
    try:
        entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return [_recorded(folder, entry) for entry in entries if _is_said(entry)]
    except (OSError, wave.Error, EOFError) as error:
        raise SpeechFolderError(folder, f"cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SpeechFolderError(folder, f"its manifest.json lacks something: {error!r}") from error


def trimmed(samples: Signal) -> Signal:
    """Cut off what is more than 40 dB below the peak at both ends."""
    return _above(samples, float(np.abs(samples).max(initial=0)) * ONSET_SHARE)


def _above(samples: Signal, threshold: float) -> Signal:
    loud = np.flatnonzero(np.abs(samples) >= threshold)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def out_of_noise(samples: Signal) -> Signal:
    """Cut a recording down to what rises from its own noise; what is cut off is not played either."""
    whole = len(samples) // _NOISE_FRAMES * _NOISE_FRAMES
    peaks = np.abs(samples[:whole]).reshape(-1, _NOISE_FRAMES).max(axis=1)
    above_noise = float(np.quantile(peaks, _NOISE_SHARE)) * 10 ** (_ABOVE_NOISE_DB / 20)
    least, most = (float(peaks.max()) * 10 ** (level_db / 20) for level_db in _RECORDED_ONSET_DB)
    return _above(samples, min(max(above_noise, least), most))


def _wanted(reply_voices: Sequence[str], people: Sequence[str]) -> list[tuple[Line, str, str]]:
    lines = [(Line.REPLY, voice, text) for voice, text in product(reply_voices, _REPLIES)]
    for line, texts in TEXTS.items():
        if line is not Line.REPLY:
            lines += [(line, voice, text) for voice, text in product(people, texts)]
    return lines


def _recorded(folder: Path, entry: dict[str, Any]) -> Clip:
    text = _text(entry)
    words = len(text.split())
    if entry.get("kind") == _COUGH:
        line = Line.COUGH
    elif text.lower() in _BACKCHANNELS:
        line = Line.BACKCHANNEL
    elif words == 1:
        line = Line.WORD
    else:
        line = Line.COMMAND if words <= _COMMAND_WORDS else Line.REQUEST
    name = str(Path(entry["file"]).with_suffix(""))
    voice = f"{RECORDED_VOICE}{entry['speaker']}"
    return _clip(f"recorded-{name}", line, voice, text, out_of_noise(_read(folder, name)))


def _is_said(entry: dict[str, Any]) -> bool:
    kind = entry.get("kind")
    return kind == _COUGH or (kind != _ROOM and bool(_text(entry)))


def _text(entry: dict[str, Any]) -> str:
    return str((entry["transcript"] if "transcript" in entry else entry["words"]) or "")


def _read(folder: Path, name: str) -> Signal:
    samples: Signal = read_wav(folder / f"{name}.wav", RATE_HZ).astype(np.float32) / np.float32(INT16_FULL_SCALE)
    return samples


def _clip(name: str, line: Line, voice: str, text: str, samples: Signal) -> Clip:
    return Clip(name, line, voice, text, scaled_to(trimmed(samples), CLIP_DBFS))


def _cough(seed: int) -> Signal:
    """Make one or two bursts of throaty noise with a sharp rise."""
    generator = np.random.default_rng(seed)
    count = round(generator.uniform(0.25, 0.6) * RATE_HZ)
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    throat, mouth = generator.uniform(400, 900), generator.uniform(1_400, 2_600)
    shape = np.exp(-(((hz - throat) / 450) ** 2)) + 0.6 * np.exp(-(((hz - mouth) / 900) ** 2)) + 0.03
    noise = np.fft.irfft(np.fft.rfft(generator.standard_normal(count)) * shape, count)
    t = np.arange(count) / RATE_HZ
    second_s = generator.uniform(0.15, 0.3)
    envelope = np.minimum(t / 0.006, 1) * np.exp(-t / generator.uniform(0.04, 0.08))
    late = np.maximum(t - second_s, 0)
    envelope += generator.uniform(0, 0.7) * np.minimum(late / 0.02, 1) * np.exp(-late / 0.07)
    return np.asarray(noise * envelope, np.float32)
