"""The adaptive filter: how the room and the loudspeaker turn what we play into what the microphone hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.partitions import BINS, FFT_SAMPLES, RATE_HZ, transform, transform_scaled
from interject.satellite.audio.pcm import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How much of the response is still true 20 ms later. Nearer to 1 cancels some dB more where nothing moves, and
# follows clocks that drift apart slower.
_TRANSITION = 0.997
# The error fills half of its FFT, what was played the whole: the powers of the two compare at this ratio.
_OVERLAP = 0.5
# How much of the near end's spectrum is taken from the blocks before. With less the filter takes a quiet block for a
# quiet room, and follows clocks that drift by 100 ppm badly; with more the onset of a user's word stops it later.
_NEAR_END_MEMORY = 0.7
# What the response may be before anything was heard. The direct path lies in the first blocks and may be as loud as
# was played: a loudspeaker stands beside its microphone, and that has a gain. What the room adds is at least 10 dB
# below, and decays by 60 dB in 0.4 s. A filter that knows where to look converges twice as fast.
_DIRECT_BLOCKS = 3
_PRIOR_DIRECT_POWER = 1.0
_PRIOR_ROOM_POWER = 0.1
_PRIOR_RT60_S = 0.4
# The response is cut to its linear half after so many updates: each time would cost as much as the whole filter and
# gain under 1 dB. All partitions at once, for transforms of many rows cost half as much as one by one.
_CONSTRAIN_EVERY = 6
# The room's own changes are added after so many updates at once, for they are slow.
_AGE_EVERY = 2
# A response that is recalled elsewhere is a fraction of a sample off, and the room around it may be another.
_RECALLED_SHARE = np.float32(0.1)
# The response may be so much above its measured ceiling (12 dB), which is a mean of speech that comes and goes. With
# 6 dB the filter loses 0.5 dB of the loudest echo; with 12 none.
_ABOVE_CEILING = np.float32(16.0)
# Below the last bit of 24-bit audio, as power of a bin: keeps divisions finite.
_TINY = scalar(1e-12)
# What the uncertainty explains is less than all of it: rounding would leave less than none.
_ABOVE_ROUNDING = scalar(1.0001)
# The same as they are multiplied with: what is known of the near end and what is new; how much of what was played the
# error holds; what of the uncertainty, and of the response's power, there is in the next block.
_KNOWN, _NEW = scalar(_NEAR_END_MEMORY), scalar(1 - _NEAR_END_MEMORY)
_HALF = scalar(_OVERLAP)
_REMAINS = scalar(_TRANSITION**2)
_EXPLAINED_REMAINS = scalar(_OVERLAP * _TRANSITION**2)
_AGED = scalar((1 - _TRANSITION**2) * _AGE_EVERY)


class KalmanFilter:
    """Partitioned-block frequency-domain Kalman filter with a diagonal state covariance.

    G. Enzner and P. Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free
    telephones", 2006; F. Kuech et al., "State-space architecture of the partitioned-block-based acoustic echo
    controller", ICASSP 2014. It needs no double-talk detector: its step is the share of the error that its own
    uncertainty explains.
    """

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._weights = np.zeros((partitions, BINS), np.complex64)
        prior = _PRIOR_ROOM_POWER * 10 ** (-6 * np.arange(partitions) * BLOCK_SAMPLES / RATE_HZ / _PRIOR_RT60_S)
        prior[:_DIRECT_BLOCKS] = _PRIOR_DIRECT_POWER
        self._prior = np.repeat(prior.astype(np.float32)[:, None], BINS, axis=1)
        self._uncertainty = self._prior.copy()
        self._near_end = np.zeros(BINS, np.float32)
        # What the prior is scaled by: no more is to be expected than was measured to be possible.
        self._possible = np.ones(BINS, np.float32)
        # All below is scratch, kept because it is needed fifty times a second.
        self._padded = np.zeros(FFT_SAMPLES, np.float32)
        self._terms = np.zeros_like(self._weights)
        self._explained = np.zeros_like(self._prior)
        self._sum = np.zeros(BINS, np.complex64)
        self._heard = np.zeros(BINS, np.complex64)
        self._echo = np.zeros(FFT_SAMPLES, np.float32)
        self._scale = np.zeros(BINS, np.float32)
        self._misadjusted = np.zeros(BINS, np.float32)
        self._ones = np.ones(partitions, np.float32)
        self._responses = np.zeros((partitions, FFT_SAMPLES), np.float32)
        # The linear half of each, scaled for `transform_scaled`.
        self._linear = np.repeat(np.array([FFT_SAMPLES, 0], np.float32), BLOCK_SAMPLES)
        self._blocks = 0

    @property
    def weights(self) -> NDArray[np.complexfloating]:
        """The response, (partitions, 321); not to be written to."""
        return self._weights

    @property
    def power(self) -> NDArray[np.float32]:
        """The power of the response in each bin, (321,)."""
        power: NDArray[np.float32] = _squared(self._weights).sum(0)
        return power

    def predict(self, spectra: NDArray[np.complexfloating]) -> NDArray[np.float32]:
        """Return the echo in the newest block (320 samples) of what was played, (partitions, 321).

        It is a view, valid until the next prediction.
        """
        np.multiply(self._weights, spectra, out=self._terms)
        # A sum over partitions as a product of matrices: it takes half as long.
        np.dot(self._ones, self._terms.view(np.float32), out=self._sum.view(np.float32))
        np.fft.irfft(self._sum, FFT_SAMPLES, out=self._echo)  # type: ignore[arg-type] # as for `transform`
        return self._echo[BLOCK_SAMPLES:]

    def update(
        self, error: NDArray[np.float32], spectra: NDArray[np.complexfloating], powers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Learn from what the prediction left of the microphone; return each bin's expected misadjustment (power).

        `powers`: squared magnitudes of the spectra. What is returned is valid until the next update.
        """
        self._padded[BLOCK_SAMPLES:] = error
        heard, scale, misadjusted = self._heard, self._scale, self._misadjusted
        transform(self._padded, heard)
        explained = np.multiply(powers, self._uncertainty, out=self._explained)
        np.dot(self._ones, explained, out=misadjusted)
        misadjusted *= _HALF
        np.abs(heard, out=scale)
        scale *= scale
        scale *= _NEW
        self._near_end *= _KNOWN
        self._near_end += scale
        np.multiply(misadjusted, _ABOVE_ROUNDING, out=scale)
        scale += self._near_end
        scale += _TINY
        np.reciprocal(scale, out=scale)
        # conj(spectra) * step, as the conjugate of a product: the conjugate of one row is cheaper than that of all.
        heard *= scale
        step = np.multiply(spectra, np.conjugate(heard, out=heard), out=self._terms)
        step *= self._uncertainty
        self._weights += np.conjugate(step, out=step)
        self._blocks += 1
        if self._blocks % _CONSTRAIN_EVERY == 1:
            self._constrain()
        # The uncertainty that the observation leaves, and what the room adds to it until the next block.
        scale *= _EXPLAINED_REMAINS
        explained *= scale
        np.subtract(_REMAINS, explained, out=explained)
        self._uncertainty *= explained
        if self._blocks % _AGE_EVERY == 0:
            np.abs(self._weights, out=explained)
            explained *= explained
            explained *= _AGED
            self._uncertainty += explained
        return misadjusted

    def limit(self, gain: NDArray[np.float32]) -> None:
        """Take note that the response's power is at most `gain` (321,), bin by bin: one far above it begins anew."""
        np.minimum(gain, 1, out=self._possible)
        np.minimum(self._uncertainty, gain * self._prior, out=self._uncertainty)
        impossible = self.power > _ABOVE_CEILING * gain
        if impossible.any():
            self._weights[:, impossible] = 0
            self._uncertainty[:, impossible] = self._possible[impossible] * self._prior[:, impossible]

    def doubt(self, share: float) -> None:
        """Take the response for moved, no one knows where to: all of it is uncertain, up to `share` of its power."""
        power = _squared(self._weights)
        total = min(1.0, float(power.sum(0).mean()))
        doubts = np.maximum(np.float32(total) * self._prior, power)
        np.maximum(self._uncertainty, np.float32(share) * doubts, out=self._uncertainty)

    @property
    def response(self) -> NDArray[np.float32]:
        """The response in samples, 320 for each partition; a copy."""
        return np.fft.irfft(self._weights, FFT_SAMPLES, axis=1)[:, :BLOCK_SAMPLES].astype(np.float32).ravel()

    def recall(self, response: NDArray[np.float32], later_samples: int) -> None:
        """Go on with a response that was right before, `later_samples` later (earlier if negative)."""
        moved = np.zeros_like(response)
        kept = max(0, len(response) - abs(later_samples))
        source, target = max(-later_samples, 0), max(later_samples, 0)
        moved[target : target + kept] = response[source : source + kept]
        self._weights[:] = np.fft.rfft(moved.reshape(self.partitions, BLOCK_SAMPLES), FFT_SAMPLES, axis=1)
        power = _squared(self._weights)
        self._uncertainty = _RECALLED_SHARE * (power + power.mean(1, keepdims=True))

    @property
    def peak(self) -> int:
        """The partition with most of the response: that of the direct path."""
        return int(np.argmax(_squared(self._weights).sum(1)))

    def shift(self, blocks: int) -> None:
        """Look `blocks` later (earlier if negative) into what was played: the response keeps its place in time."""
        moved, doubts = np.zeros_like(self._weights), self._possible * self._prior
        kept = self.partitions - abs(blocks)
        if kept > 0:
            source, target = max(blocks, 0), max(-blocks, 0)
            moved[target : target + kept] = self._weights[source : source + kept]
            doubts[target : target + kept] = self._uncertainty[source : source + kept]
        self._weights, self._uncertainty = moved, doubts

    def reset(self) -> None:
        """Forget the response."""
        self._weights[:] = 0
        np.multiply(self._possible, self._prior, out=self._uncertainty)
        self._near_end[:] = 0

    def _constrain(self) -> None:
        np.fft.irfft(self._weights, FFT_SAMPLES, out=self._responses)  # type: ignore[arg-type] # as for `transform`
        self._responses *= self._linear
        transform_scaled(self._responses, self._weights)


def _squared(response: NDArray[np.complexfloating]) -> NDArray[np.float32]:
    power: NDArray[np.float32] = np.square(np.abs(response))
    return power
