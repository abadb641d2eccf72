"""The key of a chat API, from a file, as docker's secrets are."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import TYPE_CHECKING

from wyoming.asr import Transcript

from interject.wire.client import connect
from tools.docker.house import USER
from tools.harness.checks import Check
from tools.testing.fake_openai import Upstream, running

if TYPE_CHECKING:
    from tools.docker.house import House

_ANSWER_WITHIN_S = 20.0
# Of a whole reply, and of one that comes in pieces.
_ENDS = {"handled", "handled-stop"}


async def ask_with_key(house: House) -> list[Check]:
    """Start the bridge with a chat API that is ours, and the key in a file; raises CommandFailedError, WireError."""
    key = secrets.token_hex()
    file = house.folder / "llm_api_key"
    file.write_text(f"{key}\n", encoding="utf-8")
    # As the person would keep it, whose rights the container has.
    file.chmod(0o600)
    os.chown(file, USER, USER)
    without = dict(house.settings)
    async with running(Upstream()) as upstream:
        house.wishes["LLM_API_KEY_FILE"] = str(file)
        house.settings |= {
            "INTERJECT_LLM_API_KEY_FILE": "/run/secrets/llm_api_key",
            "INTERJECT_LLM_BASE_URL": upstream.url,
            "INTERJECT_LLM_MODEL": "a-model",
        }
        await asyncio.to_thread(house.do, "up", "-d", "--no-build", "--no-deps", "llm")
        await asyncio.to_thread(house.wait_until_healthy, "llm")
        await _ask(house.uris["llm"])
        sent = [headers.get("authorization") for headers in upstream.headers]
    house.settings = without
    known = house.ask("inspect", house.container("llm"))
    return [
        Check("the bridge sends the key that is in the secret's file", bool(sent) and set(sent) == {f"Bearer {key}"}),
        Check("nobody who looks at the container sees the key", key not in known),
    ]


async def _ask(uri: str) -> None:
    connection = await connect(uri)
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            await connection.send(Transcript(text="good morning").event())
            while (await connection.receive()).type not in _ENDS:
                pass
    finally:
        await connection.close()
