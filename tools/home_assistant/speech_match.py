"""Audio laid over audio: whose speech left the loudspeaker, and whether STT got the first word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.resampling import ReplyResampler
from interject.satellite.audio.wav import read_wav
from interject.satellite.simulator.user import onset_of
from tools.bench.loudspeaker_match import locate
from tools.home_assistant.evidence import SILENCE_PEAK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tools.home_assistant.evidence import Life
    from tools.home_assistant.proxy import Passed

_ROOM_RATE_HZ = 16_000
# Long enough to be found in one place only of a reply that says the same words again and again.
_FOUND_BY_S = 0.8
# So many replies may still be told from one another: what sounds is one of the last, or one of them said again.
_LATEST = 8
# After the first sound of a reply the fade-in is over.
_SETTLED_S = 0.1
# A reply that runs dry before it can be known by what came first does so within this time.
_DRY_WITHIN_S = 0.25
# Steps of 16 bits by which a gain of one and a resampler may differ.
_ROUNDING = 3
# The last samples of a reply may be lost in rounding.
_END_WITHIN_S = 0.02
# A room's impulse response moves the best match by a few milliseconds.
_LEAST_MISSING_S = 0.02
# Of all places a clip could be in, the right one must stand out by so much (standard deviations of the rest).
_STANDS_OUT = 12.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the TTS server said over one connection, at the room's rate, and when it began."""

    began: float
    audio: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reply is in a recording: the frame at which it began, or would have."""

    spoken: Spoken
    origin: int


def spoken_by(wire: Iterable[Passed]) -> list[Spoken]:
    """Return everything that the TTS server said, in order."""
    raw: dict[int, list[Passed]] = {}
    for passed in wire:
        if passed.role == "tts" and passed.type == "audio-chunk" and not passed.from_home:
            raw.setdefault(passed.connection, []).append(passed)
    found = []
    for chunks in raw.values():
        resampler = ReplyResampler(chunks[0].event.data["rate"], _ROOM_RATE_HZ)
        audio = b"".join(chunk.event.payload or b"" for chunk in chunks)
        samples = resampler.process(np.frombuffer(audio, dtype="<i2").astype(np.int16))
        found.append(Spoken(chunks[0].mono, np.concatenate((samples, resampler.flush()))))
    return found


def place_at(life: Life, start: float, stop: float, spoken: Sequence[Spoken]) -> Place | None:
    """Tell which of the replies sounds between two moments, and where in it they are; the latest one that fits."""
    begin, end = life.frame(start), life.frame(stop)
    known = [reply for reply in spoken if reply.began <= stop]
    for reply in reversed(known[-_LATEST:]):
        origin = locate(life.loudspeaker, begin, end, reply.audio)
        if origin is not None:
            return Place(reply, origin)
    return None


def place_from(life: Life, first_sound: float, spoken: Sequence[Spoken]) -> Place | None:
    """Tell which of the replies begins with a sound."""
    start = first_sound + _SETTLED_S
    return place_at(life, start, start + _FOUND_BY_S, spoken)


def place_before(life: Life, moment: float, spoken: Sequence[Spoken]) -> Place | None:
    """Tell which of the replies sounds until a moment."""
    return place_at(life, moment - _FOUND_BY_S, moment, spoken)


def foreign_frames(life: Life, start: float, stop: float, replied: Place) -> int:
    """Count the frames with sound, between two moments, that are not those of a reply.

    A reply that runs dry goes on later, so it may be in several places; wherever it is, it may be quieter than it was
    spoken, as it is while it fades, or ducks.
    """
    reply = replied.spoken.audio.astype(np.int32)
    window = round(_FOUND_BY_S * _ROOM_RATE_HZ)
    begin, end = life.frame(start), life.frame(stop)
    starts = range(begin, end - window, window // 2)
    found = {locate(life.loudspeaker, at, at + window, replied.spoken.audio) for at in starts}
    heard = life.loudspeaker[begin:end].astype(np.int32)
    strange = np.abs(heard) > SILENCE_PEAK
    for origin in {replied.origin, *(place for place in found if place is not None)}:
        strange &= _differs(heard, begin, reply, origin)
    left = np.flatnonzero(strange)
    dry = round(_DRY_WITHIN_S * _ROOM_RATE_HZ)
    if not len(left) or left[-1] >= np.flatnonzero(np.abs(heard) > SILENCE_PEAK)[0] + dry:
        return len(left)
    # A reply that runs dry as it begins: too short a piece to be looked for everywhere.
    piece = slice(int(left[0]), int(left[-1]) + 1)
    origins = range(replied.origin - dry, replied.origin)
    differs = (strange[piece] & _differs(heard[piece], begin + piece.start, reply, origin) for origin in origins)
    return min(int(np.count_nonzero(each)) for each in differs)


def _differs(heard: NDArray[np.int32], first: int, reply: NDArray[np.int32], origin: int) -> NDArray[np.bool_]:
    """Tell which frames of a recording, from its frame `first` on, a reply at a place does not account for."""
    positions = np.arange(first, first + len(heard)) - origin
    inside = (positions >= 0) & (positions < len(reply))
    expected = np.where(inside, reply[np.clip(positions, 0, len(reply) - 1)], 0)
    louder = np.abs(heard) > np.abs(expected) + _ROUNDING
    return louder | (np.sign(heard) * np.sign(expected) < 0)


def ends_whole(life: Life, last_sound: float, replied: Place, spoken: Sequence[Spoken]) -> bool:
    """Tell whether the last sound is the end of a reply, wherever pauses and rewinds have moved that to."""
    last = place_before(life, last_sound, spoken)
    if last is None or last.spoken is not replied.spoken:
        return False
    audible = np.flatnonzero(np.abs(replied.spoken.audio.astype(np.int32)) > SILENCE_PEAK)
    end = last.origin + int(audible[-1]) + 1
    return abs(life.frame(last_sound) - end) <= _END_WITHIN_S * _ROOM_RATE_HZ


def missing_s(audio: bytes, clip: Path) -> float | None:
    """Return how much of a clip's beginning is not in 16 kHz audio, 0.0 if all is; None if the clip is not in it."""
    heard = np.frombuffer(audio[: len(audio) // 2 * 2], dtype="<i2").astype(np.float64)
    said = read_wav(clip, _ROOM_RATE_HZ)
    onset = onset_of(said)
    if len(heard) < _ROOM_RATE_HZ // 4:
        return None
    voice = said.astype(np.float64)
    size = 1 << (len(heard) + len(voice)).bit_length()
    products = np.abs(np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(voice, size)), size))
    best = int(np.argmax(products))
    spread = float(np.std(products))
    if products[best] < _STANDS_OUT * spread:
        return None
    lag = best if best < len(heard) else best - size
    missing = -(lag + onset) / _ROOM_RATE_HZ
    return missing if missing > _LEAST_MISSING_S else 0.0
