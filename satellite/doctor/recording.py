"""What a check-up heard and played, and where in it the parts of its programme are."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np

from interject import package_version
from interject.wire.errors import InterjectError
from interject.wire.private_file import make_private_file, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.satellite.audio.base import Samples
    from interject.satellite.doctor.signals import Part, Programme


# A device may begin late, or slip in silence where its two clocks differ.
_EARLY_S, _LATE_S = 1.0, 2.0
# So much of a part must be there, as a share of its energy.
_WHOLE = 0.7


_MANIFEST = "manifest.json"
# As in the AEC Challenge of Microsoft, whose recordings this format is that of: nobody but the loudspeaker speaks.
_KIND = "far-end"
_SAMPLE_BYTES = 2


class NotMeasuredError(InterjectError):
    """The check-up could not be carried through."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"nothing could be measured: {reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


class NotRecordedError(InterjectError):
    """A recording cannot be kept."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"nothing can be recorded in {folder}: {reason}; give another folder with --record")
        self.folder = folder
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Microphone and loudspeaker frame by frame, int16 at `rate_hz`.

    gaps: how often the device lost audio; lost_frames: how much, where it counts what it loses.
    """

    rate_hz: int
    mic: Samples
    played: Samples
    gaps: int = 0
    lost_frames: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of the programme are in a recording, in frames of the device."""

    sweep: slice
    quiet: slice
    speech: slice
    last_sweep: slice


def lay_out(programme: Programme, recording: Recording) -> Layout:
    """Find the parts in what was played; raises NotMeasuredError where one is not there."""
    sweep = _find(programme.sweep, recording)
    quiet_from = sweep.stop + programme.quiet.start - programme.sweep.end
    return Layout(
        sweep=sweep,
        quiet=slice(quiet_from, quiet_from + len(programme.quiet.samples)),
        speech=_find(programme.speech, recording),
        last_sweep=_find(programme.last_sweep, recording),
    )


def _find(part: Part, recording: Recording) -> slice:
    wanted = part.samples.astype(np.float64)
    first = max(0, part.start - round(_EARLY_S * recording.rate_hz))
    searched = recording.played[first : part.end + round(_LATE_S * recording.rate_hz)].astype(np.float64)
    energy = float(wanted @ wanted)
    # As long as what is searched is enough: the lags that wrap around are left out.
    size = 1 << len(searched).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(searched, size) * np.fft.rfft(wanted, size).conj(), size)
    lags = max(1, len(searched) - len(wanted) + 1)
    at = int(np.argmax(likeness[:lags]))
    if not energy or likeness[at] < _WHOLE * energy:
        raise NotMeasuredError(
            f"the loudspeaker's device took only a part of what was to be played ({part.name.lower()})",
            "end what else uses the device or the processor, check --snd-volume-multiplier, and try again",
        )
    return slice(first + at, first + at + len(wanted))


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
