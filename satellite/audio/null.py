"""A device for text mode: it records silence and plays nothing, at the pace of time."""

from __future__ import annotations

import math

from interject.satellite.simulator.device import RoomAcoustics, SimulatedRoom

# Not even the loudspeaker reaches the microphone.
NO_SOUND_DB = -math.inf
# Each wake-up of the process costs, and nobody hears how soon: as long as a sound card's.
_BLOCK_MS = 20


def text_mode_device(rate_hz: int = 16_000) -> SimulatedRoom:
    """Give a device with a silent microphone, whose loudspeaker is paced by the loop's clock and heard by nobody."""
    acoustics = RoomAcoustics(echo_db=NO_SOUND_DB, noise_db=None)
    return SimulatedRoom(acoustics=acoustics, rate_hz=rate_hz, block_ms=_BLOCK_MS, name="text mode")
