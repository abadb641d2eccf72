"""Waits until a server can do its work: a model may have to be downloaded and loaded first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.tts import Synthesize

from interject.wire.client import connect
from interject.wire.errors import InterjectError, PeerSilentError, WireError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wyoming.event import Event

# The servers give up loading after 60 s (TTS) and 120 s (STT) by themselves, and say why.
_LOAD_TIMEOUT_S = 150.0
_RATE_HZ = 16_000
_WIDTH = 2
# 0.2 s: enough for every engine to work, too short to take time.
_SILENCE = bytes(_RATE_HZ // 5 * _WIDTH)


class NotReadyError(InterjectError):
    """A server runs and cannot do its work."""

    def __init__(self, name: str, cause: WireError) -> None:
        super().__init__(f"the {name} server cannot work: {cause}")
        self.name = name
        self.cause = cause


async def warm_up_stt(uri: str) -> None:
    """Have a moment of silence transcribed; raises NotReadyError."""
    start = AudioStart(rate=_RATE_HZ, width=_WIDTH, channels=1)
    audio = AudioChunk(rate=_RATE_HZ, width=_WIDTH, channels=1, audio=_SILENCE)
    await _ask("stt", uri, [Transcribe().event(), start.event(), audio.event(), AudioStop().event()], Transcript)


async def warm_up_tts(uri: str, text: str = "Hello.") -> None:
    """Have a text spoken; raises NotReadyError."""
    await _ask("tts", uri, [Synthesize(text=text).event()], AudioStop)


async def _ask(name: str, uri: str, events: Sequence[Event], last: type[Transcript | AudioStop]) -> None:
    try:
        connection = await connect(uri)
        try:
            async with asyncio.timeout(_LOAD_TIMEOUT_S):
                for event in events:
                    await connection.send(event)
                while not last.is_type((await connection.receive()).type):
                    pass
        except TimeoutError:
            raise PeerSilentError(uri, "answer", _LOAD_TIMEOUT_S) from None
        finally:
            await connection.close()
    except WireError as error:
        raise NotReadyError(name, error) from None
