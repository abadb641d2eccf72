"""Reply audio on the wire.

Measured with Home Assistant 2026.11.0 and 2026.2.3: chunks of 1,024 frames, unpaced; each stream's timestamps start
at 0 and advance by whole milliseconds; `audio-stop` carries the next one; no event says which stream it belongs to.
Nothing stops the speech of a text that is known: after a new run's `transcribe` the old reply's audio goes on, chunk by
chunk between those of the new one, and its `audio-stop` may come in the middle of the new answer. A TTS that fails
leaves a stream that just ends, and so does an agent that streams and is cancelled: what it had said before still comes,
and no `audio-stop`. An announcement's `audio-stop` has no timestamp.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from tools.fake_home_assistant.script import SPEECH_RATE_HZ, WIDTH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from wyoming.event import Event

    from tools.fake_home_assistant.script import Reply

    Send = Callable[[Event], Awaitable[None]]

CHUNK_BYTES = 2048


def chunks(speech: bytes, rate_hz: int = SPEECH_RATE_HZ) -> Iterator[AudioChunk]:
    """Cut speech as Home Assistant does."""
    timestamp = 0
    for start in range(0, len(speech), CHUNK_BYTES):
        audio = speech[start : start + CHUNK_BYTES]
        chunk = AudioChunk(rate=rate_hz, width=WIDTH, channels=1, audio=audio, timestamp=timestamp)
        timestamp += chunk.milliseconds
        yield chunk


async def stream_reply(reply: Reply, send: Send, cut: asyncio.Event) -> None:
    """Send a reply's speech; it belongs to no run, so that nothing stops it; `cut`: no more text comes."""
    await asyncio.sleep(reply.synthesis_s)
    if reply.fails_after_chunks == 0:
        return
    if not reply.no_audio_start:
        await send(_start(reply.rate_hz).event())
    timestamp = 0
    ahead = reply.ahead_chunks
    for number, chunk in enumerate(chunks(reply.speech, reply.rate_hz)):
        if number == reply.fails_after_chunks or (cut.is_set() and ahead == 0):
            return
        ahead -= cut.is_set()
        await send(chunk.event())
        await asyncio.sleep(reply.pace_s)
        timestamp = (chunk.timestamp or 0) + chunk.milliseconds
    if reply.fails_after_chunks is None:
        await send(AudioStop(timestamp=timestamp).event())


async def stream_announcement(speech: bytes, synthesis_s: float, send: Send) -> float:
    """Send an announcement, and return the seconds that Home Assistant takes it to last."""
    # Before there is anything to send.
    await send(_start().event())
    await asyncio.sleep(synthesis_s)
    timestamp = 0
    for chunk in chunks(speech):
        await send(chunk.event())
        await asyncio.sleep(0)
        timestamp += chunk.milliseconds
    await send(AudioStop().event())
    return timestamp / 1000


def _start(rate_hz: int = SPEECH_RATE_HZ) -> AudioStart:
    return AudioStart(rate=rate_hz, width=WIDTH, channels=1, timestamp=0)
