"""Level and brightness of a voice, and what is usual for the user."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.satellite.turn.events import VoiceWindow

_TINY = 1e-12
# Less of a voice than this is in no band: what keeps ratios of bands finite, however soft the voice.
_LEAST_SHARE = 1e-4
_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Voice:
    """Mean squares (full scale 1) summed over voiced windows, in all and above 1.5 kHz; of none if none is known."""

    windows: int = 0
    power: float = 0.0
    bright: float = 0.0

    @property
    def known(self) -> bool:
        """Whether anybody measured it."""
        return self.windows > 0

    @property
    def usual(self) -> float:
        """The mean square of a window; 0 where it is not known."""
        return self.power / self.windows if self.windows else 0.0

    @property
    def tilt_db(self) -> float:
        """What lies above 1.5 kHz against what lies below."""
        tiny = _TINY + _LEAST_SHARE * self.power
        return 10 * math.log10((self.bright + tiny) / (self.power - self.bright + tiny))

    def with_window(self, window: VoiceWindow) -> Voice:
        """Take in one more voiced window."""
        if window.level_db is None:
            return self
        power = 10 ** (window.level_db / 10)
        return Voice(self.windows + 1, self.power + power, self.bright + power * window.bright_share)

    def with_voice(self, other: Voice) -> Voice:
        """Take in what else was said."""
        return Voice(self.windows + other.windows, self.power + other.power, self.bright + other.bright)

    def softer_db(self, than: Voice) -> float:
        """Return how much softer it is."""
        return 10 * math.log10((than.usual + _TINY) / (self.usual + _TINY))

    def brighter_db(self, than: Voice) -> float:
        """Return how much more of it lies above 1.5 kHz, against what lies below."""
        return self.tilt_db - than.tilt_db

    def towards(self, spoken: Voice) -> Voice:
        """Return a usual voice after one more turn: a quarter of the way in dB, as one shout is not what is usual."""
        if not self.known or not spoken.known:
            return spoken if spoken.known else self
        bright = _between(self.bright / self.windows, spoken.bright / spoken.windows)
        return Voice(1, _between(self.usual, spoken.usual), bright)


def _between(before: float, after: float) -> float:
    return float((before + _TINY) ** (1 - _SHARE) * (after + _TINY) ** _SHARE)
