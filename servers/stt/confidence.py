"""How likely it is that somebody said what an engine heard: logistic regression over the engine's own figures.

The weights were fitted to recordings; `script/bench confidence` prints how well those of whole texts hold, and what
would fit better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Beyond, exp() overflows and nothing changes.
_MOST_LOG_ODDS = 30.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A weight for each figure, by its name, and a constant."""

    weights: Mapping[str, float]
    constant: float

    def probability(self, figures: Mapping[str, float]) -> float:
        """Return the probability, 0 to 1; KeyError for a figure that is missing."""
        log_odds = self.constant + sum(weight * figures[name] for name, weight in self.weights.items())
        bounded = max(-_MOST_LOG_ODDS, min(_MOST_LOG_ODDS, log_odds))
        return 1 / (1 + math.exp(-bounded))
