"""Each app starts its program with what the user chose, and tells Home Assistant where it is once it can work."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

from home_assistant_apps.start import PORTS, environment
from tests.home_assistant_apps.supervisor import read_config
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_APPS = Path(__file__).parents[2] / "home_assistant_apps"
_TOKEN = "0123456789abcdef"
_KEY = "sk-a-key-that-nobody-may-see"
# Engines and sound that are here, in place of those that download a model or need a sound card.
_HERE: dict[str, dict[str, Any]] = {
    "stt": {"engine": "pocketsphinx"},
    "tts": {"engine": "espeak-ng", "voice": "en-US"},
    "llm": {"model": "a-model", "api_key": _KEY},
    "satellite": {"wake_word": "none", "wake_word_name": []},
}
_SIMULATED = {"satellite": {"INTERJECT_SATELLITE_AUDIO": "simulated"}}


class Supervisor:
    """A stand-in for Home Assistant's Supervisor: it takes announcements, after having refused the first.

    It is a chat API as well, as far as the bridge asks it when it starts.
    """

    def __init__(self) -> None:
        self.refusals = 1
        self.authorizations: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.url = ""

    async def discovery(self, request: web.Request) -> web.Response:
        self.authorizations.append(request.headers["Authorization"])
        if self.refusals:
            self.refusals -= 1
            return web.json_response({"result": "error", "message": "System is not ready"}, status=400)
        self.told.append(await request.json())
        return web.json_response({"result": "ok", "data": {"uuid": "1"}})

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "a-model", "object": "model"}]})


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    stand_in = Supervisor()
    application = web.Application()
    application.router.add_post("/discovery", stand_in.discovery)
    application.router.add_get("/v1/models", stand_in.models)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stand_in.url = site.name
    yield stand_in
    await runner.cleanup()


def free_uri() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{listening.getsockname()[1]}"


class App:
    """An app as the Supervisor runs it, but for its address: the options in a file, the rest in the environment."""

    def __init__(self, name: str, folder: Path, supervisor: Supervisor, chosen: dict[str, Any]) -> None:
        config = read_config(_APPS / name)
        self.uri = free_uri()
        options = folder / "options.json"
        options.write_text(json.dumps({**config["options"], **chosen}), encoding="utf-8")
        environ = {
            **os.environ,
            **config.get("environment", {}),
            **_SIMULATED.get(name, {}),
            f"INTERJECT_{name.upper()}_URI": self.uri,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_STATE_HOME": str(folder),
            "SUPERVISOR_TOKEN": _TOKEN,
            "HASSIO_TOKEN": _TOKEN,
        }
        flags = ["--options", str(options), "--config", str(folder), "--supervisor", supervisor.url]
        command = [sys.executable, str(_APPS / "start.py"), name, *flags]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)

    def seen(self, what: str) -> str:
        """Return what others on the machine see of the program: its command line or environment."""
        return Path(f"/proc/{self.process.pid}/{what}").read_bytes().replace(b"\0", b"\n").decode()

    async def describe(self) -> Info:
        async with AsyncClient.from_uri(self.uri) as client:
            await client.write_event(Describe().event())
            while (event := await client.read_event()) is not None:
                if Info.is_type(event.type):
                    return Info.from_event(event)
        raise AssertionError("the program hung up")


@pytest.fixture
def started(request: pytest.FixtureRequest, tmp_path: Path, supervisor: Supervisor) -> Iterator[App]:
    chat = {"base_url": f"{supervisor.url}/v1"} if request.param == "llm" else {}
    app = App(request.param, tmp_path, supervisor, {**_HERE[request.param], **chat})
    yield app
    app.process.terminate()
    app.process.wait(60)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc, as only Linux has it")
@pytest.mark.parametrize("started", sorted(_HERE), indirect=True)
async def test_home_assistant_is_told_where_the_program_is_once_it_can_work(
    started: App, supervisor: Supervisor, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["started"]
    await eventually(lambda: supervisor.told, f"the app {name} to tell the Supervisor")
    # After the refusal it was told once more, and then no more.
    assert supervisor.told == [{"service": "wyoming", "config": {"uri": f"tcp://{socket.gethostname()}:{PORTS[name]}"}}]
    assert supervisor.authorizations == [f"Bearer {_TOKEN}"] * 2
    async with expecting(f"the program of {name} to describe itself"):
        info = await started.describe()
    offered = {"stt": info.asr, "tts": info.tts, "llm": info.handle, "satellite": info.satellite}
    assert offered[name]
    # The program took the place of what started it, with nothing on its command line.
    assert f"interject-{name}\n" in started.seen("cmdline")
    assert _KEY not in started.seen("cmdline")
    assert _TOKEN not in started.seen("environ")
    assert (_KEY in started.seen("environ")) == (name == "llm")
    assert _KEY not in started.log.read_text()


async def test_a_program_that_cannot_start_says_why_and_is_announced_to_nobody(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    app = App("tts", tmp_path, supervisor, {"engine": "a parrot"})
    status = await asyncio.to_thread(app.process.wait, 60)
    assert status == 2
    assert "INTERJECT_TTS_ENGINE: 'a parrot' is not accepted" in app.log.read_text()
    assert supervisor.told == []


def test_an_empty_option_is_left_to_the_program_and_a_list_is_one_variable(tmp_path: Path) -> None:
    options = {"voice": "", "speaker": None, "debug": False, "data_dir": ["/a", "/b"], "length_scale": 1.5}
    assert environment("tts", options, tmp_path, {"PATH": "/bin", "SUPERVISOR_TOKEN": "x", "HASSIO_TOKEN": "x"}) == {
        "PATH": "/bin",
        "INTERJECT_TTS_DEBUG": "false",
        "INTERJECT_TTS_DATA_DIR": "/a,/b",
        "INTERJECT_TTS_LENGTH_SCALE": "1.5",
    }


def test_a_file_in_the_folder_of_the_app_is_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "interject.toml").write_text("[tts]\nspeaking-rate = 150\n", encoding="utf-8")
    assert environment("tts", {}, tmp_path, {}) == {"INTERJECT_TTS_CONFIG": str(tmp_path / "interject.toml")}


def test_an_app_without_options_says_so_in_a_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(_APPS / "start.py"), "stt", "--options", str(tmp_path / "options.json")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "options.json" in done.stderr
