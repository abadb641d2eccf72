"""When is a word heard? From the probabilities of a model to single detections."""

from __future__ import annotations

# From here on a model tends towards its word. It crosses this at much the same moment of the word, whoever says it,
# whereas a high threshold is reached sooner by one voice and later by another (see tools/bench_wake.py).
RISEN = 0.5


class Refractory:
    """Counts a word once in so many samples."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._last: int | None = None

    def allows(self, index: int) -> bool:
        """Tell whether a word heard at `index` counts; if it does, the time begins anew."""
        if self._last is not None and index < self._last + self._samples:
            return False
        self._last = index
        return True


class Trigger:
    """Fires when a word's probability rises above a threshold, once for each time that it is said."""

    def __init__(self, threshold: float, refractory_samples: int) -> None:
        self._threshold = threshold
        self._refractory = Refractory(refractory_samples)
        self._above = False
        self._risen_at: int | None = None

    def feed(self, probability: float, index: int) -> int | None:
        """Take the next probability, known at sample `index`; if the word is heard now, return where it had risen."""
        if probability <= min(RISEN, self._threshold):
            self._risen_at = None
        elif self._risen_at is None:
            self._risen_at = index
        rises = probability > self._threshold and not self._above
        self._above = probability > self._threshold
        return self._risen_at if rises and self._refractory.allows(index) else None
