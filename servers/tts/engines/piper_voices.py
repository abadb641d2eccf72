"""Piper's voices: which are here, which could be downloaded, and getting one (piper.download_voices)."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from piper.download_voices import VOICES_JSON, download_voice

from interject.servers.tts.engines import MODEL_SUFFIX
from interject.servers.tts.errors import EngineError, LastingError
from interject.wire.xdg import our_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LOGGER = logging.getLogger(__name__)

_CATALOGUE_FILE = "voices.json"
_HUB = urllib.parse.urlsplit(VOICES_JSON).hostname
# The catalogue is 300 kB.
_CATALOGUE_TIMEOUT_S = 30
_PREFERRED_QUALITIES = ("medium", "high", "low", "x_low")


class NotPublishedError(EngineError):
    """There is no such voice to download."""


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A voice: its name, tags such as en_US, its speakers' numbers by name, its model file if it is here."""

    name: str
    languages: tuple[str, ...]
    description: str
    speakers: Mapping[str, int]
    model: Path | None


def default_data_dir() -> Path:
    """Return where voices are kept when nothing is said."""
    return our_data(os.environ) / "piper"


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
    """Download a voice; returns its model file. Blocks as long as it takes.

    Both files come under their names only when they are whole: a download that was broken off is no voice. Raises
    NotPublishedError, LastingError where this machine cannot keep it, EngineError where the network or the hub is away.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=directory, prefix=".download-"))
    except OSError as error:
        reason = (
            f"{directory}, where voices are kept, cannot be written ({error.strerror}); give another --download-dir"
        )
        raise LastingError("piper", reason) from None
    try:
        download_voice(name, temporary)
        model = temporary / f"{name}{MODEL_SUFFIX}"
        _config_of(model).replace(_config_of(directory / model.name))
        model.replace(directory / model.name)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            raise NotPublishedError("piper", f"{_HUB} has no voice {name!r}") from None
        raise _not_downloaded(f"the voice {name!r}", error) from None
    except (OSError, ValueError) as error:
        raise _not_downloaded(f"the voice {name!r}", error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _LOGGER.info("downloaded the voice %s to %s", name, directory)
    return directory / f"{name}.onnx"


def fetch_catalogue(directory: Path) -> None:
    """Download the list of all voices; blocking. Raises EngineError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as temporary:
            partial = Path(temporary) / _CATALOGUE_FILE
            with urllib.request.urlopen(VOICES_JSON, timeout=_CATALOGUE_TIMEOUT_S) as answer, partial.open("wb") as out:  # noqa: S310 - a constant address
                shutil.copyfileobj(answer, out)
            json.loads(partial.read_text(encoding="utf-8"))
            partial.replace(directory / _CATALOGUE_FILE)
    except (OSError, ValueError) as error:
        raise _not_downloaded("the list of voices", error) from None


def published_voices() -> list[str]:
    """Return the names of all voices that there are to download; blocking. Raises EngineError."""
    with tempfile.TemporaryDirectory() as temporary:
        fetch_catalogue(Path(temporary))
        return [entry.name for entry in _read_catalogue(Path(temporary) / _CATALOGUE_FILE)]


def _not_downloaded(what: str, error: Exception) -> EngineError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    said = getattr(reason, "strerror", None) or reason
    remedy = "check that this machine reaches it, or put the files of a voice into a --data-dir"
    return EngineError("piper", f"{what} cannot be downloaded from {_HUB} ({said}); {remedy}")


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
