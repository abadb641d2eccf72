"""Pairs of recordings: what a microphone heard, what its loudspeaker was given meanwhile, and when a user spoke."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from interject.satellite.audio.wav import read_wav
from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from interject.satellite.audio.base import Samples

_FORMAT = (
    'give a folder with a manifest.json, a list of {"id": ID, "kind": "far-end" | "double-talk" | "near-end", '
    '"user_speech_s": [[from, to], ...]}, and for each ID the files ID_mic.wav and ID_lpb.wav (PCM of one rate)'
)


class RecordingsError(InterjectError):
    """A folder of recordings cannot be used."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: {reason}; {_FORMAT}")
        self.folder = folder
        self.reason = reason


class Kind(Enum):
    """Who is heard in a recording."""

    FAR_END = "far-end"
    DOUBLE_TALK = "double-talk"
    NEAR_END = "near-end"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a user's speech, in seconds of the recording."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Both signals from their first sample on, equally long; spans: when a user speaks."""

    name: str
    kind: Kind
    rate_hz: int
    mic: Samples
    played: Samples
    spans: tuple[Span, ...] = ()


def read_recordings(folder: Path, only: str = "") -> list[Recording]:
    """Read all recordings of a folder, or those with `only` in their name; a labels.json {ID: spans} is read as well.

    Raises RecordingsError.
    """
    try:
        entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        labels_file = folder / "labels.json"
        labels = json.loads(labels_file.read_text(encoding="utf-8")) if labels_file.exists() else {}
        recordings = [_read(folder, entry, labels) for entry in entries if only in entry["id"]]
    except (OSError, wave.Error, EOFError) as error:
        raise RecordingsError(folder, f"it cannot be read ({error})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordingsError(folder, f"it is not as expected ({error!r})") from error
    if not recordings:
        raise RecordingsError(folder, f"no recording has {only!r} in its name" if only else "its manifest is empty")
    return recordings


def write_recordings(folder: Path, recordings: Iterable[Recording]) -> list[str]:
    """Write recordings as read_recordings reads them; give their names."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for recording in recordings:
        for signal, samples in (("mic", recording.mic), ("lpb", recording.played)):
            write_wav(folder / f"{recording.name}_{signal}.wav", samples, recording.rate_hz)
        spans = [[span.start_s, span.end_s] for span in recording.spans]
        entries.append({"id": recording.name, "kind": recording.kind.value, "user_speech_s": spans})
    (folder / "manifest.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    return [str(entry["id"]) for entry in entries]


def write_wav(path: Path, samples: Samples, rate_hz: int) -> None:
    """Write mono samples."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())


def _read(folder: Path, entry: dict[str, Any], labels: dict[str, Any]) -> Recording:
    name = str(entry["id"])
    # "-moving" behind a kind says that somebody moves the device.
    kind = Kind(str(entry["kind"]).removesuffix("-moving"))
    mic_file, played_file = (folder / f"{name}_{signal}.wav" for signal in ("mic", "lpb"))
    rates_hz = {_rate_hz(mic_file), _rate_hz(played_file)}
    if len(rates_hz) > 1:
        raise ValueError(f"the two files of {name} differ in their rate")
    rate_hz = rates_hz.pop()
    mic, played = read_wav(mic_file, rate_hz), read_wav(played_file, rate_hz)
    frames = min(len(mic), len(played))
    spans = labels.get(name) or entry.get("user_speech_s") or ()
    return Recording(
        name,
        kind,
        rate_hz,
        mic[:frames],
        played[:frames],
        tuple(Span(float(start), float(end)) for start, end in spans),
    )


def _rate_hz(path: Path) -> int:
    with wave.open(str(path), "rb") as file:
        return file.getframerate()
