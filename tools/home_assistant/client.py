"""The few things that we ask of a Home Assistant: REST for what only it offers, a websocket for the rest."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# A service call may last as long as an announcement does.
_CALL_TIMEOUT_S = 60.0
# An access token is good for 30 minutes.
_TOKEN_GOOD_S = 1200.0


class HomeAssistantError(InterjectError):
    """Home Assistant refused a request, or did not answer."""

    def __init__(self, asked: str, answer: str) -> None:
        super().__init__(f"Home Assistant, asked for {asked}: {answer}")
        self.asked = asked


class Login:
    """Gets access tokens for a user, one after the other."""

    def __init__(self, http: aiohttp.ClientSession, url: str, user: str, password: str) -> None:
        self.http = http
        self.url = url.rstrip("/")
        self._user = user
        self._password = password
        self._token = ""
        self._token_from_s: float | None = None

    async def token(self) -> str:
        """Return a token that is good for a while; raises HomeAssistantError."""
        if self._token_from_s is None or time.monotonic() - self._token_from_s > _TOKEN_GOOD_S:
            who = {"client_id": f"{self.url}/"}
            start = {**who, "handler": ["homeassistant", None], "redirect_uri": f"{self.url}/"}
            flow = await self._post("/auth/login_flow", json=start)
            answers = {**who, "username": self._user, "password": self._password}
            done = await self._post(f"/auth/login_flow/{flow['flow_id']}", json=answers)
            if "result" not in done:
                raise HomeAssistantError(f"a login as {self._user}", str(done.get("errors")))
            grant = {**who, "grant_type": "authorization_code", "code": done["result"]}
            self._token = (await self._post("/auth/token", data=grant))["access_token"]
            self._token_from_s = time.monotonic()
        return self._token

    async def _post(self, path: str, **body: Any) -> dict[str, Any]:
        try:
            async with self.http.post(self.url + path, **body) as response:
                return dict(await response.json())
        except (aiohttp.ClientError, ValueError) as error:
            raise HomeAssistantError(path, str(error)) from None


class Client:
    """Logged in to one Home Assistant; made by `connect`."""

    def __init__(self, login: Login, socket: aiohttp.ClientWebSocketResponse, version: str) -> None:
        self.version = version
        self._login = login
        self._socket = socket
        self._ids = itertools.count(1)
        self._results: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}

    async def listen(self) -> None:
        """Deliver what comes over the websocket, until cancelled."""
        async for message in self._socket:
            self._deliver(message.json())
        raise HomeAssistantError("nothing", "it closed the websocket")

    async def command(self, kind: str, **fields: Any) -> Any:
        """Give a websocket command, and return its result; raises HomeAssistantError."""
        return await self._command(next(self._ids), kind, fields)

    async def service(self, domain: str, service: str, entity: str | None = None, **data: Any) -> None:
        """Call a service, and return when it is done; raises HomeAssistantError."""
        target = {"entity_id": entity} if entity else {}
        await self.command("call_service", domain=domain, service=service, service_data=data, target=target)

    async def run_pipeline(self, **fields: Any) -> list[dict[str, Any]]:
        """Run an Assist pipeline on text, and return its events; raises HomeAssistantError."""
        number = next(self._ids)
        events = self._events[number] = asyncio.Queue()
        seen: list[dict[str, Any]] = []
        try:
            await self._command(number, "assist_pipeline/run", fields)
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                while not seen or seen[-1]["type"] != "run-end":
                    seen.append(await events.get())
        finally:
            del self._events[number]
        return seen

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """Make a REST request, and return what JSON it is answered with; raises HomeAssistantError."""
        headers = {"Authorization": f"Bearer {await self._login.token()}"}
        async with self._login.http.request(method, self._login.url + path, json=body, headers=headers) as response:
            if not response.ok:
                raise HomeAssistantError(f"{method} {path}", f"{response.status} {(await response.text())[:300]}")
            return await response.json()

    async def finish_flow(self, path: str, handler: Any, fields: dict[str, Any]) -> dict[str, Any]:
        """Take a config flow through its one form; returns the entry made, raises HomeAssistantError."""
        form = await self.request("POST", path, {"handler": handler})
        if form["type"] != "form":
            raise HomeAssistantError(f"a flow of {handler}", f"{form['type']} {form.get('reason', '')}")
        made = await self.request("POST", f"{path}/{form['flow_id']}", fields)
        if made["type"] != "create_entry":
            raise HomeAssistantError(f"adding {handler}", f"{made.get('errors') or made.get('reason') or made['type']}")
        return dict(made)

    async def _command(self, number: int, kind: str, fields: dict[str, Any]) -> Any:
        result = self._results[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send_json({"id": number, "type": kind, **fields})
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                answer = await result
        except TimeoutError:
            raise HomeAssistantError(kind, f"no answer within {_CALL_TIMEOUT_S:g} s") from None
        finally:
            del self._results[number]
        if not answer["success"]:
            raise HomeAssistantError(kind, str(answer["error"].get("message")))
        return answer["result"]

    def _deliver(self, message: dict[str, Any]) -> None:
        number = message["id"]
        result = self._results.get(number)
        if message["type"] == "result" and result is not None and not result.done():
            result.set_result(message)
        elif message["type"] == "event" and number in self._events:
            self._events[number].put_nowait(message["event"])


@asynccontextmanager
async def connect(url: str, user: str, password: str) -> AsyncIterator[Client]:
    """Log in to a Home Assistant; raises HomeAssistantError."""
    async with aiohttp.ClientSession() as http:
        login = Login(http, url, user, password)
        token = await login.token()
        async with http.ws_connect(f"{login.url}/api/websocket", max_msg_size=0) as socket:
            version = (await socket.receive_json())["ha_version"]
            await socket.send_json({"type": "auth", "access_token": token})
            answer = await socket.receive_json()
            if answer["type"] != "auth_ok":
                raise HomeAssistantError("a websocket", str(answer.get("message")))
            client = Client(login, socket, version)
            listening = asyncio.create_task(client.listen(), name="Home Assistant's websocket")
            try:
                yield client
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
