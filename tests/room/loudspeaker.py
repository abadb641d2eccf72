"""A small loudspeaker: no bass, no brilliance, and it cannot go as far as it is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.room.levels import RATE_HZ, Signal

_SIZE = 4096
# 32 ms: below 120 Hz nothing rings longer.
_TAPS = 512
_LOW_ORDER = 2
_HIGH_ORDER = 4
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """Its limits.

    knee: amplitude (full scale 1) that it approaches however loud it is driven; asymmetry: share of second order.
    low_hz, high_hz: its band, -3 dB.
    """

    knee: float = 0.8
    asymmetry: float = 0.03
    low_hz: float = 150.0
    high_hz: float = 6_500.0

    def distort(self, signal: Signal) -> Signal:
        """Bend the signal, sample by sample."""
        bent: Signal = signal + np.float32(self.asymmetry) * signal * signal
        bent *= np.float32(1 / self.knee)
        np.tanh(bent, out=bent)
        bent *= np.float32(self.knee)
        return bent

    def response(self) -> Signal:
        """Give the band limit as an impulse response without delay (minimum phase)."""
        hz = np.maximum(np.fft.rfftfreq(_SIZE, 1 / RATE_HZ), 1.0)
        low = 1 / np.sqrt(1 + (self.low_hz / hz) ** (2 * _LOW_ORDER))
        high = 1 / np.sqrt(1 + (hz / self.high_hz) ** (2 * _HIGH_ORDER))
        # The phase of a causal filter follows from its magnitude: fold the cepstrum onto positive times.
        cepstrum = np.fft.irfft(np.log(np.maximum(low * high, _FLOOR)), _SIZE)
        cepstrum[1 : _SIZE // 2] *= 2
        cepstrum[_SIZE // 2 + 1 :] = 0
        whole = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), _SIZE)
        response: Signal = whole[:_TAPS].astype(np.float32)
        return response
