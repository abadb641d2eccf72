"""Whether two processors make the same of the same sounds, as far as a user could notice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Values = NDArray[np.generic]

# Each processor rounds the last bit of a float32 its own way. The model by itself agrees to this.
_VAD_ALIKE = 1e-4
# Behind an adaptive filter, in which such bits go round, the probability of speech agrees to this.
_FRONT_END_ALIKE = 0.05
_SPEECH = 0.5
# A sample of 16 bits that is rounded the other way.
_LAST_BIT = 1
# Below that a window's level is that of what rounding leaves.
_HEARD_DBFS, _LEVEL_ALIKE_DB = -50.0, 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """Something that should be so: what, whether it is, and what was found."""

    what: str
    passed: bool
    found: str

    def __str__(self) -> str:
        """Return a line for people."""
        return f"{'ok    ' if self.passed else 'FAILED'}  {self.what}: {self.found}"


def compare(here: Mapping[str, Values], there: Mapping[str, Values]) -> Iterator[Check]:
    """Compare what tools.arm64.outputs tells of this machine with what it tells of another."""
    for name, what in (("wake", "wake word heard, once"), ("stop", "stop word heard, once")):
        is_same = len(here[name]) == 1 and here[name].tolist() == there[name].tolist()
        yield Check(what, is_same, f"at sample {_list(there[name])}; natively at {_list(here[name])}")
    quiet = not len(there["no_stop"])
    yield Check("no stop word heard in another sentence", quiet, _list(there["no_stop"]))
    yield from _probabilities("VAD", here["vad"], there["vad"], _VAD_ALIKE)
    yield from _probabilities(
        "front end", here["front_end_probability"], there["front_end_probability"], _FRONT_END_ALIKE
    )
    yield _decisions("front end: own voice", here["front_end_own_voice"], there["front_end_own_voice"])
    loud = here["front_end_level_db"].astype(float) >= _HEARD_DBFS
    yield _near(
        f"front end: level of windows above {_HEARD_DBFS:g} dBFS, in dB",
        here["front_end_level_db"], there["front_end_level_db"], _LEVEL_ALIKE_DB, loud,
    )  # fmt: skip
    yield _near("front end: samples kept, of 16 bits", here["front_end_kept"], there["front_end_kept"], _LAST_BIT)
    yield _near("player: samples, of 16 bits", here["player"], there["player"], _LAST_BIT)


def _list(values: Values) -> str:
    return ", ".join(map(str, values)) or "none"


def _probabilities(name: str, here: Values, there: Values, most: float) -> Iterator[Check]:
    yield _near(f"{name}: probability of speech", here, there, most)
    yield _decisions(f"{name}: speech or not", here.astype(float) >= _SPEECH, there.astype(float) >= _SPEECH)


def _decisions(what: str, here: Values, there: Values) -> Check:
    if here.shape != there.shape:
        return _unlike(what, here, there)
    differ = int(np.count_nonzero(here != there))
    return Check(what, not differ, f"{differ} of {len(here)} windows differ")


def _near(what: str, here: Values, there: Values, most: float, where: NDArray[np.bool_] | None = None) -> Check:
    if here.shape != there.shape:
        return _unlike(what, here, there)
    apart = np.abs(here.astype(float) - there.astype(float))
    furthest = float(np.max(apart if where is None else apart[where], initial=0.0))
    return Check(what, math.isfinite(furthest) and furthest <= most, f"{furthest:.2g} apart at most; {most:g} allowed")


def _unlike(what: str, here: Values, there: Values) -> Check:
    return Check(what, passed=False, found=f"{there.shape} values; natively {here.shape}")
