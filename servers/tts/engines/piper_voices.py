"""Piper's voices: which are here, which could be downloaded, and getting one (piper.download_voices)."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from piper.download_voices import VOICES_JSON, download_voice

from servers.tts.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LOGGER = logging.getLogger(__name__)

_CATALOGUE_FILE = "voices.json"
# What piper.download_voices takes, without anything that could leave the download directory.
_DOWNLOADABLE = re.compile(r"[a-z]{2,3}_[A-Z0-9]{2,3}-\w+-\w+", re.ASCII)
# The catalogue is 300 kB.
_CATALOGUE_TIMEOUT_S = 30
_PREFERRED_QUALITIES = ("medium", "high", "low", "x_low")


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A voice: its name, tags such as en_US, its speakers' numbers by name, its model file if it is here."""

    name: str
    languages: tuple[str, ...]
    description: str
    speakers: Mapping[str, int]
    model: Path | None


def default_data_dir() -> Path:
    """Return where voices are kept when nothing is said (XDG Base Directory Specification)."""
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    base = data_home if data_home.is_absolute() else Path.home() / ".local" / "share"
    return base / "interject" / "piper"


def find_voices(directories: Iterable[Path]) -> dict[str, VoiceEntry]:
    """Return the voices that lie in the directories (NAME.onnx with NAME.onnx.json), and those of a catalogue there.

    A voice of an earlier directory comes before one of the same name in a later one.
    """
    found: dict[str, VoiceEntry] = {}
    listed: dict[str, VoiceEntry] = {}
    for directory in directories:
        for model in sorted(directory.glob("*.onnx")):
            entry = read_voice(model)
            if entry is not None:
                found.setdefault(entry.name, entry)
        for entry in _read_catalogue(directory / _CATALOGUE_FILE):
            listed.setdefault(entry.name, entry)
    return listed | found


def read_voice(model: Path) -> VoiceEntry | None:
    """Read what a voice's configuration says of it; None, with a warning, when it is missing or broken."""
    config = _config_of(model)
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        language = content.get("language", {})
        code = language.get("code") or content["espeak"]["voice"]
        name = model.name.removesuffix(".onnx")
        return VoiceEntry(
            name=name,
            languages=(code,),
            description=_description(name, content.get("audio", {}).get("quality")),
            speakers=dict(content.get("speaker_id_map") or {}),
            model=model,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _LOGGER.warning("%s is left out: its configuration %s cannot be used (%r)", model, config, error)
        return None


def fetch_voice(name: str, directory: Path) -> Path:
    """Download a voice; returns its model file, raises EngineError. Blocks as long as it takes.

    Both files come under their names only when they are whole: a download that was broken off is no voice.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as temporary:
            download_voice(name, Path(temporary))
            model = Path(temporary) / f"{name}.onnx"
            _config_of(model).replace(_config_of(directory / model.name))
            model.replace(directory / model.name)
    except (OSError, ValueError) as error:
        raise EngineError("piper", f"the voice {name!r} cannot be downloaded to {directory} ({error})") from None
    _LOGGER.info("downloaded the voice %s to %s", name, directory)
    return directory / f"{name}.onnx"


def fetch_catalogue(directory: Path) -> None:
    """Download the list of all voices; raises EngineError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as temporary:
            partial = Path(temporary) / _CATALOGUE_FILE
            with urllib.request.urlopen(VOICES_JSON, timeout=_CATALOGUE_TIMEOUT_S) as answer, partial.open("wb") as out:  # noqa: S310 - a constant address
                shutil.copyfileobj(answer, out)
            json.loads(partial.read_text(encoding="utf-8"))
            partial.replace(directory / _CATALOGUE_FILE)
    except (OSError, ValueError) as error:
        raise EngineError("piper", f"the list of voices cannot be downloaded ({error})") from None


def is_downloadable(name: str) -> bool:
    """Tell whether a name has the form that Piper's own voices have: en_US-lessac-medium."""
    return _DOWNLOADABLE.fullmatch(name) is not None


def best_for_language(entries: Iterable[VoiceEntry], language: str) -> VoiceEntry | None:
    """Choose a voice that is here for a language tag: the region too if possible, then the better quality."""
    wanted = _normal(language)
    choice: list[tuple[int, int, str, VoiceEntry]] = []
    for entry in entries:
        tags = [_normal(tag) for tag in entry.languages]
        if entry.model is None or wanted[:1] not in [tag[:1] for tag in tags]:
            continue
        quality = entry.name.rpartition("-")[2]
        rank = _PREFERRED_QUALITIES.index(quality) if quality in _PREFERRED_QUALITIES else len(_PREFERRED_QUALITIES)
        choice.append((0 if wanted in tags else 1, rank, entry.name, entry))
    return min(choice, key=lambda item: item[:3])[3] if choice else None


def _normal(tag: str) -> list[str]:
    return tag.lower().replace("_", "-").split("-")


def _config_of(model: Path) -> Path:
    return model.with_name(model.name + ".json")


def _description(name: str, quality: str | None) -> str:
    """Write a voice as people read it in a list of voices of one language: "lessac (medium)"."""
    parts = name.split("-")
    plain = (parts[1] if len(parts) > 1 else name).replace("_", " ")
    return f"{plain} ({quality})" if quality else plain


def _read_catalogue(path: Path) -> list[VoiceEntry]:
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [
            VoiceEntry(
                name=name,
                languages=(entry["language"]["code"],),
                description=_description(name, entry.get("quality")),
                speakers=dict(entry.get("speaker_id_map") or {}),
                model=None,
            )
            for name, entry in content.items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _LOGGER.warning("the list of voices %s cannot be used (%r)", path, error)
        return []
