"""Home Assistant's events: those that it is sent, and those that it sends, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import StreamingStarted, StreamingStopped
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detection

from interject.satellite.transports.assist import events
from interject.satellite.transports.direct.checks import speech_of
from interject.satellite.transports.direct.stt_stream import RATE_HZ
from interject.wire.errors import PeerGoneError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.event import Event

    from interject.satellite.transports.assist.events import Woken


_WIDTH = 2
_CHANNELS = 1


def null_run() -> Event:
    """Make a run that ends the one before and fails at once: nothing can be spoken without a text."""
    return RunPipeline(start_stage=PipelineStage.TTS, end_stage=PipelineStage.TTS).event()


def begin_run(woken: Woken | None, pipeline: str | None) -> list[Event]:
    """Make the beginning of a run from speech to speech; audio may follow at once."""
    run = RunPipeline(
        start_stage=PipelineStage.ASR,
        end_stage=PipelineStage.TTS,
        wake_word_name=None if woken is None else woken.name,
    ).event()
    if pipeline is not None:
        run.data["name"] = pipeline
    if woken is None:
        return [run, StreamingStarted().event()]
    # Audio between the two would begin a run by itself.
    return [Detection(name=woken.name).event(), run, StreamingStarted().event()]


def begin_wake_run() -> list[Event]:
    """Make the beginning of a run that waits for a wake word first."""
    return [
        RunPipeline(start_stage=PipelineStage.WAKE, end_stage=PipelineStage.TTS).event(),
        StreamingStarted().event(),
    ]


class Microphone:
    """Makes chunks of one run's audio."""

    def __init__(self) -> None:
        self._sent_bytes = 0

    def chunk(self, audio: bytes) -> Event:
        """Make the next chunk; `audio` must not be empty, which would end the turn."""
        chunk = AudioChunk(
            rate=RATE_HZ, width=_WIDTH, channels=_CHANNELS, audio=audio, timestamp=self._elapsed_ms
        ).event()
        self._sent_bytes += len(audio)
        return chunk

    def end(self) -> list[Event]:
        """Make the end of the audio."""
        return [AudioStop(timestamp=self._elapsed_ms).event(), StreamingStopped().event()]

    @property
    def _elapsed_ms(self) -> int:
        return self._sent_bytes * 1000 // (RATE_HZ * _WIDTH * _CHANNELS)


_TIMER_EVENTS = (TimerStarted, TimerUpdated, TimerCancelled, TimerFinished)


def is_timer(event: Event) -> bool:
    """Tell whether an event is about a timer."""
    return any(kind.is_type(event.type) for kind in _TIMER_EVENTS)


def read(event: Event) -> events.Event | None:
    """Read an event that is about a turn or an announcement; None for any other. Raises RequestError."""
    for is_type, reader in _READERS:
        if is_type(event.type):
            return reader(event)
    return None


def _speech(event: Event) -> events.Speech:
    try:
        chunk = speech_of(event, "Home Assistant")
    except PeerGoneError as error:
        raise RequestError("bad-event", str(error)) from None
    converted = AudioChunkConverter(width=_WIDTH, channels=1).convert(chunk)
    return events.Speech(_timestamp(event), chunk.milliseconds, converted.audio, converted.rate)


def _timestamp(event: Event) -> int | None:
    timestamp = event.data.get("timestamp")
    return timestamp if type(timestamp) is int else None


def _text(event: Event, key: str) -> str:
    text = event.data.get(key)
    return text if isinstance(text, str) else ""


_READERS: tuple[tuple[Callable[[str], bool], Callable[[Event], events.Event]], ...] = (
    (AudioChunk.is_type, _speech),
    (AudioStart.is_type, lambda _: events.SpeechStarted()),
    (AudioStop.is_type, lambda event: events.SpeechStopped(_timestamp(event))),
    (Transcribe.is_type, lambda _: events.Transcribing()),
    (VoiceStarted.is_type, lambda _: events.VoiceStarted()),
    (VoiceStopped.is_type, lambda _: events.VoiceStopped()),
    (Transcript.is_type, lambda event: events.Transcribed(_text(event, "text"))),
    (Synthesize.is_type, lambda event: events.Synthesized(_text(event, "text"))),
    (Detection.is_type, lambda event: events.WordDetected(_text(event, "name"))),
    (Error.is_type, lambda event: events.Failed(_text(event, "code"), _text(event, "text"))),
)
