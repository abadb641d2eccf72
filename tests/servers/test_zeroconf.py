"""Each server, as its own process, is found by who looks for Wyoming services, and only if it was asked to be."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from zeroconf import DNSQuestionType
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from interject.wire.discovery import ServiceKind, advertise, browse, find_services
from tools.testing.patience import eventually, expecting, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.wire.discovery import Found

LOOPBACK = ["127.0.0.1"]
SERVICE_TYPE = "_wyoming._tcp.local."
LOOK_S = 0.5
# A busy machine may miss the first ones.
LOOKS = 3


@pytest.fixture(scope="module")
def multicast() -> None:
    """Skip where the loopback interface carries no multicast."""

    async def works() -> bool:
        async with advertise(name="probe", uri="tcp://127.0.0.1:9", host=None, interfaces=LOOPBACK) as registered:
            return registered is not None and any([await browse(LOOK_S, LOOPBACK) for _ in range(LOOKS)])

    if not asyncio.run(works()):
        pytest.skip("multicast does not work on this machine's loopback interface")


@pytest.fixture(params=["stt", "llm", "tts"])
async def kind(request: pytest.FixtureRequest) -> ServiceKind:
    return ServiceKind(request.param)


@pytest.fixture
def name(kind: ServiceKind) -> str:
    """Give a name that no test beside this one announces on the same machine."""
    return f"{kind.value} of {os.getpid()}"


@pytest.fixture
async def uri(kind: ServiceKind, name: str, tmp_path: Path) -> AsyncIterator[str]:
    """Run a server that announces itself by its name, to this machine alone; gives the URI to be found."""
    trace = tmp_path / "trace"
    own = ("--store", str(tmp_path / "store")) if kind is ServiceKind.LLM else ()
    everywhere = ("--uri", "tcp://0.0.0.0:0", "--zeroconf", name, "--zeroconf-host", "127.0.0.1")
    flags = (*everywhere, "--allow", "127.0.0.1", "--trace-file", str(trace), *own)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"interject.servers.{kind.value}", *flags, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        found = await eventually(lambda: lines_of(trace, "listening") or process.returncode, "the server to listen")
        assert isinstance(found, list), f"the server ended with status {found}"
        yield str(found[0]["uri"]).replace("0.0.0.0", "127.0.0.1")
    except BaseException as error:
        show(error, [trace])
        raise
    finally:
        process.kill()
        await process.wait()


def lines_of(trace: Path, kind: str) -> list[dict[str, object]]:
    lines = trace.read_text(encoding="utf-8").split("\n")[:-1] if trace.exists() else []
    return [record for record in map(json.loads, lines) if record["type"] == kind]


async def test_a_server_is_found_by_its_name_and_says_what_it_does(
    multicast: None, kind: ServiceKind, name: str, uri: str
) -> None:
    found: list[Found] = []
    async with expecting("the server to be found by its name"):
        while not (found := [each for each in await browse(LOOK_S, LOOPBACK) if each.name == name]):
            pass
    assert [each.uri for each in found] == [uri]

    async def look(_: float) -> list[Found]:
        return found

    assert await find_services(kind, 0, look=look) == found


async def test_the_announcement_has_no_properties(multicast: None, name: str, uri: str) -> None:
    """Home Assistant expects none."""
    zeroconf = AsyncZeroconf(interfaces=LOOPBACK)
    try:
        info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
        async with expecting("the server to answer who asks for its announcement"):
            while not await info.async_request(zeroconf.zeroconf, 1000, question_type=DNSQuestionType.QM):
                pass
        assert info.properties == {}
        assert info.port == int(uri.rpartition(":")[2])
    finally:
        await zeroconf.async_close()
