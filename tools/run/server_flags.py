"""Flags of script/run that are a server's: --llm-system-prompt is --system-prompt of the LLM bridge."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from interject.satellite.settings import SatelliteSettings
from interject.servers.llm.settings import LlmSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.errors import SettingError
from interject.wire.help_page import metavar_of
from interject.wire.setting_field import fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.wire.setting_field import Field

_SERVERS = {"stt": SttSettings, "llm": LlmSettings, "tts": TtsSettings}
_CALLED = {"stt": "the STT server's", "llm": "the LLM bridge's", "tts": "the TTS server's"}
# --help shows these; the others are in docs/settings.md.
_SHOWN = {
    "stt": {
        "engine": "pocketsphinx or faster-whisper (default: what fits)",
        "model": "model of faster-whisper, such as base or small-int8",
    },
    "tts": {
        "engine": "espeak-ng or piper (default: what is here)",
        "voice": "voice, such as en_US-lessac-medium of piper",
    },
    "llm": {
        "base-url": "an OpenAI-compatible API; its key from OPENAI_API_KEY",
        "model": "model at that API",
        "system-prompt": "what the model is told beforehand",
    },
}


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """Add each setting of the three servers; the arguments of one are found by `server_arguments`."""
    satellites = {field.key for field in fields_of(SatelliteSettings)}
    for server, schema in _SERVERS.items():
        for field in fields_of(schema):
            if f"{server}-{field.key}" not in satellites and not field.option.secret:
                _add(parser, server, field)


def _add(parser: argparse.ArgumentParser, server: str, field: Field) -> None:
    help_text = _SHOWN[server].get(field.key, argparse.SUPPRESS)
    if field.kind is bool:
        # A server has the one that is not its default.
        given = f"--no-{field.key}" if field.default else f"--{field.key}"
        flag = f"--{server}-{given.removeprefix('--')}"
        parser.add_argument(flag, dest=server, action="append_const", const=(given,), help=help_text)
        return

    def passed(value: str) -> tuple[str, str]:
        return f"--{field.key}", value

    flag, metavar = f"--{server}-{field.key}", metavar_of(field)
    parser.add_argument(flag, dest=server, action="append", type=passed, metavar=metavar, help=help_text)


def server_arguments(chosen: argparse.Namespace, server: str) -> list[str]:
    """Return what a server is to be started with."""
    return [part for parts in getattr(chosen, server) or () for part in parts]


def refuse_servers_own(flags: Sequence[str]) -> None:
    """Raise SettingError for a flag that would be right for a server and is none here, with what to write instead."""
    satellites = {field.key for field in fields_of(SatelliteSettings)}
    for flag in flags:
        name = flag.partition("=")[0].removeprefix("--")
        if not flag.startswith("--") or name in satellites:
            continue
        for server, schema in _SERVERS.items():
            if any(field.option.secret and name == f"{server}-{field.key}" for field in fields_of(schema)):
                variable = f"INTERJECT_{name.replace('-', '_').upper()}"
                raise SettingError(f"--{name}", f"a secret on a command line can be seen by others; set {variable}")
        owners = [server for server, schema in _SERVERS.items() if name in {field.key for field in fields_of(schema)}]
        if owners:
            told = "; ".join(
                f"{_CALLED[server]} is --{server}-{name}, or {name} in [{server}] of --config" for server in owners
            )
            raise SettingError(f"--{name}", told)
