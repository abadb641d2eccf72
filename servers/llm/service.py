"""The bridge put together from its settings."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from wyoming.info import Attribution, HandleModel, HandleProgram, Info

from interject import package_version
from interject.servers.common import serve_as
from interject.servers.llm.active_replies import ActiveReplies
from interject.servers.llm.conversations import Retention
from interject.servers.llm.engines import open_engine
from interject.servers.llm.handler import Bridge, HandleSession
from interject.servers.llm.settings import LlmEngine, default_store
from interject.servers.llm.store import Store
from interject.wire.discovery import ServiceKind
from interject.wire.project import ATTRIBUTION
from interject.wire.service import SERVICE_LIMITS, Service
from interject.wire.trace import open_trace

if TYPE_CHECKING:
    from interject.servers.llm.engines.base import EngineInfo
    from interject.servers.llm.settings import LlmSettings

_LOGGER = logging.getLogger(__name__)

# All of ISO 639-1, and what Home Assistant has besides. An empty list would say the same to its newer versions; older
# ones then offer the service in no language at all.
ANY_LANGUAGE = tuple(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee "
    "el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is "
    "it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms "
    "mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk "
    "sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi "
    "yo za zh zu fil gsw yue".split()
)
# Texts of up to 100,000 characters, which JSON may write with six bytes each, and an interruption has two of them.
LIMITS = replace(SERVICE_LIMITS, data_bytes=2 << 20)
_SECONDS_PER_HOUR = 3600.0
_SECONDS_PER_MINUTE = 60.0


async def serve(settings: LlmSettings) -> None:
    """Run the bridge until it is told to stop; raises InterjectError for what the user has to mend."""
    trace = await asyncio.to_thread(open_trace, settings.trace_file, "llm")
    engine = await open_engine(settings)
    retention = Retention(
        life_s=settings.history_hours * _SECONDS_PER_HOUR,
        pause_s=settings.history_idle_minutes * _SECONDS_PER_MINUTE,
    )
    store = Store(settings.store or default_store(os.environ), retention, (settings.backend or LlmEngine.OFFLINE).value)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.close)
        await store.open()
        stack.push_async_callback(store.close)
        rules = settings.access_rules()
        replies = ActiveReplies(settings.max_requests)
        bridge = Bridge(engine, store, replies, settings.history_messages, trace, rules=rules)
        # Off the event loop, as our version is looked up on disk.
        info = await asyncio.to_thread(lambda: make_info(engine.info))
        service = Service(settings.uri, lambda: info, lambda peer: HandleSession(peer, bridge), LIMITS, rules)
        _LOGGER.info("%s; conversations are kept in %s", info.handle[0].description, store.path)
        await serve_as(ServiceKind.LLM, service, settings, trace, engine.check())


def make_info(engine: EngineInfo) -> Info:
    """Return the answer to `describe`."""
    attribution = Attribution(name=engine.author, url=engine.url)
    model = HandleModel(
        name=engine.model,
        attribution=attribution,
        installed=True,
        description=engine.description,
        version=engine.version,
        languages=list(engine.languages or ANY_LANGUAGE),
    )
    program = HandleProgram(
        name="interject-llm",
        attribution=ATTRIBUTION,
        installed=True,
        description=engine.description,
        version=package_version(),
        models=[model],
        supports_handled_streaming=True,
        supports_home_control=False,
    )
    return Info(handle=[program])
