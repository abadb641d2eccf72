"""The real process over TCP."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from interject.servers.llm.history import read_history
from interject.wire.uri import open_stream
from tests.servers.llm.helpers import Client
from tools.testing.fake_openai import Upstream, running
from tools.testing.patience import PATIENCE_S, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.servers.llm.turns import Message

KEY = "sk-very-secret"


class Bridge:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = ""
        self.uri = ""

    async def ready(self) -> None:
        await self.says("Ready at ")
        self.uri = re.findall(r"Ready at (\S+)", self.log)[-1]

    async def says(self, text: str) -> None:
        """Wait until its log has a text."""
        assert self.process.stderr is not None
        async with expecting(f"the bridge to log {text!r}"):
            while text not in self.log:
                line = await self.process.stderr.readline()
                assert line, f"it ended: {self.log}"
                self.log += line.decode()

    async def client(self) -> Client:
        return Client(*await open_stream(self.uri, PATIENCE_S))

    async def end(self, number: signal.Signals) -> int:
        assert self.process.stderr is not None
        self.process.send_signal(number)
        async with expecting(f"the bridge to end after {number.name}"):
            self.log += (await self.process.stderr.read()).decode()
            return await self.process.wait()


@asynccontextmanager
async def bridge(*flags: str) -> AsyncIterator[Bridge]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "interject.servers.llm",
        "--uri",
        "tcp://127.0.0.1:0",
        *flags,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "OPENAI_API_KEY": KEY},
    )
    running_bridge = Bridge(process)
    try:
        await running_bridge.ready()
        yield running_bridge
    except BaseException as error:
        error.add_note(f"--- the log of the bridge:\n{running_bridge.log}")
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def stored(path: Path, conversation_id: str) -> list[str]:
    messages: list[Message] = await asyncio.to_thread(read_history, path, conversation_id)
    return [message.content for message in messages]


async def test_a_story_is_cut_off_and_remembered_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    flags = ("--store", str(path), "--offline-words-per-second", "50")
    async with bridge(*flags) as first:
        assert "offline" in first.log
        client = await first.client()
        await client.ask("tell me a story about a lighthouse", satellite_id="kitchen", epoch=1)
        await client.heard_words(5)
        answer = await client.interrupt("speech", 1, "Once upon a time, an ", "Once upon a", satellite_id="kitchen")
        assert answer.content == "Once upon a [INTERRUPTED]"
        await client.close()
        assert await first.end(signal.SIGKILL) == -signal.SIGKILL
    assert await stored(path, "satellite-kitchen") == [
        "tell me a story about a lighthouse",
        "Once upon a [INTERRUPTED]",
    ]
    async with bridge(*flags) as second:
        client = await second.client()
        await client.ask("what did you say", satellite_id="kitchen", epoch=1)
        assert "Once upon a" in await client.reply()
        await client.close()
        assert await second.end(signal.SIGTERM) == 0


async def test_talks_to_a_model_and_never_logs_its_key(tmp_path: Path) -> None:
    upstream = Upstream(tokens=("Very ", "well."))
    trace = tmp_path / "trace"
    async with running(upstream):
        flags = ("--base-url", upstream.url, "--store", str(tmp_path / "s"), "--debug", "--trace-file", str(trace))
        async with bridge(*flags) as process:
            client = await process.client()
            await client.ask("How are you?", conversation_id="c", epoch=1)
            assert await client.reply() == "Very well."
            upstream.statuses = [401]
            await client.ask("And now?", conversation_id="c", epoch=2)
            error = await client.until("error")
            assert error.data["code"] == "upstream-key-refused"
            assert "OPENAI_API_KEY" in error.data["text"]
            await client.close()
            assert await process.end(signal.SIGTERM) == 0
            said = process.log + str(client.seen) + await asyncio.to_thread(trace.read_text)
            assert KEY not in said
    assert upstream.headers[-1]["authorization"] == f"Bearer {KEY}"
    assert upstream.requests[0]["model"] == "first-model"
    assert "[INTERRUPTED]" in upstream.requests[0]["messages"][0]["content"]


async def test_stops_in_time_while_a_reply_is_written(tmp_path: Path) -> None:
    async with bridge("--store", str(tmp_path / "s")) as process:
        client = await process.client()
        await client.ask("tell me a story", conversation_id="c", epoch=1)
        await client.heard_words(2)
        assert await process.end(signal.SIGTERM) == 0
        await client.close()
    assert await stored(tmp_path / "s", "c") == ["tell me a story"]


async def test_a_bad_store_is_one_line_and_status_2(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "interject.servers.llm",
        "--uri",
        "tcp://127.0.0.1:0",
        "--store",
        str(tmp_path),
        stderr=asyncio.subprocess.PIPE,
    )
    async with expecting("the bridge to refuse its store"):
        _, log = await process.communicate()
    assert process.returncode == 2
    (line,) = log.decode().strip().splitlines()
    assert str(tmp_path) in line
    assert "--store" in line


async def test_an_address_without_v1_is_told_at_the_start(tmp_path: Path) -> None:
    async with running(Upstream()) as upstream:
        root = upstream.url.removesuffix("/v1")
        async with bridge("--base-url", root, "--store", str(tmp_path / "s")) as process:
            await process.says(f"did you mean --base-url {root}/v1?")


async def test_a_model_that_the_server_does_not_have_is_told_at_the_start(tmp_path: Path) -> None:
    place = ("--store", str(tmp_path / "s"))
    async with running(Upstream(models=("llama3.2:latest", "qwen3:8b"))) as upstream:
        async with bridge("--base-url", upstream.url, "--model", "qwen3:9b", *place) as process:
            await process.says("lists no model 'qwen3:9b'; did you mean qwen3:8b? it lists llama3.2:latest, qwen3:8b")
        for known in ("llama3.2", "qwen3:8b"):
            async with bridge("--base-url", upstream.url, "--model", known, *place) as process:
                client = await process.client()
                await client.ask("How are you?", conversation_id="c", epoch=1)
                assert await client.reply() == "Good day."
                await client.close()
                assert await process.end(signal.SIGTERM) == 0
                assert "lists no model" not in process.log


async def test_a_model_that_is_not_up_yet_is_told_at_the_start_and_asked_later(tmp_path: Path) -> None:
    async with running(Upstream()) as upstream:
        url = upstream.url
    async with bridge("--base-url", url, "--model", "m", "--store", str(tmp_path / "s")) as process:
        await process.says(f"the language model at {url} cannot be reached")
        await process.says("the next question tries again")
        client = await process.client()
        await client.ask("How are you?", conversation_id="c", epoch=1)
        assert (await client.until("error")).data["code"] == "upstream-unreachable"
        await client.close()
        assert await process.end(signal.SIGTERM) == 0


async def test_a_model_does_not_hear_of_what_the_offline_responder_said(tmp_path: Path) -> None:
    place = ("--store", str(tmp_path / "s"))
    async with bridge(*place) as offline:
        client = await offline.client()
        await client.ask("who are you", conversation_id="c", epoch=1)
        await client.reply()
        await client.close()
        assert await offline.end(signal.SIGTERM) == 0
    async with running(Upstream()) as upstream, bridge("--base-url", upstream.url, *place) as process:
        assert "another engine's" in process.log
        client = await process.client()
        await client.ask("how are you", conversation_id="c", epoch=2)
        await client.reply()
        await client.close()
        (asked,) = upstream.requests
        assert [message["content"] for message in asked["messages"][1:]] == ["how are you"]
