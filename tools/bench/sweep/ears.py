"""What the voice activity detector is given: what the canceller left, louder and with less noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.frontend.frontend import Cleaner, CleaningSettings, HearingSettings
from interject.satellite.frontend.vad import DEFAULT_MEMORY, WINDOW_SAMPLES, Memory, SileroVad

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FULL_SCALE = np.float32(1 / 32768)
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Treatment:
    """Noise suppression (0 to 4), the gain in front of it, which clips as 16 bits do, and the detector's memory."""

    strength: int
    gain_db: float = 0.0
    memory: Memory = DEFAULT_MEMORY

    @property
    def name(self) -> str:
        """What tables and tracks call it."""
        gain = f"{self.gain_db:+g}dB" if self.gain_db else ""
        memory = "" if self.memory == DEFAULT_MEMORY else f"m{self.memory.astray_windows}r{self.memory.reheard_windows}"
        return f"{self.strength}{gain}{memory}"


AS_SHIPPED = Treatment(HearingSettings().for_vad().noise_suppression)
JUST_AS_SHIPPED = (AS_SHIPPED,)
TREATMENTS = (*(Treatment(strength) for strength in range(5)), Treatment(3, 6.0))


class Ear:
    """One treatment and a detector of its own."""

    def __init__(self, treatment: Treatment) -> None:
        multiplier = 10 ** (treatment.gain_db / 20)
        self._cleaner = Cleaner(CleaningSettings(treatment.strength, volume_multiplier=multiplier))
        self._memory = treatment.memory
        self._vad = SileroVad(memory=self._memory)
        self._waiting = np.zeros(0, np.float32)

    def hear(self, block: NDArray[np.float32]) -> tuple[float, float] | None:
        """Take 20 ms; give the probability of speech and the level (dBFS) of the window that became complete."""
        cleaned = np.multiply(self._cleaner.process(block), _FULL_SCALE, dtype=np.float32)
        self._waiting = np.concatenate([self._waiting, cleaned])
        if len(self._waiting) < WINDOW_SAMPLES:
            return None
        window, self._waiting = self._waiting[:WINDOW_SAMPLES], self._waiting[WINDOW_SAMPLES:]
        return self._vad.process(window), dbfs(window)

    def forget(self) -> None:
        """Reset the detector's memory."""
        self._vad = SileroVad(memory=self._memory)


def dbfs(samples: NDArray[np.float32]) -> float:
    """Give the level of samples in dB below full scale."""
    return float(10 * np.log10(np.mean(np.square(samples)) + _TINY))
