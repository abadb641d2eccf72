"""Impulse responses of a shoebox room by the image source method (pyroomacoustics)."""

from __future__ import annotations

import importlib
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.wire.errors import InterjectError
from tools.simulator.levels import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.simulator.levels import Signal

# Metres: width, depth, height.
Point = tuple[float, float, float]

# Beyond, a response costs seconds and gains nothing above -40 dB.
_MOST_REFLECTIONS = 30
# What is kept in front of the direct sound: the beginning of its band-limited pulse.
PRE_FRAMES = 8
# A mouth: 0.5 is a cardioid, 1 the same in all directions; in between lies a head in the band of speech.
_MOUTH_PATTERN = 0.7
_SOUND_M_S = 343.0


class RoomToolMissingError(InterjectError):
    """What computes or speaks for the room is not installed."""

    def __init__(self, name: str, remedy: str) -> None:
        super().__init__(f"{name} is not installed; {remedy}")
        self.name = name
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Shell:
    """Walls, floor and ceiling."""

    size_m: Point
    rt60_s: float


@dataclass(frozen=True, slots=True)
class Source:
    """Something that sounds; facing: the point it is turned to, None for a sound in all directions."""

    at: Point
    facing: Point | None = None


def flight_frames(source: Source, microphone: Point) -> float:
    """Give the time of the direct sound, in samples."""
    return math.dist(source.at, microphone) / _SOUND_M_S * RATE_HZ


def responses(shell: Shell, microphone: Point, sources: Sequence[Source]) -> list[Signal]:
    """Give each source's response at the microphone, its direct sound PRE_FRAMES after its beginning.

    Raises RoomToolMissingError without pyroomacoustics.
    """
    tool = _pyroomacoustics()
    # A sum in several threads is rounded anew every time.
    tool.constants.set("num_threads", 1)
    absorption, reflections = tool.inverse_sabine(shell.rt60_s, shell.size_m)
    room = tool.ShoeBox(
        shell.size_m,
        fs=RATE_HZ,
        materials=tool.Material(absorption),
        max_order=min(reflections, _MOST_REFLECTIONS),
    )
    for source in sources:
        room.add_source(source.at, directivity=_directivity(tool, source))
    room.add_microphone(microphone)
    room.compute_rir()
    lead = tool.constants.get("frac_delay_length") // 2 - PRE_FRAMES
    found: list[Signal] = []
    for source, response in zip(sources, room.rir[0], strict=True):
        start = lead + round(flight_frames(source, microphone))
        found.append(np.asarray(response[start:], np.float32))
    return found


def _directivity(tool: Any, source: Source) -> Any:
    if source.facing is None:
        return None
    ahead = [there - here for here, there in zip(source.at, source.facing, strict=True)]
    azimuth = math.degrees(math.atan2(ahead[1], ahead[0]))
    colatitude = math.degrees(math.acos(ahead[2] / math.hypot(*ahead)))
    directions = importlib.import_module("pyroomacoustics.directivities")
    towards = directions.DirectionVector(azimuth=azimuth, colatitude=colatitude, degrees=True)
    return directions.CardioidFamily(orientation=towards, p=_MOUTH_PATTERN)


def _pyroomacoustics() -> Any:
    # Loaded when a room is built: it takes seconds, and only the room needs it. It imports sounddevice if it can,
    # which starts PortAudio, and from then on no sound card that comes is seen by this process.
    hidden = "sounddevice" not in sys.modules
    if hidden:
        sys.modules["sounddevice"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("pyroomacoustics")
    except ModuleNotFoundError as error:
        raise RoomToolMissingError("pyroomacoustics", "run script/setup --dev") from error
    finally:
        if hidden:
            del sys.modules["sounddevice"]
