"""What the satellite says of itself, and what makes it the same one after a restart."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from wyoming.audio import AudioFormat
from wyoming.info import Attribution, Info, Satellite, SndProgram, WakeModel, WakeProgram

from interject import package_version
from interject.satellite.control.place import plain_name
from interject.satellite.settings import WakeEngine, WakeSource
from interject.satellite.state_file import StateFile
from interject.satellite.turn.settings import Endpointing
from interject.satellite.wake.base import Role
from interject.wire.project import ATTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.satellite.settings import SatelliteSettings
    from interject.satellite.wake.base import WordModel


_ENGINES = {
    WakeEngine.MICRO: Attribution(name="microWakeWord", url="https://github.com/OHF-Voice/pymicro-wakeword"),
    WakeEngine.OPEN: Attribution(name="openWakeWord", url="https://github.com/rhasspy/pyopen-wakeword"),
}
_SAMPLE_BYTES = 2


_CONVERSATION = "conversation"
# The name is for people; what tells satellites apart is this much of a hash.
_DIGEST_CHARACTERS = 8
_RANDOM_BYTES = 16


def satellite_info(settings: SatelliteSettings, words: Sequence[WordModel], snd_rate_hz: int) -> Info:
    """Describe the satellite; Home Assistant does so by `name` and `area` when it is added.

    words: what the satellite listens for; Home Assistant takes the phrase of a wake word from there, by which it lets
    only one of several rooms answer. snd_rate_hz: the rate at which replies are played without resampling.
    """
    wake_words = [word for word in words if word.role is Role.WAKE]
    return Info(
        satellite=Satellite(
            name=settings.name,
            area=settings.area,
            description="Voice satellite that can be interrupted",
            attribution=ATTRIBUTION,
            installed=True,
            version=package_version(),
            has_vad=settings.endpointing is not Endpointing.HOME_ASSISTANT,
            active_wake_words=[word.name for word in wake_words],
            # Those that were configured, all at once: others cannot be asked for over the network.
            max_active_wake_words=len(wake_words),
            supports_trigger=False,
        ),
        wake=[_wake_program(settings, wake_words)] if wake_words else [],
        snd=[
            SndProgram(
                name="loudspeaker",
                description="Plays announcements and replies",
                attribution=ATTRIBUTION,
                installed=True,
                version=package_version(),
                snd_format=AudioFormat(rate=snd_rate_hz, width=_SAMPLE_BYTES, channels=1),
            )
        ],
    )


def _wake_program(settings: SatelliteSettings, words: Sequence[WordModel]) -> WakeProgram:
    local = settings.wake_word is WakeSource.LOCAL
    attribution = _ENGINES[settings.wake_engine] if local else Attribution(name="", url=settings.wake_uri or "")
    return WakeProgram(
        name=attribution.name or "wake word service",
        description="Wake words that the satellite listens for",
        attribution=attribution,
        installed=True,
        version=package_version() if local else None,
        models=[
            WakeModel(
                name=word.name,
                description=word.phrase,
                phrase=word.phrase,
                attribution=attribution,
                installed=True,
                version=None,
                # Models do not say it.
                languages=[],
            )
            for word in words
        ],
    )


def satellite_state(folder: Path, name: str, place: str) -> StateFile:
    """Return the file of a satellite; those of the same name that listen at different places are different ones."""
    digest = hashlib.sha256(f"{name}@{place}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
    file = folder / f"satellite-{plain_name(name)}-{digest}.json"
    return StateFile(file, "which conversation and which Home Assistant are this satellite's")


async def conversation_id(state: StateFile | None, name: str) -> str:
    """Return the id of a satellite's conversation, made up when there is none yet; without a file it is new each time.

    Whoever knows the id can ask the bridge what was said: it begins with the name, by which people find it in a list,
    and ends with what nobody can guess.
    """
    kept = (await state.read()).get(_CONVERSATION) if state is not None else None
    if isinstance(kept, str) and kept:
        return kept
    fresh = f"satellite-{plain_name(name)}-{secrets.token_hex(_RANDOM_BYTES)}"
    if state is not None:
        await state.put(_CONVERSATION, fresh)
    return fresh
