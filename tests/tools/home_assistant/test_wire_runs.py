"""The traffic of a proxy is taken apart as Home Assistant put it together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.tts import Synthesize

from tools.home_assistant.proxy import Passed
from tools.home_assistant.wire_runs import runs_of, stale_chunks, streams_of

if TYPE_CHECKING:
    from wyoming.event import Eventable

RATE_HZ = 22_050
# One second in whole milliseconds, which is what the timestamps count.
SECOND = bytes(2 * RATE_HZ)


def seen(mono: float, event: Eventable, *, role: str = "satellite", from_home: bool = True) -> Passed:
    return Passed(mono, role, 1, from_home, event.event())


def start(mono: float) -> Passed:
    return seen(mono, AudioStart(rate=RATE_HZ, width=2, channels=1, timestamp=0))


def chunk(mono: float, timestamp: int, audio: bytes = SECOND) -> Passed:
    return seen(mono, AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=audio, timestamp=timestamp))


def run(mono: float, scene_run: PipelineStage = PipelineStage.ASR) -> Passed:
    return seen(mono, RunPipeline(start_stage=scene_run, end_stage=PipelineStage.TTS), from_home=False)


def microphone(mono: float, role: str = "satellite") -> Passed:
    event = AudioChunk(rate=16_000, width=2, channels=1, audio=bytes(32_000))
    return seen(mono, event, role=role, from_home=role == "stt")


def test_two_replies_chunk_by_chunk_are_two_streams() -> None:
    old, new = b"\1" * len(SECOND), b"\2" * len(SECOND)
    wire = [
        start(0), chunk(0.1, 0, old), chunk(0.2, 1000, old), start(0.3), chunk(0.4, 0, new), chunk(0.5, 2000, old),
        chunk(0.6, 1000, new), seen(0.7, AudioStop(timestamp=3000)), seen(0.8, AudioStop(timestamp=2000)),
    ]  # fmt: skip
    first, second = streams_of(wire)
    assert b"".join(audio for _, audio in first.chunks) == old * 3
    assert b"".join(audio for _, audio in second.chunks) == new * 2
    assert (first.stopped, second.stopped) == (0.7, 0.8)


def test_an_announcement_is_the_stream_without_a_timestamp_at_its_end() -> None:
    (stream,) = streams_of([start(0), chunk(0.1, 0), seen(0.2, AudioStop())])
    assert not stream.timestamped_stop


def test_stale_are_the_chunks_of_streams_from_before_a_commit() -> None:
    wire = [start(0), chunk(0.1, 0), start(1.1), chunk(1.2, 1000), chunk(1.3, 0), chunk(1.4, 2000)]
    assert stale_chunks(streams_of(wire), 1.0, 2.0) == 2


def test_what_came_of_each_run() -> None:
    null_then_run = runs_of(
        [
            run(0, PipelineStage.TTS), seen(0.01, Error(text="no text", code="validation-error")), run(0.02),
            seen(0.03, Transcribe()), microphone(0.5), microphone(0.6, "stt"), seen(1, Transcript(text="hi")),
            seen(1.1, Synthesize(text="hello")), Passed(2, "satellite", 1, False, Event("played")),
        ]
    )  # fmt: skip
    null, real = null_then_run
    assert (null.null, null.errors) == (True, ["validation-error"])
    assert (real.transcript, real.reply, real.at("satellite played")) == ("hi", "hello", 2)
    assert not real.deaf
    assert len(real.stt_audio) == 32_000


def test_a_run_whose_audio_reaches_nobody_is_deaf() -> None:
    (deaf,) = runs_of([run(0), seen(0.1, Transcribe()), microphone(1), microphone(2)])
    assert deaf.deaf
