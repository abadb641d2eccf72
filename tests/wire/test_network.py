"""Two network namespaces, as two machines on one cable: what runs in one is found from the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tools.testing.patience import PATIENCE_S, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).resolve().parents[2]
ROOM_ADDRESS = "10.77.0.2"
HOME_ADDRESS = "10.77.0.1"
MAC = "02:00:5e:10:00:02"
SATELLITE = (
    "interject.satellite", "--home-assistant", "--audio", "simulated", "--name", "Kitchen", "--stt-uri", "tcp://127.0.0.1:9",
    "--llm-uri", "tcp://127.0.0.1:9", "--tts-uri", "tcp://127.0.0.1:9", "--control-socket", "none",
)  # fmt: skip
BRIDGE = ("interject.servers.llm", "--uri", "tcp://0.0.0.0:10800", "--zeroconf", "--backend", "offline")
SERVERS = (("stt", 10_300), ("llm", 10_800, "--backend", "offline"), ("tts", 10_200))
TYPING = ("interject.satellite", "--text", "--name", "Kitchen", "--control-socket", "none")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=PATIENCE_S)


@dataclass(frozen=True)
class Network:
    """A cable between two machines: `room` runs what is to be found, `home` is where Home Assistant looks."""

    room: str
    home: str

    def set_room_address(self, address: str) -> None:
        ip("-n", self.room, "addr", "flush", "dev", "cable")
        ip("-n", self.room, "addr", "add", f"{address}/24", "dev", "cable")

    def plug_in(self) -> None:
        ip("-n", self.room, "link", "set", "cable", "up")


@pytest.fixture
def network() -> Iterator[Network]:
    """Lay the cable; the room's end has no address and is down yet."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    made = Network(f"interject-room-{os.getpid()}", f"interject-home-{os.getpid()}")
    try:
        try:
            ip("netns", "add", made.room)
            ip("netns", "add", made.home)
            ip("-n", made.room, "link", "add", "cable", "address", MAC, "type", "veth",
               "peer", "name", "cable", "netns", made.home)  # fmt: skip
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine lets nobody make network namespaces: {error.stderr.strip()}")
        for name in (made.room, made.home):
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", made.home, "addr", "add", f"{HOME_ADDRESS}/24", "dev", "cable")
        ip("-n", made.home, "link", "set", "cable", "up")
        yield made
    finally:
        for name in (made.room, made.home):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=PATIENCE_S)


