"""The same over real TCP and in real time, and that nothing is left behind."""

from __future__ import annotations

import asyncio

from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings, HomeAssistantTransport
from interject.wire.service import Service
from tools.fake_home_assistant.link import connector
from tools.fake_home_assistant.peer import FakeHomeAssistant
from tools.fake_home_assistant.script import Reply, Turn, tone
from tools.testing.patience import expecting
from tools.virtual.home_assistant_house import SECOND, House, Room, info, voice
from tools.virtual.network import cancelled


async def test_a_turn_and_a_barge_in_over_tcp() -> None:
    link, room = HomeAssistantLink(), Room()
    transport = HomeAssistantTransport(link, HomeAssistantSettings())
    room.transport = transport
    service = Service("tcp://127.0.0.1:0", info, link.session)
    uri = await service.start()
    work = asyncio.create_task(transport.run(room))
    turns = [Turn("one", Reply("Old.", tone(20.0))), Turn("two", Reply("New.", tone(1.0, value=7)))]
    try:
        async with expecting("a turn and a barge-in to be over"), FakeHomeAssistant(connector(uri), turns) as home:
            await home.connected()
            await room.until(lambda: room.noted("connected"))
            here = House(link, service, transport, room, home)
            await here.speak(1, voice(0.2))
            await here.speaking(1)
            transport.open_stt(2)
            await here.say(2, voice(0.2, SECOND))
            here.interrupt(1)
            await home.sent("transcribe", 2)
            await here.say(2, voice(0.2, SECOND))
            transport.end_stt(2)
            await here.answered(2)
            assert home.utterances[1].audio == voice(0.4, SECOND)
            assert room.audio[2] == tone(1.0, value=7)
            assert home.runs.dropped == 0
    finally:
        await cancelled(work)
        await service.stop()
