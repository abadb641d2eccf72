"""Home Assistant Core, installed in a Debian of its own, listening on loopback only."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from interject.wire.errors import InterjectError
from tools.home_assistant.chroot import entering, inside, make_debian

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

# What the test uses; frontend, recorder and discovery stay out.
_INTEGRATIONS = (
    "api", "ai_task", "assist_pipeline", "assist_satellite", "camera", "config", "conversation", "ffmpeg", "intent",
    "logger", "media_source", "ollama", "stream", "websocket_api", "wyoming",
)  # fmt: skip
# Those that are not set up by an entry of their own.
_IN_CONFIGURATION = (
    "api", "assist_pipeline", "assist_satellite", "config", "conversation", "ffmpeg", "intent", "media_source",
    "websocket_api",
)  # fmt: skip
_LOGGED = ("assist_pipeline", "assist_satellite", "wyoming")
_READY_WITHIN_S = 180.0
_STOP_WITHIN_S = 30.0
_POLL_S = 0.5
_USER = "tester"
_REQUIREMENTS_INSIDE = Path(__file__).with_name("requirements_inside.py")


class NotUpError(InterjectError):
    """Home Assistant did not start."""

    def __init__(self, log: Path, why: str) -> None:
        super().__init__(f"Home Assistant did not come up: {why}; its log is {log}")


@dataclass(frozen=True, slots=True)
class Running:
    """One that runs, and who may log in."""

    url: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Installation:
    """One release of Debian picks the Python, and that the newest Home Assistant that installs: forky, trixie."""

    folder: Path
    suite: str
    port: int

    @property
    def _root(self) -> Path:
        return self.folder / self.suite

    @property
    def _config(self) -> Path:
        return self._root / "ha" / "config"

    async def install(self, say: Callable[[str], None]) -> None:
        """Install unless it was done before; takes minutes. Raises NeedsRootError, CommandFailedError."""
        done = self._root / "ha" / "installed"
        if done.exists():
            return
        if not (self._root / "ha").exists():
            say(f"Debian {self.suite} into {self._root} …")
            await make_debian(self._root, self.suite)
            (self._root / "ha").mkdir()
        say("Home Assistant, from the Python package index …")
        await inside(self._root, "python3", "-m", "venv", "/ha/venv")
        await inside(self._root, "pip", "install", "--quiet", "--no-cache-dir", "homeassistant")
        script = self._root / "ha" / _REQUIREMENTS_INSIDE.name
        script.write_text(_REQUIREMENTS_INSIDE.read_text(encoding="utf-8"), encoding="utf-8")
        wanted = await inside(self._root, "python3", f"/ha/{script.name}", *_INTEGRATIONS)
        (self._root / "ha" / "requirements.txt").write_text(wanted, encoding="utf-8")
        limits = next((self._root / "ha/venv/lib").glob("python3*/site-packages/homeassistant/package_constraints.txt"))
        say("what its integrations need …")
        await inside(
            self._root, "pip", "install", "--quiet", "--no-cache-dir", "-r", "/ha/requirements.txt",
            "-c", f"/{limits.relative_to(self._root)}",
        )  # fmt: skip
        done.touch()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Running]:
        """Run it as long as the context lasts; raises NotUpError."""
        self._configure()
        log = self.folder / f"{self.suite}.log"
        command = entering(self._root, "hass", "--skip-pip", "-c", "/ha/config")
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            yield await self._come_up(process, log)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    def _configure(self) -> None:
        storage = self._config / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        lines = [
            "homeassistant:",
            *("  " + line for line in ("name: Test", "country: GB", "language: en", "unit_system: metric")),
            "  time_zone: UTC",
            f"  internal_url: http://127.0.0.1:{self.port}",
            *(f"{name}:" for name in _IN_CONFIGURATION),
            "logger:",
            "  default: warning",
            "  logs:",
            *(f"    homeassistant.components.{name}: debug" for name in _LOGGED),
        ]
        if self._keeps_address_in_storage():
            _store(storage / "http", 3, {"stable": _http(self.port), "pending": None, "yaml_migration_done": True})
        else:
            lines += ["http:", "  server_host: 127.0.0.1", f"  server_port: {self.port}"]
        (self._config / "configuration.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if not (storage / "onboarding").exists():
            # The steps after the first user look for things on the internet.
            _store(storage / "onboarding", 4, {"done": ["core_config", "integration", "analytics"]})

    def _keeps_address_in_storage(self) -> bool:
        """Tell whether this release has moved its listen address out of the YAML, to which it would not return."""
        found = (self._root / "ha/venv/lib").glob("python3*/site-packages/homeassistant/components/http/config.py")
        return any(found)

    async def _come_up(self, process: asyncio.subprocess.Process, log: Path) -> Running:
        url = f"http://127.0.0.1:{self.port}"
        secret = self.folder / f"{self.suite}.password"
        try:
            async with asyncio.timeout(_READY_WITHIN_S), aiohttp.ClientSession() as http:
                while (open_steps := await _onboarding(http, url)) is None:
                    if process.returncode is not None:
                        raise NotUpError(log, f"it ended with status {process.returncode}")
                    await asyncio.sleep(_POLL_S)
                if "user" in open_steps:
                    secret.touch(mode=0o600)
                    secret.write_text(secrets.token_urlsafe(), encoding="utf-8")
                    password = secret.read_text(encoding="utf-8")
                    await _make_user(http, url, password)
        except TimeoutError:
            raise NotUpError(log, f"nothing answers after {_READY_WITHIN_S:g} s") from None
        return Running(url, _USER, secret.read_text(encoding="utf-8"))


def _http(port: int) -> dict[str, Any]:
    return {
        "server_port": port, "server_host": ["127.0.0.1"], "cors_allowed_origins": [], "login_attempts_threshold": -1,
        "ip_ban_enabled": False, "ssl_profile": "intermediate_v6", "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00", "error": None, "error_message": None,
    }  # fmt: skip


def _store(path: Path, version: int, data: dict[str, Any]) -> None:
    whole = {"version": version, "minor_version": 1, "key": path.name, "data": data}
    path.write_text(json.dumps(whole), encoding="utf-8")


async def _onboarding(http: aiohttp.ClientSession, url: str) -> set[str] | None:
    """Return the steps that are left, None while nothing answers; once all is done some releases have no such page."""
    try:
        async with http.get(f"{url}/api/onboarding") as response:
            if not response.ok:
                return set() if response.status == HTTPStatus.NOT_FOUND else None
            return {step["step"] for step in await response.json() if not step["done"]}
    except (aiohttp.ClientError, ValueError):
        return None


async def _make_user(http: aiohttp.ClientSession, url: str, password: str) -> None:
    user = {"name": _USER, "username": _USER, "password": password, "language": "en", "client_id": f"{url}/"}
    async with http.post(f"{url}/api/onboarding/users", json=user) as response:
        response.raise_for_status()
