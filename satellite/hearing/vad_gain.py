"""How loud the voice activity detector hears a user through our own voice: as loud as what it was trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from satellite.hearing.capture import RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Silero depends on level: of 24 single words without any echo it hears 15 at 10 dB less, 19 as they are, 22 and 23 at
# 10 and 20 dB more; those that it misses lie at -36 to -55 dBFS. Of 24 single words added to real echo (script/bench
# real --voices 1) 12 are paused for without a gain, 13, 14 and 16 at -35, -30 and -25 dBFS; of side talk in the room
# (script/bench room --equipment linear --kind side-talk --scenes 12) 74 % is ignored without, 69, 69 and 57 %.
_LOUDEST_DBFS = -30.0
# A pause between two words does not change the level, the next speaker's distance does.
_FALL_DB_PER_S = 3.0
# Before anything was heard: a gain that suits a voice of -45 dBFS, as quiet microphones give.
_FIRST_DBFS = -45.0
# Far below the last bit of 16-bit audio: the logarithm of digital silence.
_SILENCE = 1e-12


class VadGain:
    """An automatic gain of 0 to `most_db` that follows the loudest that was heard lately: down at once, up slowly."""

    def __init__(self, most_db: float) -> None:
        self._most_db = most_db
        self._loudest_dbfs = _FIRST_DBFS
        self.db = 0.0

    def hear(self, heard: NDArray[np.float32], *, may_amplify: bool) -> None:
        """Follow the level of the next frame (16 kHz, -1 to 1), of which nothing was suppressed; `db` is its gain.

        By what a suppressor leaves of our own voice the room would be taken for quiet: AEC3's then makes 4 false ducks
        instead of none (script/bench real). Nor is there a gain while nothing of ours is to be heard: then speech
        behind the user, a television too, would be as loud as the user's.
        """
        heard_dbfs = 10 * math.log10(float(heard @ heard) / len(heard) + _SILENCE)
        self._loudest_dbfs = max(heard_dbfs, self._loudest_dbfs - _FALL_DB_PER_S * len(heard) / RATE_HZ)
        self.db = min(max(_LOUDEST_DBFS - self._loudest_dbfs, 0.0), self._most_db) if may_amplify else 0.0

    def apply(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the frame at this gain."""
        return frame * np.float32(10 ** (self.db / 20)) if self.db else frame
