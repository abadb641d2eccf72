"""A satellite bears whatever a peer sends that it takes for Home Assistant."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wyoming.satellite import RunSatellite

from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings, HomeAssistantTransport
from interject.wire.framing import encoded
from interject.wire.service import Service
from tests.wire.hostile import check_withstood
from tools.virtual.home_assistant_house import Room, info
from tools.virtual.network import cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@asynccontextmanager
async def satellite() -> AsyncIterator[str]:
    link, room = HomeAssistantLink(), Room()
    transport = HomeAssistantTransport(link, HomeAssistantSettings())
    room.transport = transport
    service = Service("tcp://127.0.0.1:0", info, link.session)
    work = asyncio.create_task(transport.run(room))
    try:
        yield await service.start()
        assert not work.done(), work
    finally:
        await cancelled(work)
        await service.stop()


def test_a_satellite_bears_whatever_it_is_sent_and_answers_everybody_else(caplog: pytest.LogCaptureFixture) -> None:
    check_withstood("satellite", satellite(), prelude=encoded(RunSatellite().event()))
    assert not [record for record in caplog.records if record.exc_info]
