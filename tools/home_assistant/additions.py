"""What we add to Home Assistant, found again as entities, and taken away in the end: nothing else there is touched."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.home_assistant.client import HomeAssistantError
from tools.home_assistant.streaming_model import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tools.home_assistant.client import Client

_LOGGER = logging.getLogger(__name__)
_ENTRIES = "/api/config/config_entries"
_ENTITIES_WITHIN_S = 20.0
_POLL_S = 0.1
# What each of our programs becomes there.
_DOMAINS = {"stt": "stt", "tts": "tts", "llm": "conversation", "satellite": "assist_satellite"}
BUILT_IN_AGENT = "conversation.home_assistant"


@dataclass(frozen=True, slots=True)
class Added:
    """One config entry; `entities` by what follows their domain and device in the unique id, as far as it has any."""

    entry: str
    entities: Mapping[str, str]
    device: str | None

    def entity(self, domain: str, purpose: str = "") -> str:
        """Return the id of the entity of a domain whose purpose is named in its unique id."""
        found = [i for unique, i in self.entities.items() if i.startswith(f"{domain}.") and purpose in unique]
        if len(found) != 1:
            raise HomeAssistantError(f"the {domain} entity for {purpose or 'it'}", f"there are {found}")
        return found[0]


@dataclass(slots=True)
class Additions:
    """Our programs as Home Assistant has them; `pipelines` by the agent they use, each with its name there."""

    client: Client
    programs: dict[str, Added] = field(default_factory=dict)
    pipelines: dict[str, str] = field(default_factory=dict)
    pipeline_ids: dict[str, str] = field(default_factory=dict)

    @property
    def satellite(self) -> str:
        """The satellite's own entity."""
        return self.programs["satellite"].entity("assist_satellite")

    async def use_pipeline(self, agent: str) -> None:
        """Have the satellite use the pipeline with that agent."""
        select = self.programs["satellite"].entity("select", "-pipeline")
        await self.client.service("select", "select_option", select, option=self.pipelines[agent])

    async def reload_satellite(self) -> None:
        """Have Home Assistant look for the satellite at once."""
        await self.client.request("POST", f"{_ENTRIES}/entry/{self.programs['satellite'].entry}/reload")

    async def forget_speech(self) -> None:
        """Have everything be spoken anew, as if it had never been said before."""
        await self.client.service("tts", "clear_cache")


@asynccontextmanager
async def add_all(client: Client, ports: Mapping[str, int], model_url: str, name: str) -> AsyncIterator[Additions]:
    """Add a program listening at each port of loopback, by its role, and pipelines of them.

    Pipelines: with our bridge (`llm`), with the agent built into Home Assistant (`built-in`), and, where Home Assistant
    has its Ollama integration, with an agent that streams (`streaming`). Raises HomeAssistantError.
    """
    additions = Additions(client)
    async with AsyncExitStack() as stack:
        for role, port in ports.items():
            fields = {"host": "127.0.0.1", "port": port}
            made = await client.finish_flow(f"{_ENTRIES}/flow", "wyoming", fields)
            entry = made["result"]["entry_id"]
            stack.push_async_callback(client.request, "DELETE", f"{_ENTRIES}/entry/{entry}")
            additions.programs[role] = await _wait_for_entities(client, entry, _DOMAINS[role])
        agents = {"llm": additions.programs["llm"].entity("conversation"), "built-in": BUILT_IN_AGENT}
        streaming = await _add_streaming_agent(client, model_url, stack)
        if streaming is not None:
            agents["streaming"] = streaming
        for kind, agent in agents.items():
            pipeline = await client.command(
                "assist_pipeline/pipeline/create", **_pipeline(additions, name, kind, agent)
            )
            stack.push_async_callback(client.command, "assist_pipeline/pipeline/delete", pipeline_id=pipeline["id"])
            additions.pipelines[kind], additions.pipeline_ids[kind] = pipeline["name"], pipeline["id"]
        yield additions


def _pipeline(additions: Additions, name: str, kind: str, agent: str) -> dict[str, Any]:
    return {
        "name": f"{name}: {kind}",
        "language": "en",
        "conversation_engine": agent,
        "conversation_language": "en",
        "stt_engine": additions.programs["stt"].entity("stt"),
        "stt_language": "en",
        "tts_engine": additions.programs["tts"].entity("tts"),
        "tts_language": "en",
        "tts_voice": None,
        "wake_word_entity": None,
        "wake_word_id": None,
    }


async def _add_streaming_agent(client: Client, model_url: str, stack: AsyncExitStack) -> str | None:
    """Add it where that is possible: where its integration is not installed, its scenario says so."""
    try:
        made = await client.finish_flow(f"{_ENTRIES}/flow", "ollama", {"url": model_url})
        entry = made["result"]["entry_id"]
        stack.push_async_callback(client.request, "DELETE", f"{_ENTRIES}/entry/{entry}")
        options = {
            "name": "Streaming test", "model": MODEL, "prompt": "", "num_ctx": 8192, "max_history": 20,
            "keep_alive": -1, "think": False,
        }  # fmt: skip
        await client.finish_flow(f"{_ENTRIES}/subentries/flow", [entry, "conversation"], options)
        return (await _wait_for_entities(client, entry, "conversation")).entity("conversation")
    except HomeAssistantError as error:
        _LOGGER.warning("no streaming agent: %s", error)
        return None


async def _wait_for_entities(client: Client, entry: str, domain: str) -> Added:
    try:
        async with asyncio.timeout(_ENTITIES_WITHIN_S):
            while True:
                added = await _entities_of(client, entry)
                if any(entity.startswith(f"{domain}.") for entity in added.entities.values()):
                    return added
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise HomeAssistantError(f"a {domain} entity", f"none within {_ENTITIES_WITHIN_S:g} s") from None


async def _entities_of(client: Client, entry: str) -> Added:
    listed = [e for e in await client.command("config/entity_registry/list") if e["config_entry_id"] == entry]
    details = [await client.command("config/entity_registry/get", entity_id=e["entity_id"]) for e in listed]
    devices = [e["device_id"] for e in listed if e["device_id"]]
    return Added(entry, {e["unique_id"]: e["entity_id"] for e in details}, devices[0] if devices else None)
