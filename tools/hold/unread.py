"""Connections that ask and ask, and never read an answer."""

from __future__ import annotations

import asyncio
import socket
from enum import Enum
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.tts import Synthesize

from interject.wire.framing import encoded
from tools.hold.caller import HERE, STRANGER, call
from tools.hold.part import Row, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wyoming.event import Event

    from tools.hold.caller import Call
    from tools.hold.measure import Watch

_CONNECTIONS = {Size.SHORT: 10, Size.FULL: 40}
_STAYS_S = {Size.SHORT: 1.0, Size.FULL: 20.0}
# What is answered with the most bytes; more of it than the buffers of both ends hold.
_PING = encoded(Ping(text="x" * 60_000).event())
_DESCRIBE = encoded(Describe().event())
_PINGS = 400
_RECEIVE_BUFFER_BYTES = 4096
_LONG_TEXT = "She sells sea shells by the sea shore. " * 25
# What the kernel does not take of the answers waits in the process: a few frames for each connection.
_MOST_MB = 64.0


class _Ends(Enum):
    """What became of a connection that does not read."""

    STALLED = "stalled"
    GIVEN_UP = "given up"
    READ_ON = "read on"


async def never_read(watch: Watch, size: Size) -> Row:
    """Ask for work, then for descriptions without end, and see whether others are still served."""
    house, count, stays_s = watch.house, _CONNECTIONS[size], _STAYS_S[size]

    async def one(name: str, number: int) -> _Ends:
        try:
            with await call(house.uris[name], STRANGER) as attacker:
                _stop_reading(attacker)
                async with asyncio.timeout(stays_s):
                    for _ in range(_PINGS):
                        for event in _work(name, number):
                            await attacker.send(event)
                        await attacker.write(_DESCRIBE + _PING)
                    return _Ends.READ_ON
        except TimeoutError:
            return _Ends.STALLED
        except OSError:
            return _Ends.GIVEN_UP

    async with watch.during() as damage:
        attacks = asyncio.gather(*(one(name, number) for name in house.uris for number in range(count)))
        await asyncio.sleep(stays_s / 2)
        unserved = [name for name, uri in house.uris.items() if not await _served(name, uri)]
        ends = await attacks
    stalled, given_up = ends.count(_Ends.STALLED), ends.count(_Ends.GIVEN_UP)
    served = f"{', '.join(unserved)} serve nobody else" if unserved else "others are served"
    return Row(
        "clients that ask and never read",
        f"{count} to each of {len(house.uris)} listeners, {stays_s:.0f} s",
        f"{damage.memory()}; {served}; {stalled} were not read from any more, {given_up} given up; {damage.told()}",
        f"none is read from without end, {_MOST_MB:.0f} MB more at most for as long as they stay, others are served, "
        "nobody disturbed",
        held=damage.harmless
        and not unserved
        and stalled + given_up == len(ends)
        and not damage.grown(dict.fromkeys(house.uris, _MOST_MB)),
    )


def _stop_reading(attacker: Call) -> None:
    attacker.stop_reading()
    connection: socket.socket = attacker.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)


def _work(name: str, number: int) -> Sequence[Event]:
    """Return what makes a server work for a client."""
    if name == "tts":
        return [Synthesize(text=_LONG_TEXT).event()]
    if name == "llm":
        return [Transcript(text="count to twenty", context={"conversation_id": f"unread-{number}"}).event()]
    return []


async def _served(name: str, uri: str) -> bool:
    """Tell whether somebody else gets what the server is there for."""
    asked, answer = Describe().event(), "info"
    if name == "tts":
        asked, answer = Synthesize(text="Yes.").event(), "audio-stop"
    elif name == "llm":
        asked = Transcript(text="what time is it", context={"conversation_id": "reads"}).event()
        answer = "handled"
    with await call(uri, HERE) as other:
        await other.send(asked)
        return await other.receive_one_of(answer) is not None
