"""Who says what: folders of recorded voices, and what each clip is to a reply under way."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from interject.satellite.audio.wav import read_wav
from interject.satellite.simulator.user import onset_of
from interject.satellite.turn.lexicon import words_of
from tools.bench.scenes import question
from tools.bench.trials import silence_at_end_s
from tools.simulator.corpus import SpeechFolderError, built_in
from tools.simulator.levels import RATE_HZ, Signal, frames_of, level_dbfs
from tools.simulator.lines import Line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tools.simulator.corpus import Clip

# A user 2 to 3 m away; an echo 10 dB above it then peaks just below full scale, as loud as a microphone takes it.
USER_DBFS = -30.0
# Breaths and sighs are softer than speech: what a recording lacks by more than this it keeps.
_MOST_GAIN_DB = 20.0
# Louder than this, a voice would clip with the echo under it.
_PEAK_DBFS = -6.0
# An onset by level may be that of a click seconds before the voice: a voice lasts, for these windows of 20 ms within
# 30 dB of its loudest. One that begins softly may be so much earlier than that.
_WINDOW_FRAMES = 320
_LASTING = 5
_SOFT_DB = -30.0
_ONSET_TOLERANCE_S = 0.25
_MANIFEST = "manifest.json"


class Role(Enum):
    """What a sound is to a reply under way."""

    SENTENCE = "sentences, commands"
    WORD = "single words"
    BACKCHANNEL = "backchannels"
    NOISE = "voiced noises"
    OTHER = "others"


INTERRUPTIONS = (Role.SENTENCE, Role.WORD)
# "yes" is an answer only to a question, and the replies of the bench ask none.
_BACKCHANNELS = ("backchannel", "yes")
_INTERRUPTIONS = ("command", "name", "no", "stop")
_NOISES = frozenset(("cough", "throat-clearing", "sneeze", "laugh", "sigh", "breath", "nose-blowing", "yawn"))
# Half a minute of a room is nothing that somebody says into a reply.
_LEFT_OUT = frozenset(("room",))
_KIND_OF_LINE = {
    Line.WORD: "command",
    Line.COMMAND: "command",
    Line.REQUEST: "command",
    Line.BACKCHANNEL: "backchannel",
    Line.COUGH: "cough",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """A clip: what it says (empty: no words), where its sound lies in the file (s), and how much louder it is said."""

    path: Path
    kind: str
    role: Role
    words: str
    speaker: str
    onset_s: float
    end_s: float
    gain_db: float = 0.0


def role_of(kind: str, words: str) -> Role | None:
    """Tell what a kind of clip is to a reply; None for what is left out. Kinds that nobody told of are others."""
    family = kind.lower()
    if family in _LEFT_OUT:
        return None
    if family in _NOISES:
        return Role.NOISE
    if any(family == name or family.startswith(f"{name}-") for name in _BACKCHANNELS):
        return Role.BACKCHANNEL
    if any(family == name or family.startswith(f"{name}-") for name in _INTERRUPTIONS):
        return Role.WORD if len(words_of(words)) == 1 else Role.SENTENCE
    return Role.OTHER


def read_voices(folder: Path) -> list[Voice]:
    """Read WAV files and a manifest.json, a list of {"file", "kind", "words", "speaker", "onset_s", "end_s"}.

    Every voice is brought to USER_DBFS, within limits. Raises SpeechFolderError, which names the clip.
    """
    try:
        entries = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise SpeechFolderError(folder, f"{_MANIFEST} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SpeechFolderError(folder, f"{_MANIFEST} is no JSON: {error}") from error
    if not isinstance(entries, list):
        raise SpeechFolderError(folder, f"{_MANIFEST} must be a list with an entry for each clip")
    voices = [_voice(folder, number, entry) for number, entry in enumerate(entries)]
    found = [voice for voice in voices if voice is not None]
    if not found:
        raise SpeechFolderError(folder, f"{_MANIFEST} has no clip that can be said into a reply")
    return found


def _voice(folder: Path, number: int, entry: Any) -> Voice | None:
    where = f"{_MANIFEST}[{number}]"
    try:
        file, kind = str(entry["file"]), str(entry["kind"])
        words = str((entry["transcript"] if "transcript" in entry else entry["words"]) or "")
        onset_s, end_s = float(entry["onset_s"]), float(entry["end_s"])
        speaker = str(entry.get("speaker", ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpeechFolderError(folder, f"{where} lacks something: {error!r}") from error
    role = role_of(kind, words)
    if role is None:
        return None
    if role in INTERRUPTIONS and not words_of(words):
        raise SpeechFolderError(folder, f"{where}, {file}: a {kind} must say in words what it says")
    try:
        samples = _read(folder / file)
    except (OSError, wave.Error, EOFError) as error:
        raise SpeechFolderError(folder, f"{where}, {file} cannot be read: {error}") from error
    if onset_s < 0 or not samples[frames_of(onset_s) : frames_of(end_s)].any():
        raise SpeechFolderError(folder, f"{where}, {file}: there is no sound from {onset_s:g} to {end_s:g} s")
    onset_s = round(max(onset_s, first_sound_s(samples, onset_s, end_s) - _ONSET_TOLERANCE_S), 3)
    said = samples[frames_of(onset_s) : frames_of(end_s)]
    return Voice((folder / file).resolve(), kind, role, words, speaker, onset_s, end_s, gain_db(samples, said))


def first_sound_s(samples: Signal, onset_s: float, end_s: float) -> float:
    """Give when a sound begins that is no click; `onset_s` where all of it is short."""
    first = frames_of(onset_s)
    windows = (min(frames_of(end_s), len(samples)) - first) // _WINDOW_FRAMES
    powers = np.mean(samples[first : first + windows * _WINDOW_FRAMES].reshape(-1, _WINDOW_FRAMES) ** 2, axis=1)
    loud = powers >= powers.max(initial=0) * 10 ** (_SOFT_DB / 10)
    lasting = np.flatnonzero(np.convolve(loud, np.ones(_LASTING), "valid") >= _LASTING)
    return onset_s + int(lasting[0]) * _WINDOW_FRAMES / RATE_HZ if len(lasting) else onset_s


def gain_db(whole: Signal, said: Signal) -> float:
    """Give how much louder a clip has to be to be said as loudly as a user speaks, within limits, unclipped."""
    wanted = min(max(USER_DBFS - level_dbfs(said), -_MOST_GAIN_DB), _MOST_GAIN_DB)
    peak_dbfs = 20 * float(np.log10(np.abs(whole).max()))
    return round(min(wanted, _PEAK_DBFS - peak_dbfs), 2)


def question_voice() -> Voice:
    """Give the voice that asks for a story, a clip of this repository's, as loud as the others."""
    cue = question()
    samples = _read(cue.line.clip)
    end_s = len(samples) / RATE_HZ - silence_at_end_s(cue.line.clip)
    onset_s = onset_of(to_int16(samples)) / RATE_HZ
    return Voice(cue.line.clip, "question", Role.SENTENCE, cue.text, "", onset_s, end_s, gain_db(samples, samples))


def _read(path: Path) -> Signal:
    return read_wav(path, RATE_HZ).astype(np.float32) / np.float32(INT16_FULL_SCALE)


def write_built_in(folder: Path) -> Path:
    """Write the voices that need no recordings, synthetic ones, as such a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = list(_written(folder, (clip for clip in built_in().clips if clip.line in _KIND_OF_LINE)))
    (folder / _MANIFEST).write_text(json.dumps(entries, indent=1), encoding="utf-8")
    return folder


def _written(folder: Path, clips: Iterable[Clip]) -> Iterable[dict[str, object]]:
    for clip in clips:
        name = f"{clip.name}.wav"
        with wave.open(str(folder / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(to_int16(clip.samples).astype("<i2").tobytes())
        yield {
            "file": name,
            "kind": clip.text if clip.text in {"stop", "no", "yes"} else _KIND_OF_LINE[clip.line],
            "words": clip.text,
            "speaker": clip.voice,
            "onset_s": 0.0,
            "end_s": len(clip.samples) / RATE_HZ,
        }
