"""`interject-satellite ctl` commands a satellite that runs, beside a conversation."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from tests.processes.house import House, Running, house, satellite_flags, started
from tools.testing.patience import eventually
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from pathlib import Path


class Ctl:
    """The command line, for one control socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    @property
    def flags(self) -> tuple[str, ...]:
        return ("--control-socket", str(self._socket))

    async def __call__(self, *words: str) -> tuple[int, str]:
        """Return the exit status, and what was printed to either."""
        return await run("ctl", *self.flags, *words)

    async def status(self) -> dict[str, Any]:
        code, printed = await self("status")
        assert code == 0, printed
        status: dict[str, Any] = json.loads(printed)
        return status


async def run(*words: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interject.satellite", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode().strip()


@real_time
async def test_a_reply_is_asked_for_by_button_made_softer_and_stopped(tmp_path: Path) -> None:
    """The room waits for a wake word that never comes; what is said after `listen` is understood all the same."""
    ctl = Ctl(tmp_path / "ctl.sock")
    flags = (*ctl.flags, "--wake-word", "local", "--no-stop-words", "--vad-wake-word-timeout", "60")
    with house(tmp_path, [("tell_me_a_long_story", "at_s", 6.0)], {"satellite": flags}) as running:
        satellite = running["satellite"]
        assert (await ctl("health")) == (0, "Interject satellite: healthy")
        assert (await ctl("listen"))[0] == 0
        await satellite.traced("reply-started")
        assert (await ctl.status())["state"] == "speaking"
        assert await ctl("volume", "20") == (0, "20")
        assert await ctl("volume", "down") == (0, "10")
        assert await ctl("stop") == (0, "")
        assert (await satellite.traced("interrupt"))[0]["reason"] == "stop-word"
        status = await ctl.status()
    assert (status["state"], status["volume"], status["pipeline"]) == ("idle", 10, "direct")
    assert [server["kind"] for server in status["servers"]] == ["stt", "llm", "tts"]


async def said_when(ctl: Ctl, *, healthy: bool) -> str:
    """Ask for the satellite's health until it is as wanted, and return what was printed then."""
    said: list[str] = []

    async def look() -> None:
        while not said:
            code, printed = await ctl("health")
            if (code == 0) is healthy:
                said.append(printed)

    looking = asyncio.create_task(look())
    await eventually(lambda: bool(said), f"the satellite to be {'healthy' if healthy else 'unwell'}")
    await looking
    return said[0]


async def test_health_names_a_server_that_is_gone(tmp_path: Path) -> None:
    ctl = Ctl(tmp_path / "ctl.sock")
    with house(tmp_path, [], {"satellite": ctl.flags}) as running:
        assert (await run("health", *ctl.flags))[0] == 0
        running["stt"].kill()
        assert (await ctl("listen"))[0] == 0
        printed = await said_when(ctl, healthy=False)
        assert printed.startswith("stt server: cannot connect to tcp://")
        running["stt"].start()
        running["stt"].wait_until_up()
        await said_when(ctl, healthy=True)


async def test_a_satellite_that_waits_for_home_assistant_is_healthy_and_found_by_itself(tmp_path: Path) -> None:
    homes = {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "s")}
    code, printed = await run("ctl", "status", environment=homes)
    assert (code, "no satellite runs here" in printed) == (2, True)
    socket = tmp_path / "interject" / "hall.sock"
    socket.parent.mkdir()
    room = satellite_flags({}, tmp_path, [])
    flags = (*room, "--pipeline", "home-assistant", "--control-socket", str(socket), "--name", "Hall")
    with started(House(satellite=Running("satellite", tmp_path, flags))):
        assert await run("health", environment=homes) == (0, "Hall: healthy")
        assert await run("ctl", "toggle-mute", environment=homes) == (0, "muted")
        code, printed = await run("ctl", "listen", environment=homes)
        assert (code, printed) == (1, "interject-satellite: the microphone is off; switch it on first, with unmute")
        assert await run("ctl", "--name", "Hall", "toggle-mute", environment=homes) == (0, "unmuted")
        code, printed = await run("ctl", "--name", "Attic", "status", environment=homes)
        assert (code, "attic.sock" in printed) == (2, True)


async def test_events_are_streamed_as_lines(tmp_path: Path) -> None:
    ctl = Ctl(tmp_path / "ctl.sock")
    with started(House(satellite=Running("satellite", tmp_path, (*satellite_flags({}, tmp_path, []), *ctl.flags)))):
        watching = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interject.satellite", "ctl", *ctl.flags, "events", stdout=asyncio.subprocess.PIPE
        )
        assert watching.stdout is not None
        lines: list[bytes] = []

        async def read() -> None:
            assert watching.stdout is not None
            lines.append(await watching.stdout.readline())

        reading = asyncio.create_task(read())
        # When it has connected nobody tells: the switch is thrown until it was seen.
        while not lines:
            await ctl("toggle-mute")
        await reading
        assert json.loads(lines[0])["type"] in {"pause-satellite", "run-satellite"}
        watching.terminate()
        await watching.wait()
