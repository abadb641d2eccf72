"""Settings of the satellite as a service and as a process, and of the services that it uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from interject.wire.errors import BadUriError
from interject.wire.logs import DEFAULT_FORMAT
from interject.wire.reach import is_for_this_machine
from interject.wire.setting_field import Derived
from interject.wire.settings import option

_HERE = "tcp://127.0.0.1:10700"
_EVERYWHERE = "tcp://0.0.0.0:10700"


class PipelineKind(Enum):
    """What runs a conversation: our three servers, or Home Assistant."""

    DIRECT = "direct"
    HOME_ASSISTANT = "home-assistant"


def _pipeline(given: Mapping[str, Any]) -> PipelineKind:
    return PipelineKind.HOME_ASSISTANT if _is_started_as_wyoming_satellite(given) else PipelineKind.DIRECT


def _is_started_as_wyoming_satellite(given: Collection[str]) -> bool:
    """Tell whether what is given is what wyoming-satellite cannot do without, and nothing for a pipeline of ours."""
    ours = {"stt_uri", "llm_uri", "tts_uri", "text"}
    return {"uri", "mic_command"} <= set(given) and ours.isdisjoint(given)


def note_on_pipeline(given: Collection[str]) -> str | None:
    """Say why the pipeline is Home Assistant's where nobody chose one; None: somebody did, or it is our own."""
    if "pipeline" in given or not _is_started_as_wyoming_satellite(given):
        return None
    return (
        "Home Assistant runs the conversations: with --uri and --mic-command, and no address of a server, it is "
        "started as wyoming-satellite is. --pipeline home-assistant says so by itself; --pipeline direct uses "
        "servers that are found on the network"
    )


def _is_for_home_assistant(given: Mapping[str, Any]) -> bool:
    return given.get("pipeline") is PipelineKind.HOME_ASSISTANT or bool(given.get("home_assistant"))


def _uri(given: Mapping[str, Any]) -> str | None:
    if _is_for_home_assistant(given):
        return _EVERYWHERE
    # Who types in a terminal wants an answer there, and no second terminal to find the port taken.
    return None if given.get("text") and not given.get("zeroconf") else _HERE


def _zeroconf(given: Mapping[str, Any]) -> bool:
    uri = given.get("uri")
    if uri is None or not _is_for_home_assistant(given):
        return False
    try:
        return not is_for_this_machine(uri)
    except BadUriError:
        # Told where all addresses are checked.
        return False


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class ServiceSettings:
    """The satellite as a service, and those that it uses."""

    GROUP: ClassVar[str] = "The satellite and its servers"
    TABLE: ClassVar[str] = "service"
    FIRST: ClassVar[tuple[str, ...]] = ("name", "pipeline", "stt_uri", "llm_uri", "tts_uri", "language", "text")

    # First of all: a default that follows from others counts as given for what is declared after it.
    pipeline: PipelineKind = option(
        Derived(PipelineKind.DIRECT, _pipeline),
        "who runs a conversation: this satellite with three servers, or Home Assistant (default: home-assistant where "
        "it is started as wyoming-satellite is, with --uri, --mic-command and no server's address; else direct)",
    )
    home_assistant: bool = option(
        False,
        "let Home Assistant connect also where it does not run the conversations, for announcements and the mute "
        "switch; --pipeline home-assistant says so by itself",
    )
    uri: str | None = option(
        Derived(_HERE, _uri),
        "where the satellite itself listens: tcp://HOST:PORT or unix:///PATH (default: for this machine alone; "
        f"{_EVERYWHERE} with --home-assistant or --pipeline home-assistant; else nowhere with --text)",
    )
    name: str = option("Interject satellite", "name of the satellite, shown to people")
    area: str | None = option(None, "area of the house that the satellite is in", metavar="NAME")
    stt_uri: str | None = option(
        None, "speech-to-text server (default: found by zeroconf; none with --pipeline home-assistant)"
    )
    llm_uri: str | None = option(None, "LLM bridge (default: as for --stt-uri)")
    tts_uri: str | None = option(None, "text-to-speech server (default: as for --stt-uri)")
    stt_name: str | None = option(None, "speech-to-text server to use of those found (default: the one used before)")
    llm_name: str | None = option(None, "LLM bridge to use of those found (default: as for --stt-name)")
    tts_name: str | None = option(None, "text-to-speech server to use of those found (default: as for --stt-name)")
    language: str | None = option(None, "language of the conversation, such as en or de-DE (default: the servers')")
    voice: str | None = option(None, "voice of the replies, by its name at the text-to-speech server", metavar="NAME")
    conversation_id: str | None = option(
        None,
        "conversation that the bridge remembers (default: one per satellite, by a random id that it keeps)",
        metavar="ID",
    )
    control_socket: str | None = option(
        None,
        "unix socket that takes commands of `interject-satellite ctl`, buttons and scripts, or none (default: "
        "interject/NAME.sock in XDG_RUNTIME_DIR, or in XDG_STATE_HOME or ~/.local/state without one; none with --text)",
        metavar="FILE",
    )
    text: bool = option(False, "type instead of speaking; no sound card is needed")


@dataclass(frozen=True)
class ProcessSettings:
    """How the satellite is found, and what it tells about itself."""

    GROUP: ClassVar[str] = "Network, logs and records"
    TABLE: ClassVar[str] = "process"

    zeroconf: bool = option(
        Derived(False, _zeroconf),
        "let Home Assistant find the satellite on the network (default: where --home-assistant or --pipeline "
        "home-assistant is given, and other machines reach the --uri)",
    )
    zeroconf_name: str | None = option(None, "instance name on the network (default: from the MAC address)")
    zeroconf_host: str | None = option(None, "address to announce (default: found)")
    trace_file: Path | None = option(None, "file to append a record of everything that happens to, as JSON lines")
    debug_recording_dir: Path | None = option(None, "folder for WAV recordings of what STT is sent")
    debug: bool = option(False, "log details")
    log_format: str = option(DEFAULT_FORMAT, "format of log lines, as in Python's logging", metavar="FORMAT")
