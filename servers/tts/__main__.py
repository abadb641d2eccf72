"""`python -m interject.servers.tts`: the text-to-speech server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from wyoming.info import Info

from interject.servers.common import run_server, serve_as
from interject.servers.tts.engines import open_engine
from interject.servers.tts.handler import TtsSession
from interject.servers.tts.reply import ReplyOptions
from interject.servers.tts.settings import TtsSettings
from interject.servers.tts.synthesis_queue import SynthesisQueue
from interject.wire.discovery import ServiceKind
from interject.wire.service import Service
from interject.wire.trace import open_trace

if TYPE_CHECKING:
    from interject.servers.tts.engines.base import Engine
    from interject.wire.peer import Peer
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger("interject.servers.tts")


async def serve(settings: TtsSettings) -> None:
    """Run the server until it is told to stop; raises SettingError, BadUriError."""
    trace = await asyncio.to_thread(open_trace, settings.trace_file, "tts")
    async with contextlib.AsyncExitStack() as stack:
        engine = await open_engine(settings)
        stack.push_async_callback(engine.close)
        queue = SynthesisQueue()
        stack.push_async_callback(queue.close)
        _LOGGER.info("engine: %s", engine.program().name)
        service = make_service(settings, engine, queue, trace)
        await serve_as(ServiceKind.TTS, service, settings, trace, engine.keep())


def make_service(settings: TtsSettings, engine: Engine, queue: SynthesisQueue, trace: Trace) -> Service:
    """Put the service together; it is not listening yet."""
    pause_s = engine.sentence_pause_s if settings.sentence_silence is None else settings.sentence_silence
    rules = settings.access_rules()
    options = ReplyOptions(pause_s, settings.auto_punctuation, settings.samples_per_chunk)

    def info() -> Info:
        program = engine.program()
        program.supports_synthesize_streaming = not settings.no_streaming
        return Info(tts=[program])

    def session(peer: Peer) -> TtsSession:
        return TtsSession(peer, engine, queue, options, trace, rules, streaming=not settings.no_streaming)

    return Service(settings.uri, info, session, rules=rules)


def main() -> int:
    """Run the server; returns the exit status."""
    return run_server(TtsSettings, "tts", "Speaks text, streaming, with the times of the words.", serve)


if __name__ == "__main__":
    sys.exit(main())
