"""Our own voice at the microphone: when it comes, how that changes, how loud and how clean it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.satellite.doctor.response import (
    AFTER,
    HEARD_AFTER_S,
    RATE_HZ,
    Moment,
    Response,
    Slide,
    follow,
    lateness_ms,
    measure_response,
)
from interject.satellite.doctor.signals import SWEEP_HIGH_HZ, SWEEP_LOW_HZ, SWEEP_S, dbfs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples
    from interject.satellite.doctor.recording import Layout, Recording

    Signal = NDArray[np.float64]

# Speech is compared with its expected echo one second at a time.
_PIECE_S = 1.0
# A sweep's response tells of the moment at which it passed where most of speech is.
_SPEECH_HZ = 500.0


@dataclass(frozen=True, slots=True)
class Echo:
    """Our own voice at the microphone.

    delay_ms: from playing to hearing; slide: how that changes. level_db: relative to what was played. overdrive_db: how
    much higher it would go where the microphone cuts it off. distortion: RMS of the harmonics, as a share of the
    fundamental.
    """

    delay_ms: float
    slide: Slide
    level_db: float
    overdrive_db: float
    distortion: float


def measure_echo(recording: Recording, layout: Layout, clipped: float) -> Echo | None:
    """Find our own voice in a recording of which a share of the samples is `clipped`; None where there is none."""
    mic, played = _at_16_khz(recording.mic, recording.rate_hz), _at_16_khz(recording.played, recording.rate_hz)
    to_here = RATE_HZ / recording.rate_hz
    sweep, speech, last = (_scaled(part, to_here) for part in (layout.sweep, layout.speech, layout.last_sweep))
    answers = [
        measure_response(mic[part.start : part.stop + round(HEARD_AFTER_S * RATE_HZ)], played[part])
        for part in (sweep, last)
    ]
    responses = [answer for answer in answers if answer is not None]
    if not responses:
        return None
    # Where the delay jumped during a sweep, its response is blurred.
    response = max(responses, key=lambda each: float(np.abs(each.taps).max()))
    expected = response.predict(played)
    spoken = _spoken_moments(mic, expected, speech)
    swept, swept_last = (_sweep_moments(mic, expected, part, response) for part in (sweep, last))
    return Echo(
        delay_ms=response.delay * 1000 / RATE_HZ,
        slide=follow([moment for moment in (*swept, *spoken, *swept_last) if moment is not None]),
        level_db=_level_db(mic, expected, played, speech, spoken),
        overdrive_db=_overdrive_db(expected[speech], clipped),
        # Who makes a noise during a sweep is not the loudspeaker.
        distortion=min(each.distortion for each in responses),
    )


def _spoken_moments(mic: Signal, expected: Signal, speech: slice) -> list[Moment | None]:
    """Tell of each piece of the speech how late its echo comes."""
    return [_moment(mic, expected, piece, (piece.start + piece.stop) // 2) for piece in _pieces(speech)]


def _sweep_moments(mic: Signal, expected: Signal, sweep: slice, response: Response) -> list[Moment | None]:
    """Tell of a sweep's lower and upper half how late its echo comes: it may have jumped between the two."""
    share = math.log(_SPEECH_HZ / SWEEP_LOW_HZ) / math.log(SWEEP_HIGH_HZ / SWEEP_LOW_HZ)
    at = sweep.start + round(SWEEP_S * RATE_HZ * share)
    middle = (sweep.start + sweep.stop) // 2 + response.first
    halves = slice(sweep.start, middle), slice(middle, sweep.stop + response.first + AFTER)
    return [_moment(mic, expected, half, at) for half in halves]


def _moment(mic: Signal, expected: Signal, part: slice, at: int) -> Moment | None:
    late_ms = lateness_ms(mic[part], expected[part])
    return None if late_ms is None else Moment(at / RATE_HZ, late_ms)


def _pieces(speech: slice) -> list[slice]:
    piece = round(_PIECE_S * RATE_HZ)
    return [slice(start, start + piece) for start in range(speech.start, speech.stop - piece + 1, piece)]


def _level_db(mic: Signal, expected: Signal, played: Signal, speech: slice, moments: Sequence[Moment | None]) -> float:
    """Compare what was heard with what the sweep lets expect: the noise of the two has nothing in common."""
    shared = 0.0
    for piece, moment in zip(_pieces(speech), moments, strict=True):
        late = 0 if moment is None else round(moment.late_ms * RATE_HZ / 1000)
        shared += float(mic[piece] @ np.roll(expected, late)[piece])
    said = played[speech]
    return dbfs(math.sqrt(max(shared, 0.0) / float(said @ said)))


def _overdrive_db(expected: Signal, clipped: float) -> float:
    """Return by how much the echo's peaks are above the level that it exceeds in so many of its samples."""
    heights = np.abs(expected)
    limit = float(np.quantile(heights, 1 - clipped))
    return dbfs(float(heights.max())) - dbfs(limit)


def _at_16_khz(samples: Samples, rate_hz: int) -> Signal:
    scaled: Signal = samples.astype(np.float64) / INT16_FULL_SCALE
    return scaled if rate_hz == RATE_HZ else soxr.resample(scaled, rate_hz, RATE_HZ)


def _scaled(part: slice, ratio: float) -> slice:
    return slice(round(part.start * ratio), round(part.stop * ratio))
