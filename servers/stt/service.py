"""The speech-to-text server: an engine behind a Wyoming service."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
from typing import TYPE_CHECKING

from wyoming.info import Info

from interject.servers.common import serve_as
from interject.servers.stt.engines.faster_whisper import FasterWhisperEngine, whisper_options
from interject.servers.stt.engines.pocketsphinx import PocketSphinxEngine
from interject.servers.stt.handler import SttSession
from interject.servers.stt.settings import EngineChoice, SttSettings
from interject.servers.stt.worker import Seats
from interject.wire.discovery import ServiceKind
from interject.wire.service import Service
from interject.wire.trace import open_trace

if TYPE_CHECKING:
    from interject.servers.stt.engines.base import Engine
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger("interject.servers.stt")


def make_engine(settings: SttSettings) -> Engine:
    """Make the engine that the settings ask for, or the default; raises EngineMissingError."""
    choice = settings.engine or _default_engine()
    if choice is EngineChoice.POCKETSPHINX:
        return PocketSphinxEngine()
    return FasterWhisperEngine(whisper_options(settings))


def _default_engine() -> EngineChoice:
    if importlib.util.find_spec("pocketsphinx") is not None:
        _LOGGER.info("engine: pocketsphinx, the embedded default (English commands; --engine chooses another)")
        return EngineChoice.POCKETSPHINX
    _LOGGER.warning(
        "engine: faster-whisper, because pocketsphinx is not installed (it has no build for Python %d.%d, or the extra "
        "'stt' is missing); the model is downloaded on first use",
        *sys.version_info[:2],
    )
    return EngineChoice.FASTER_WHISPER


async def serve(settings: SttSettings) -> None:
    """Serve until told to stop; raises InterjectError for settings that cannot work."""
    trace = await asyncio.to_thread(open_trace, settings.trace_file, "stt")
    # Importing an engine takes up to a second.
    engine = await asyncio.to_thread(make_engine, settings)
    seats = Seats(settings.sessions, settings.max_waiting)
    try:
        await engine.start()
        service = make_service(settings, engine, seats, trace)
        await serve_as(ServiceKind.STT, service, settings, trace, engine.keep())
    finally:
        seats.close()


def make_service(settings: SttSettings, engine: Engine, seats: Seats, trace: Trace) -> Service:
    """Put the service together; it is not listening yet."""
    rules = settings.access_rules()
    return Service(
        settings.uri,
        info=lambda: Info(asr=[engine.info()]),
        make_session=lambda peer: SttSession(peer, engine, seats, trace, settings.max_audio_s, rules),
        rules=rules,
    )
