"""Endpointing: has the user finished?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from interject.satellite.turn.settings import Endpointing

if TYPE_CHECKING:
    from interject.satellite.turn.settings import TurnSettings


def finished_at(last_voice_s: float, settings: TurnSettings) -> float:
    """Return when the turn is over unless the user speaks on: a fixed silence after the voice ended (seconds).

    `last_voice_s` is the end of the last voiced window, which comes a little after the voice. Never, where it is for
    Home Assistant to say.
    """
    if settings.endpointing is Endpointing.HOME_ASSISTANT:
        return math.inf
    return last_voice_s + (settings.endpoint_silence_ms - settings.vad_release_ms) / 1000
