"""Levels as people read them."""

from __future__ import annotations

import math

# What is lower is digital silence; also what keeps logarithms finite.
FLOOR_DBFS = -120.0


def dbfs(amplitude: float) -> float:
    """Return an amplitude, full scale 1, in dB; FLOOR_DBFS for silence."""
    return max(FLOOR_DBFS, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DBFS
