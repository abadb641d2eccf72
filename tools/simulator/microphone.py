"""What a device does to its microphone before anybody gets it: automatic gain, a gate, noise suppression."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from webrtc_noise_gain import AudioProcessor

from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from tools.simulator.convolution import BLOCK_FRAMES
from tools.simulator.levels import RATE_HZ, Signal

_BLOCK_S = BLOCK_FRAMES / RATE_HZ
# An automatic gain takes back at once what is too loud and gives slowly: it pumps.
_FALLS_DB = 60.0 * _BLOCK_S
_RISES_DB = 6.0 * _BLOCK_S
# What it wants speech to be.
_WANTED_DBFS = -24.0
# A gate opens within a block, and closes after a pause of a syllable's length, within some blocks more.
_HOLD_BLOCKS = 20
_CLOSES_DB = 6.0
_LEAST_POWER = 1e-12


@dataclass(frozen=True, slots=True)
class Microphone:
    """What is done to what it hears; nothing by default.

    gain_db: most that the automatic gain adds or takes. gate_db: by how much a gate lowers what is below gate_dbfs.
    suppression: strength of the noise suppression (WebRTC's, 0 to 4; with any it is 6 ms late).
    """

    gain_db: float = 0.0
    gate_db: float = 0.0
    gate_dbfs: float = -50.0
    suppression: int = 0


class Capture:
    """A microphone at work, in blocks of BLOCK_FRAMES."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._suppressor = AudioProcessor(0, microphone.suppression) if microphone.suppression else None
        self._gain_db = 0.0
        self._gate_db = 0.0
        self._open_blocks = 0
        self._before = 1.0

    def gain(self, block: Signal) -> Signal:
        """Give the gain of each sample of a block: what it does to the sum it does to every part of it."""
        if self._microphone.gain_db or self._microphone.gate_db:
            self._follow(10 * math.log10(float(np.mean(np.square(block))) + _LEAST_POWER))
        after = 10 ** ((self._gain_db + self._gate_db) / 20)
        if after == self._before:
            return np.full(len(block), after, np.float32)
        gains = np.linspace(self._before, after, len(block), dtype=np.float32)
        self._before = after
        return gains

    def finish(self, block: Signal) -> Signal:
        """Take the noise out of a block to which the gain has been applied."""
        if self._suppressor is None:
            return block
        cleaned = self._suppressor.Process10ms(to_int16(block).tobytes()).audio
        return np.frombuffer(cleaned, np.int16).astype(np.float32) / np.float32(INT16_FULL_SCALE)

    def _follow(self, level_dbfs: float) -> None:
        microphone = self._microphone
        heard = level_dbfs > microphone.gate_dbfs
        if microphone.gain_db and heard:
            # Only speech tells how loud speech is.
            wanted = min(microphone.gain_db, max(-microphone.gain_db, _WANTED_DBFS - level_dbfs))
            self._gain_db += min(_RISES_DB, max(-_FALLS_DB, wanted - self._gain_db))
        if microphone.gate_db:
            self._open_blocks = _HOLD_BLOCKS if heard else max(0, self._open_blocks - 1)
            wanted = 0.0 if self._open_blocks else -microphone.gate_db
            self._gate_db = wanted if wanted > self._gate_db else max(wanted, self._gate_db - _CLOSES_DB)
