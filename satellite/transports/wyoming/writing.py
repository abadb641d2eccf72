"""What Home Assistant is told, in the words of its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk, AudioStop
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import StreamingStarted, StreamingStopped
from wyoming.wake import Detection

from interject.satellite.transports.direct.stt_stream import RATE_HZ

if TYPE_CHECKING:
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
