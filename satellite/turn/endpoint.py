"""Has the user finished?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satellite.turn.settings import TurnSettings


def finished_at(last_voice_s: float, settings: TurnSettings) -> float:
    """Return when the turn is over unless the user speaks on: a fixed silence after the voice ended (seconds).

    `last_voice_s` is the end of the last voiced window, which comes a little after the voice.
    """
    return last_voice_s + (settings.endpoint_silence_ms - settings.vad_release_ms) / 1000
