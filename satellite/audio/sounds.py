"""The sounds of the satellite itself, from files of the user's or from those that are shipped, at the device's rate."""

from __future__ import annotations

import asyncio
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from interject.satellite.audio.gain import apply_gain, fade_out
from interject.satellite.audio.pcm import WIDTHS
from interject.satellite.audio.player import CUE_LIMIT_MS
from interject.satellite.audio.wav import read_wav
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.satellite.audio.base import Samples
    from interject.satellite.settings import SatelliteSettings


# Made by `python -m tools.generators.sounds`.
SHIPPED = Path(__file__).resolve().parents[1] / "sounds"
# What is said while it sounds is kept from STT, or heard with it: a signal is short.
LONGEST_SIGNAL_S = CUE_LIMIT_MS / 1000
# A piece of music is a fine ring; all of it is held in memory.
LONGEST_RING_S = 300.0
# Nothing that is called a WAV file is outside of this.
_RATES_HZ = range(4_000, 768_001)
# Music that stops within a second sounds as if somebody turned it down.
_FADE_S = 1.0
_REMEDY = "convert it, for example with: ffmpeg -i FILE -c:a pcm_s16le OTHER.wav"


@dataclass(frozen=True, slots=True, eq=False)
class Sounds:
    """The sounds at the device's rate, int16 mono; None: nothing sounds.

    error: something failed. not_understood: what was said was not understood. awake: a wake word was heard. done: the
    user has finished speaking. ring: a timer has finished; empty for none. ring_once: the same for a moment when nobody
    wants to hear a ring, no longer than a signal may be.
    """

    error: Samples
    not_understood: Samples
    awake: Samples | None
    done: Samples | None
    ring: Samples
    ring_once: Samples


async def load_sounds(settings: SatelliteSettings, rate_hz: int) -> Sounds:
    """Read the files that the settings name; SettingError for one that is missing, no PCM WAV file, or too long."""
    return await asyncio.to_thread(_load_all, settings, rate_hz)


def load_sound(setting: str, path: Path, rate_hz: int, longest_s: float) -> Samples:
    """Read a WAV file as samples at `rate_hz` (blocking); SettingError names the setting and the file."""
    try:
        _check_header(setting, path, longest_s)
        samples = read_wav(path, rate_hz)
    except OSError as error:
        raise SettingError(setting, f"{path} cannot be read ({error.strerror or error})") from None
    except (wave.Error, EOFError) as error:
        reason = str(error) or "it ends too early"
        raise SettingError(setting, f"{path} is no PCM WAV file ({reason}); {_REMEDY}") from None
    if not len(samples):
        raise SettingError(setting, f"{path} has no audio in it")
    return samples


def _check_header(setting: str, path: Path, longest_s: float) -> None:
    with wave.open(str(path), "rb") as file:
        rate_hz, width, frames = file.getframerate(), file.getsampwidth(), file.getnframes()
    if rate_hz not in _RATES_HZ or width not in WIDTHS:
        raise SettingError(setting, f"{path} has {rate_hz} samples a second of {8 * width} bits each; {_REMEDY}")
    if frames > longest_s * rate_hz:
        raise SettingError(
            setting, f"{path} is {frames / rate_hz:.0f} s long, and may have {longest_s:g} s; choose a shorter one"
        )


def _load_all(settings: SatelliteSettings, rate_hz: int) -> Sounds:
    def load(setting: str, path: Path | None, longest_s: float) -> Samples | None:
        return None if path is None else load_sound(setting, path, rate_hz, longest_s)

    given = load("timer-finished-wav", settings.timer_finished_wav, LONGEST_RING_S)
    ring = np.zeros(0, np.int16) if given is None else given
    return Sounds(
        error=read_wav(SHIPPED / "error.wav", rate_hz),
        not_understood=read_wav(SHIPPED / "not_understood.wav", rate_hz),
        awake=load("awake-wav", settings.awake_wav, LONGEST_SIGNAL_S),
        done=load("done-wav", settings.done_wav, LONGEST_SIGNAL_S),
        ring=ring,
        ring_once=_beginning(ring, rate_hz),
    )


def _beginning(sound: Samples, rate_hz: int) -> Samples:
    longest = round(rate_hz * LONGEST_SIGNAL_S)
    if len(sound) <= longest:
        return sound
    faded = round(rate_hz * _FADE_S)
    kept = sound[:longest].copy()
    kept[longest - faded :] = apply_gain(kept[longest - faded :], fade_out(faded))
    return kept


@dataclass(frozen=True, slots=True)
class RoomSounds:
    """Sounds at the device's rate; `awake` and `done` may be None for none, and any sound may be empty.

    `ring` makes the whole ring of a timer, `ring_once` is one of its sounds. What is heard within `echo_tail_s` after a
    sound may still be its echo; None lets the recogniser hear our sounds.
    """

    error: Samples
    not_understood: Samples
    ring: Callable[[], Iterator[Samples]]
    ring_once: Samples
    awake: Samples | None = None
    done: Samples | None = None
    echo_tail_s: float | None = 0.5

    @classmethod
    def silent(cls) -> Self:
        """Give sounds that nobody hears."""
        nothing = np.zeros(0, np.int16)
        return cls(error=nothing, not_understood=nothing, ring=lambda: iter(()), ring_once=nothing)
