"""Which Wyoming event an event service gets for a record, as wyoming-satellite would send it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

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

from interject.satellite.records import conversation as talk
from interject.satellite.records import device, home_assistant
from interject.wire.trace import Record

R = TypeVar("R", bound=Record)
# From a record and its time, s of the device's clock; None: an event service is not told of it.
_Make = Callable[[R, float | None], Eventable | None]

# An audio-start has to name a format. No audio follows it here; this is the one that Home Assistant names by default.
_UNUSED_FORMAT = AudioStart(rate=22_050, width=2, channels=1)


def wyoming_event(record: Record, t: float | None) -> Event | None:
    """Give the event that tells an event service of a record, if any; `t`: when it was, s of the device's clock."""
    if isinstance(record, device.TimerChanged):
        return Event(type=record.KIND, data=dict(record.data))
    make = _TABLE.get(type(record))
    made = make(record, t) if make is not None else None
    return None if made is None else made.event()


def _is(record: type[R], make: _Make[R]) -> tuple[type[Record], _Make[Record]]:
    return record, cast("_Make[Record]", make)


def _ms(t: float | None) -> int | None:
    return None if t is None else round(t * 1000)


def _wake_word(record: talk.WordDetected, t: float | None) -> Detection | None:
    # Who was told of a wake word waits for a turn; a stop word begins none.
    return Detection(name=record.name, timestamp=_ms(t)) if record.role != "stop" else None


def _played_if_heard(record: talk.ReplyInterrupted, _t: float | None) -> Played | None:
    # An interruption is the end of what sounded; of what nobody had heard yet there is no end, and what failed was
    # played as far as it went.
    return Played() if record.heard_ms > 0 and record.reason != "failed" else None


def _failed(record: talk.SttFailed | talk.ReplyFailed, _t: float | None) -> Error:
    return Error(text=record.error, code=record.stage)


def _duplex_mode(record: device.DuplexModeChanged, _t: float | None) -> UserEvent:
    # Wyoming has no event for it; who does not know ours ignores it.
    return UserEvent("duplex-mode", record.fields())


_TABLE: dict[type[Record], _Make[Record]] = dict(
    (
        _is(talk.AwaitsWakeWord, lambda _it, _t: Detect()),
        _is(talk.WordDetected, _wake_word),
        _is(talk.StreamingStarted, lambda _it, _t: StreamingStarted()),
        _is(talk.StreamingStopped, lambda _it, _t: StreamingStopped()),
        _is(talk.SttOpened, lambda _it, t: VoiceStarted(timestamp=_ms(t))),
        _is(talk.SttEnded, lambda _it, t: VoiceStopped(timestamp=_ms(t))),
        _is(talk.SttAborted, lambda _it, t: VoiceStopped(timestamp=_ms(t))),
        # A murmur is transcribed too: nobody said anything.
        _is(talk.TextUnderstood, lambda it, _t: Transcript(it.text) if it.text else None),
        _is(talk.ReplyKnown, lambda it, _t: Synthesize(text=it.text)),
        _is(talk.FirstAudio, lambda _it, _t: _UNUSED_FORMAT),
        _is(talk.ReplyReceived, lambda _it, _t: AudioStop()),
        _is(talk.ReplyPlayed, lambda _it, _t: Played()),
        _is(talk.ReplyInterrupted, _played_if_heard),
        _is(talk.SttFailed, _failed),
        _is(talk.ReplyFailed, _failed),
        _is(home_assistant.Connected, lambda _it, _t: SatelliteConnected()),
        _is(home_assistant.Disconnected, lambda _it, _t: SatelliteDisconnected()),
        _is(device.Muted, lambda _it, _t: PauseSatellite()),
        _is(device.Unmuted, lambda _it, _t: RunSatellite()),
        _is(device.DuplexModeChanged, _duplex_mode),
    )
)
