"""The speech-to-text server: an engine behind a Wyoming service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wyoming.info import Info

from interject.servers.common import serve_as
from interject.servers.stt.engines import open_engine
from interject.servers.stt.handler import SttSession
from interject.servers.stt.worker_pool import WorkerPool
from interject.wire.discovery import ServiceKind
from interject.wire.service import Service
from interject.wire.trace import open_trace

if TYPE_CHECKING:
    from interject.servers.stt.engines.base import Engine
    from interject.servers.stt.settings import SttSettings
    from interject.wire.trace import Trace


async def serve(settings: SttSettings) -> None:
    """Serve until told to stop; raises InterjectError for settings that cannot work."""
    trace = await asyncio.to_thread(open_trace, settings.trace_file, "stt")
    engine = await open_engine(settings)
    workers = WorkerPool(settings.sessions, settings.max_waiting)
    try:
        await engine.start()
        service = make_service(settings, engine, workers, trace)
        await serve_as(ServiceKind.STT, service, settings, trace, engine.keep())
    finally:
        workers.close()


def make_service(settings: SttSettings, engine: Engine, workers: WorkerPool, trace: Trace) -> Service:
    """Put the service together; it is not listening yet."""
    rules = settings.access_rules()
    return Service(
        settings.uri,
        info=lambda: Info(asr=[engine.info()]),
        make_session=lambda peer: SttSession(peer, engine, workers, trace, settings.max_audio_s, rules),
        rules=rules,
    )
