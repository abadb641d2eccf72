"""A model that streams, as far as Home Assistant's Ollama integration can tell: an agent that speaks as it thinks.

Wyoming agents answer in one piece; this is how a streaming one gets into a pipeline without a model or a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

MODEL = "interject-test:latest"
# About the pace of a model on a computer at home.
_WORDS_PER_S = 12.0


class StreamingModel:
    """Serves the two calls that the integration makes; a context. `answers`: a word of the question → an answer."""

    def __init__(self, answers: Mapping[str, str], otherwise: str) -> None:
        self.url = ""
        self._answers = answers
        self._otherwise = otherwise
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/api/tags", self._tags)
        app.router.add_post("/api/chat", self._chat)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, shutdown_timeout=1)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _tags(self, _request: web.Request) -> web.Response:
        return web.json_response({"models": [{"model": MODEL, "name": MODEL}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = (await request.json())["messages"][-1]["content"]
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        # Home Assistant closes the connection when it wants no more.
        with contextlib.suppress(ConnectionResetError):
            for word in self._answer(asked).split(" "):
                await self._say(response, f"{word} ", done=False)
                await asyncio.sleep(1 / _WORDS_PER_S)
            await self._say(response, "", done=True)
        return response

    def _answer(self, asked: str) -> str:
        return next((answer for word, answer in self._answers.items() if word in asked.lower()), self._otherwise)

    async def _say(self, response: web.StreamResponse, text: str, *, done: bool) -> None:
        message = {"role": "assistant", "content": text}
        line = {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done}
        await response.write(json.dumps(line).encode() + b"\n")
