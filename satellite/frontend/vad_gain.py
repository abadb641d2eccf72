"""How loud the voice activity detector hears a user through the echo: as loud as what it was trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.frontend.resampling import RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled

# Silero depends on level, and misses single words that arrive quietly. Of 24 added to real echo (script/bench real
# --voices 1, commit 305acad with other levels) 12 are paused for without a gain, 13, 15 and 16 at -35, -30 and -25
# dBFS; of side talk in the room (script/bench room --equipment linear --kind side-talk --scenes 12) 74 % is ignored
# without, 69, 69 and 57 %.
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

    def process(self, cancelled: Cancelled) -> NDArray[np.float32]:
        """Return the next 320 samples for the detector (16 kHz, -1 to 1) at the gain that `db` tells.

        It follows what was kept, of which nothing was suppressed: by what a suppressor leaves of the echo the room
        would be taken for quiet. There is none while nothing of ours is to be heard: then speech behind the user, a
        television too, would be as loud as the user's.
        """
        heard = cancelled.kept
        heard_dbfs = 10 * math.log10(float(heard.dot(heard)) / len(heard) + _SILENCE)
        self._loudest_dbfs = max(heard_dbfs, self._loudest_dbfs - _FALL_DB_PER_S * len(heard) / RATE_HZ)
        wanted_db = min(max(_LOUDEST_DBFS - self._loudest_dbfs, 0.0), self._most_db)
        self.db = wanted_db if cancelled.may_amplify else 0.0
        return cancelled.for_vad * np.float32(10 ** (self.db / 20)) if self.db else cancelled.for_vad
