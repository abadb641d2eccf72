"""The least that is a satellite: answers `describe` and `ping`, and sends what a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

from wyoming.audio import AudioChunk
from wyoming.info import Attribution, Describe, Info, Satellite
from wyoming.ping import Ping, Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import RunSatellite

from interject.wire.framing import DEFAULT_LIMITS, read_event, write_event
from tools.fake_home_assistant.script import HEARING_RATE_HZ, WIDTH

if TYPE_CHECKING:
    from wyoming.event import Event

NULL_RUN = RunPipeline(start_stage=PipelineStage.TTS, end_stage=PipelineStage.TTS).event()
RUN = RunPipeline(start_stage=PipelineStage.ASR, end_stage=PipelineStage.TTS).event()
_CHUNK_BYTES = 2048


class PlainSatellite:
    """`connect` is what the fake needs; the live connection is the last that sent `run-satellite`."""

    def __init__(self) -> None:
        self.answers_pings = True
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._live: asyncio.StreamWriter | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Make a connection that never leaves the process: nothing is ever on its way."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours, limit=DEFAULT_LIMITS.header_bytes)
        self.attend(reader, writer)
        return await asyncio.open_connection(sock=theirs, limit=DEFAULT_LIMITS.header_bytes)

    def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection; also good for asyncio.start_server."""
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer), name="plain satellite")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send(self, *events: Event) -> None:
        """Send over the live connection, in one go."""
        assert self._live is not None
        for event in events:
            await write_event(event, self._live)

    async def say(self, audio: bytes) -> None:
        """Send microphone audio."""
        for start in range(0, len(audio), _CHUNK_BYTES):
            chunk = audio[start : start + _CHUNK_BYTES]
            await self.send(AudioChunk(rate=HEARING_RATE_HZ, width=WIDTH, channels=1, audio=chunk).event())

    async def hang_up(self) -> None:
        """Close the live connection."""
        assert self._live is not None
        self._live.close()

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                while (event := await read_event(reader)) is not None:
                    if Describe.is_type(event.type):
                        await write_event(_info().event(), writer)
                    elif Ping.is_type(event.type) and self.answers_pings:
                        await write_event(Pong().event(), writer)
                    elif RunSatellite.is_type(event.type):
                        self._live = writer
        finally:
            writer.transport.abort()


def _info() -> Info:
    known: dict[str, Any] = {"attribution": Attribution(name="", url=""), "installed": True, "version": "1"}
    return Info(satellite=Satellite(name="plain", description="", area=None, **known))
