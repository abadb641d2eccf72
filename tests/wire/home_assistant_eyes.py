"""A program that looks for Wyoming services as Home Assistant does, and tells what it would offer there.

Like its `zeroconf` component it browses for the service type, takes what the announcement says about the service from
the cache or asks for it, and chooses the first address that is not link-local. Like its `wyoming` component it then
connects, asks the service to describe itself, and makes the title and the unique id of the entry. Each line of output
is a JSON object: {"event": "ready"}, {"event": "offered", …} or {"event": "removed", "name": …}.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

_TYPE = "_wyoming._tcp.local."
# It waits 3 and 5 s; how busy the machine of the test is shall not matter.
_REQUEST_TIMEOUT_MS = 60_000
_INFO_TIMEOUT_S = 60
_INFO_RETRIES = 3
_INFO_RETRY_WAIT_S = 2


def tell(**told: Any) -> None:
    print(json.dumps(told), flush=True)


async def describe(host: str, port: int) -> Info:
    async with AsyncTcpClient(host, port) as client, asyncio.timeout(_INFO_TIMEOUT_S):
        await client.write_event(Describe().event())
        while (event := await client.read_event()) is not None:
            if Info.is_type(event.type):
                return Info.from_event(event)
    raise ConnectionError("closed before it said what it is")


async def offer(zeroconf: Zeroconf, name: str) -> None:
    service = AsyncServiceInfo(_TYPE, name)
    if not service.load_from_cache(zeroconf):
        await service.async_request(zeroconf, _REQUEST_TIMEOUT_MS)
    addresses = [ip for ip in service.ip_addresses_by_version(IPVersion.All) if not ip.is_link_local]
    if not addresses or service.port is None:
        tell(event="no-address", name=name)
        return
    for _ in range(_INFO_RETRIES + 1):
        try:
            info = await describe(str(addresses[0]), service.port)
            break
        except (OSError, TimeoutError) as error:
            tell(event="unreachable", name=name, host=str(addresses[0]), error=repr(error))
            await asyncio.sleep(_INFO_RETRY_WAIT_S)
    else:
        return
    programs = [*info.asr, *info.tts, *info.handle]
    title = info.satellite.name if info.satellite else programs[0].name
    tell(
        event="offered",
        host=str(addresses[0]),
        port=service.port,
        title=title,
        unique_id=f"{name}_{title}",
        properties=service.decoded_properties,
        satellite=info.satellite is not None,
    )


async def main() -> None:
    zeroconf = AsyncZeroconf()
    async with asyncio.TaskGroup() as offers:

        def changed(*, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
            if state_change is ServiceStateChange.Removed:
                tell(event="removed", name=name)
            else:
                offers.create_task(offer(zeroconf, name))

        AsyncServiceBrowser(zeroconf.zeroconf, _TYPE, handlers=[changed])
        tell(event="ready")
        # Until the test closes the other end.
        await asyncio.to_thread(sys.stdin.read)
    await zeroconf.async_close()


if __name__ == "__main__":
    asyncio.run(main())
