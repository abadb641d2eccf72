"""Settings of the satellite as a service and as a process, and of the services that it uses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from wire.logs import DEFAULT_FORMAT
from wire.settings import option


class PipelineKind(Enum):
    """Who runs a conversation."""

    DIRECT = "direct"
    HOME_ASSISTANT = "home-assistant"


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class ServiceSettings:
    """The satellite as a service, and those that it uses."""

    uri: str = option("tcp://0.0.0.0:10700", "where the satellite itself listens: tcp://HOST:PORT or unix:///PATH")
    name: str = option("Interject satellite", "name of the satellite, shown to people")
    area: str | None = option(None, "area of the house that the satellite is in")
    pipeline: PipelineKind = option(
        PipelineKind.DIRECT, "who runs a conversation: this satellite with three servers, or Home Assistant"
    )
    stt_uri: str | None = option(
        None, "speech-to-text server (default: found by zeroconf; none with --pipeline home-assistant)"
    )
    llm_uri: str | None = option(None, "LLM bridge (default: as for --stt-uri)")
    tts_uri: str | None = option(None, "text-to-speech server (default: as for --stt-uri)")
    stt_name: str | None = option(None, "speech-to-text server to use of those found (default: the one used last)")
    llm_name: str | None = option(None, "LLM bridge to use of those found (default: as for --stt-name)")
    tts_name: str | None = option(None, "text-to-speech server to use of those found (default: as for --stt-name)")
    language: str | None = option(None, "language of the conversation, such as en or de-DE (default: the servers')")
    voice: str | None = option(None, "voice of the replies, by its name at the text-to-speech server")
    conversation_id: str | None = option(None, "conversation that the bridge remembers (default: one per satellite)")
    text: bool = option(False, "type instead of speaking; no sound card is needed")


@dataclass(frozen=True)
class ProcessSettings:
    """How the satellite is found, and what it tells about itself."""

    zeroconf: bool = option(True, "let Home Assistant find the satellite on the network")
    zeroconf_name: str | None = option(None, "instance name on the network (default: from the MAC address)")
    zeroconf_host: str | None = option(None, "address to announce (default: found)")
    trace_file: Path | None = option(None, "file to append a record of everything that happens to, as JSON lines")
    debug: bool = option(False, "log details")
    log_format: str = option(DEFAULT_FORMAT, "format of log lines, as in Python's logging")