@contextlib.asynccontextmanager
async def running(namespace: str, *arguments: str, ready: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a module there; what it prints is read until a line has `ready` in it, if given. Stopped with the context."""
    process = await asyncio.create_subprocess_exec(
        "ip", "netns", "exec", namespace, sys.executable, "-m", *arguments,
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        if ready:
            await line_with(process, ready)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        rest, _ = await process.communicate()
        # pytest shows it where a test fails.
        print(f"--- {' '.join(arguments)}, status {process.returncode}:\n{rest.decode()}")


async def line_with(process: asyncio.subprocess.Process, text: str) -> str:
    assert process.stdout is not None
    seen: list[str] = []
    try:
        async with expecting(f"a line that has {text!r} in it"):
            while line := (await process.stdout.readline()).decode():
                seen.append(line)
                print(line, end="")
                if text in line:
                    return line
        pytest.fail(f"expected a line that has {text!r} in it: the program has ended")
    except (AssertionError, pytest.fail.Exception) as error:
        error.add_note(f"--- what it said:\n{''.join(seen)}")
        raise


class Eyes:
    """What Home Assistant sees; every event is kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.seen: list[dict[str, Any]] = []

    async def see(self, **wanted: Any) -> dict[str, Any]:
        """Wait for the next event with these fields."""
        while True:
            event: dict[str, Any] = json.loads(await line_with(self._process, "{"))
            self.seen.append(event)
            if all(event.get(key) == value for key, value in wanted.items()):
                return event


@contextlib.asynccontextmanager
async def looking(network: Network) -> AsyncIterator[Eyes]:
    async with running(network.home, "tests.wire.home_assistant_eyes", ready="ready") as process:
        yield Eyes(process)


pytestmark = pytest.mark.timeout(300)


async def test_a_satellite_and_a_server_are_offered_under_names_that_stay(network: Network, tmp_path: Path) -> None:
    network.set_room_address(ROOM_ADDRESS)
    network.plug_in()
    async with looking(network) as eyes:
        async with running(network.room, *BRIDGE, "--store", str(tmp_path / "store"), ready="eady"):
            bridge = await eyes.see(event="offered", satellite=False)
        async with running(network.room, *SATELLITE, ready="Ready"):
            first = await eyes.see(event="offered", satellite=True)
        await eyes.see(event="removed", name=first["unique_id"].removesuffix("_Kitchen"))
        async with running(network.room, *SATELLITE, ready="Ready"):
            again = await eyes.see(event="offered", satellite=True)
    assert bridge["port"] == 10_800
    instance = MAC.replace(":", "")
    assert first == {
        "event": "offered",
        "host": ROOM_ADDRESS,
        "port": 10_700,
        "title": "Kitchen",
        "unique_id": f"{instance}._wyoming._tcp.local._Kitchen",
        "properties": {},
        "satellite": True,
    }
    assert again == first


async def test_servers_started_as_the_readme_says_are_found_and_used_from_another_machine(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By typing, which needs no sound card; the bridge with its built-in responder, which needs no model."""
    # Where the satellite remembers them.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    network.set_room_address(ROOM_ADDRESS)
    network.plug_in()
    async with contextlib.AsyncExitStack() as stack:
        for server, port, *own in SERVERS:
            where = ("--uri", f"tcp://0.0.0.0:{port}", "--zeroconf", *own)
            store = ("--store", str(tmp_path / "store")) if server == "llm" else ()
            announced = running(network.home, f"interject.servers.{server}", *where, *store, ready="announced as")
            await stack.enter_async_context(announced)
        typing = await stack.enter_async_context(running(network.room, *TYPING))
        assert typing.stdin is not None
        typing.stdin.write(b"count to three\n")
        await line_with(typing, "two")


async def test_a_new_address_is_announced_while_the_satellite_runs(network: Network) -> None:
    network.set_room_address(ROOM_ADDRESS)
    network.plug_in()
    async with looking(network) as eyes, running(network.room, *SATELLITE, ready="Ready"):
        before = await eyes.see(event="offered", host=ROOM_ADDRESS)
        moved = []
        for address in ("10.77.0.3", "10.77.0.4"):
            network.set_room_address(address)
            moved.append(await eyes.see(event="offered", host=address))
    assert moved == [{**before, "host": "10.77.0.3"}, {**before, "host": "10.77.0.4"}]


async def test_a_satellite_is_offered_once_the_network_is_there(network: Network) -> None:
    async with looking(network) as eyes, running(network.room, *SATELLITE, ready="Ready") as satellite:
        network.plug_in()
        network.set_room_address(ROOM_ADDRESS)
        await line_with(satellite, f"at {ROOM_ADDRESS}")
        offered = await eyes.see(event="offered", host=ROOM_ADDRESS)
    assert offered["unique_id"].startswith(MAC.replace(":", ""))


async def test_a_satellite_that_is_announced_to_its_own_machine_is_offered_to_nobody_else(network: Network) -> None:
    network.set_room_address(ROOM_ADDRESS)
    network.plug_in()
    async with looking(network) as eyes:
        flags = ("--uri", "tcp://0.0.0.0:10701", "--zeroconf-host", "127.0.0.1")
        alone = running(network.room, *SATELLITE, *flags, ready="this machine alone")
        async with alone, running(network.room, *SATELLITE, "--zeroconf-name", "other", ready="Ready"):
            await eyes.see(event="offered", port=10_700)
    assert {event.get("port") for event in eyes.seen} == {10_700}
