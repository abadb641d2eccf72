"""What the satellite plays and listens with: classes of devices, and how often each is met.

The mix follows the 14 recordings of the Microsoft AEC Challenge in which an echo is heard for a second while nobody
speaks (laptops, desktops and phones; `script/room --linearity --recordings`). From 100 Hz on and without its noise, the
best linear filter of 180 ms in hindsight lowers the echo by 36 dB in one of them, 18 to 22 dB in five, 10 to 14.5 dB in
four; by 13 and 8 dB in two whose microphone's gain moves by 3 dB; and by 4.5 and 1 dB in two whose microphones gate and
pump by 8 dB and more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from tools.simulator.microphone import Microphone

if TYPE_CHECKING:
    import numpy as np

    from tools.simulator.loudspeaker import Loudspeaker


class Equipment(Enum):
    """A class of devices."""

    # As the best of the recordings: saturates softly, without memory; 34 to 37 dB where nothing else sounds.
    LINEAR = "linear"
    SPEAKERPHONE = "speakerphone"
    # Some with the operating system's noise suppression on the microphone.
    LAPTOP = "laptop"
    # With an automatic gain that pumps.
    PHONE = "phone"
    # The same behind a gate.
    GATED = "gated"


# How often each is met.
MIX = (
    (Equipment.LINEAR, 0.1),
    (Equipment.SPEAKERPHONE, 0.35),
    (Equipment.LAPTOP, 0.3),
    (Equipment.PHONE, 0.15),
    (Equipment.GATED, 0.1),
)
# What the best linear filter takes, dB; what the microphone and the room add to it makes it less.
_LINEAR_DB = {
    Equipment.SPEAKERPHONE: (17.0, 24.0),
    Equipment.LAPTOP: (10.0, 16.0),
    Equipment.PHONE: (8.0, 14.0),
    Equipment.GATED: (4.0, 9.0),
}
# WebRTC's levels of noise suppression that browsers and operating systems use. Of the four recordings of this class one
# has an echo 41 dB above its noise, as if that were suppressed; in the others it is 12 to 17 dB above it.
_SUPPRESSION = (1, 3)
_SUPPRESSED = 0.25
# That is 3 dB from P10 to P90 of the gains of 100 ms each, as in the two recordings.
_AUTO_GAIN_DB = (6.0, 15.0)
_GATE_DB = (30.0, 100.0)
# Soft consonants are lost in a gate, whole words are not.
_GATE_BELOW_VOICE_DB = (12.0, 20.0)
# Whatever is softer than a voice by so much is not speech to an automatic gain.
_UNVOICED_DB = 20.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A device of a class."""

    loudspeaker: Loudspeaker
    microphone: Microphone


def fit(equipment: Equipment, plain: Loudspeaker, voice_dbfs: float, generator: np.random.Generator) -> Fitted:
    """Draw a device: `plain` has the limits of its loudspeaker's level and band, to which the class adds its own."""
    quantile, resonance, quality, rattle, picked, gate, depth = (float(generator.uniform()) for _ in range(7))
    if equipment is Equipment.LINEAR:
        return Fitted(plain, Microphone())
    loudspeaker = replace(
        plain,
        linear_db=_between(_LINEAR_DB[equipment], quantile),
        resonance_hz=_between((180.0, 450.0), resonance),
        resonance_q=_between((0.8, 2.0), quality),
        rattle_hz=_between((1_000.0, 4_000.0), rattle),
    )
    unvoiced_dbfs = voice_dbfs - _UNVOICED_DB
    match equipment:
        case Equipment.LAPTOP:
            least, most = _SUPPRESSION
            strength = least + int(depth * (most - least + 1)) if picked < _SUPPRESSED else 0
            return Fitted(loudspeaker, Microphone(suppression=strength))
        case Equipment.PHONE:
            gain_db = _between(_AUTO_GAIN_DB, picked)
            return Fitted(loudspeaker, Microphone(gain_db=gain_db, gate_dbfs=unvoiced_dbfs))
        case Equipment.GATED:
            gate_dbfs = voice_dbfs - _between(_GATE_BELOW_VOICE_DB, gate)
            return Fitted(
                loudspeaker,
                Microphone(
                    gain_db=_between(_AUTO_GAIN_DB, picked), gate_db=_between(_GATE_DB, depth), gate_dbfs=gate_dbfs
                ),
            )
        case _:
            return Fitted(loudspeaker, Microphone())


def _between(span: tuple[float, float], share: float) -> float:
    least, most = span
    return least + share * (most - least)
