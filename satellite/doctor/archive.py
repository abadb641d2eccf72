"""Keeps what a check-up played and heard, so that the room can be measured again somewhere else."""

from __future__ import annotations

import json
import wave
from datetime import UTC, datetime
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from interject import package_version
from interject.satellite.doctor.recording import NotRecordedError
from interject.wire.private_file import make_private_file, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.satellite.audio.base import Samples
    from interject.satellite.doctor.recording import Recording
    from interject.satellite.doctor.signals import Programme

_MANIFEST = "manifest.json"
# As in the AEC Challenge of Microsoft, whose recordings this format is that of: nobody but the loudspeaker speaks.
_KIND = "far-end"
_SAMPLE_BYTES = 2


class Archive:
    """A folder of private recordings as `script/bench real --recordings` reads it, with a text to each check-up.

    manifest.json: a list of objects with "id", "kind", "rate_hz" and "seconds"; ID_mic.wav: what the microphone heard;
    ID_lpb.wav: what the loudspeaker was given in the same frames; ID.txt. Mono, 16 bits, at the device's rate.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Make the folder and see that recordings can be kept there; raises NotRecordedError."""
        self._folder = folder
        self._now = now
        try:
            make_private_folder(folder)
            self._write_manifest(self._entries())
        except OSError as error:
            raise NotRecordedError(folder, error.strerror or str(error)) from error

    def add(self, programme: Programme, recording: Recording) -> Path:
        """Keep a check-up; return the text that says what it is. Raises NotRecordedError."""
        at = self._now()
        name = self.keep(f"fe-{at:%Y-%m-%d-%H%M%S}", _KIND, recording)
        text = self._folder / f"{name}.txt"
        try:
            make_private_file(text)
            text.write_text(_about(name, at, programme, recording), encoding="utf-8")
        except OSError as error:
            raise NotRecordedError(self._folder, error.strerror or str(error)) from error
        return text

    def keep(self, name: str, kind: str, recording: Recording, **told: object) -> str:
        """Keep a pair with what is told of it; return its ID: the name, or one like it. Raises NotRecordedError."""
        try:
            entries = self._entries()
            unused = _unused(name, entries)
            entry = {
                "id": unused,
                "kind": kind,
                "rate_hz": recording.rate_hz,
                "seconds": round(len(recording.mic) / recording.rate_hz, 2),
                **told,
            }
            _write_wav(self._folder / f"{unused}_mic.wav", recording.mic, recording.rate_hz)
            _write_wav(self._folder / f"{unused}_lpb.wav", recording.played, recording.rate_hz)
            self._write_manifest([*entries, entry])
        except OSError as error:
            raise NotRecordedError(self._folder, error.strerror or str(error)) from error
        return unused

    def conclude(self, text: Path, report: str) -> None:
        """Add to a recording's text what the check-up found; raises NotRecordedError."""
        try:
            with text.open("a", encoding="utf-8") as file:
                file.write(f"\nThe report:\n\n{report}")
        except OSError as error:
            raise NotRecordedError(self._folder, error.strerror or str(error)) from error

    def _entries(self) -> list[dict[str, Any]]:
        try:
            entries = json.loads((self._folder / _MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise NotRecordedError(self._folder, f"its {_MANIFEST} is no JSON: {error}") from error
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
            raise NotRecordedError(self._folder, f"its {_MANIFEST} is no list of recordings")
        return entries

    def _write_manifest(self, entries: list[dict[str, Any]]) -> None:
        unfinished = self._folder / f"{_MANIFEST}.new"
        unfinished.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        # Whoever reads finds the old file or the new one, whole.
        unfinished.replace(self._folder / _MANIFEST)


def _unused(name: str, entries: list[dict[str, Any]]) -> str:
    used = {entry["id"] for entry in entries}
    return next(each for each in chain([name], (f"{name}-{again}" for again in count(2))) if each not in used)


def _write_wav(path: Path, samples: Samples, rate_hz: int) -> None:
    make_private_file(path)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE_BYTES)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())


def _about(name: str, at: datetime, programme: Programme, recording: Recording) -> str:
    rate_hz = recording.rate_hz
    parts = [f"- {part.name}: {part.start / rate_hz:.1f} to {part.end / rate_hz:.1f} s" for part in programme.parts]
    lost = f"{recording.gaps} times, {recording.lost_frames} frames" if recording.gaps else "never"
    return "\n".join(
        [
            f"THIS IS A RECORDING OF A ROOM: {name}_mic.wav holds all that was said and done there while it was made.",
            "Listen to it before you give it to anybody. Nothing of it was sent anywhere.",
            "",
            f"Made by interject-satellite doctor {package_version()}, {at:%Y-%m-%d %H:%M:%S} UTC.",
            f"{name}_mic.wav: what the microphone heard, before any processing of the satellite's.",
            f"{name}_lpb.wav: what the loudspeaker was given in the same frames.",
            f"Mono, 16 bits, {rate_hz} Hz, {len(recording.mic) / rate_hz:.1f} s; the device lost audio: {lost}.",
            "What was played, in seconds of what was handed to the device, which may begin later:",
            *parts,
            "In the source tree, script/bench real --recordings DIR measures all recordings of this folder.",
            "",
        ]
    )
