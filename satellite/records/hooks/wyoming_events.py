"""Which Wyoming event an event service gets for a record of the trace, as wyoming-satellite would send it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.satellite import (
    PauseSatellite,
    RunSatellite,
    SatelliteConnected,
    SatelliteDisconnected,
    StreamingStarted,
    StreamingStopped,
)
from wyoming.snd import Played
from wyoming.tts import Synthesize
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

if TYPE_CHECKING:
    from interject.satellite.records.hooks.table import Fields

# None: an event service is not told of this record.
_Make = Callable[["Fields"], Eventable | None]

# An audio-start has to name a format. No audio follows it here; this is the one that Home Assistant names by default.
_UNUSED_FORMAT = AudioStart(rate=22_050, width=2, channels=1)


def wyoming_event(kind: str, fields: Fields) -> Event | None:
    """Give the event that tells an event service of a record, if any; missing fields are empty."""
    if kind in _TIMERS:
        return Event(type=kind, data=dict(fields.get("data", {})))
    make = _TABLE.get(kind)
    made = make(fields) if make is not None else None
    return None if made is None else made.event()


def _timestamp_ms(fields: Fields) -> int | None:
    return round(fields["t"] * 1000) if "t" in fields else None


def _transcript(fields: Fields) -> Transcript | None:
    # A murmur is transcribed too: nobody said anything.
    text = str(fields.get("text", ""))
    return Transcript(text) if text else None


def _wake_word(fields: Fields) -> Detection | None:
    # Who was told of a wake word waits for a turn; a stop word begins none.
    return Detection(name=fields.get("name"), timestamp=_timestamp_ms(fields)) if fields.get("role") != "stop" else None


def _played_if_heard(fields: Fields) -> Played | None:
    # An interruption is the end of what sounded; of what nobody had heard yet there is no end, and what failed was
    # played as far as it went.
    return Played() if fields.get("heard_ms", 0) > 0 and fields.get("reason") != "failed" else None


def _error(fields: Fields) -> Error:
    return Error(text=str(fields.get("error", "")), code=fields.get("stage"))


def _duplex_mode(fields: Fields) -> UserEvent:
    # Wyoming has no event for it; who does not know ours ignores it.
    return UserEvent("duplex-mode", {name: value for name, value in fields.items() if name != "t"})


_TIMERS = frozenset({"timer-started", "timer-updated", "timer-cancelled", "timer-finished"})
_TABLE: dict[str, _Make] = {
    "detect": lambda _: Detect(),
    "detection": _wake_word,
    "streaming-start": lambda _: StreamingStarted(),
    "streaming-stop": lambda _: StreamingStopped(),
    "stt-open": lambda fields: VoiceStarted(timestamp=_timestamp_ms(fields)),
    "stt-end": lambda fields: VoiceStopped(timestamp=_timestamp_ms(fields)),
    "stt-abort": lambda fields: VoiceStopped(timestamp=_timestamp_ms(fields)),
    "transcript": _transcript,
    "synthesize": lambda fields: Synthesize(text=str(fields.get("text", ""))),
    "first-audio": lambda _: _UNUSED_FORMAT,
    "reply-received": lambda _: AudioStop(),
    "reply-played": lambda _: Played(),
    "interrupt": _played_if_heard,
    "failed": _error,
    "connected": lambda _: SatelliteConnected(),
    "disconnected": lambda _: SatelliteDisconnected(),
    "muted": lambda _: PauseSatellite(),
    "unmuted": lambda _: RunSatellite(),
    "duplex-mode": _duplex_mode,
}
