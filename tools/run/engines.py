"""Which engines hear and speak where nobody has said: by what is on this machine, and by the language."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from huggingface_hub import try_to_load_from_cache

from interject.servers.stt.settings import SttEngine
from interject.servers.tts.engines.piper_voices import best_for_language, default_data_dir, find_voices
from interject.servers.tts.settings import TtsEngine

if TYPE_CHECKING:
    from pathlib import Path

    from interject.servers.stt.settings import SttSettings
    from interject.servers.tts.engines.piper_voices import VoiceEntry
    from interject.servers.tts.settings import TtsSettings

_ENGLISH = "en"
# The more accurate first, of those that the CPU of a home is quick enough for.
_ENGLISH_MODELS = (
    ("Systran/faster-whisper-base.en", "base.en"),
    ("Systran/faster-whisper-tiny.en", "tiny.en"),
)
_MODELS = (
    ("rhasspy/faster-whisper-base-int8", "base-int8"),
    ("Systran/faster-whisper-base", "base"),
    ("rhasspy/faster-whisper-tiny-int8", "tiny-int8"),
    ("Systran/faster-whisper-tiny", "tiny"),
)
_WEIGHTS = "model.bin"


@dataclass(frozen=True, slots=True)
class Here:
    """What can be used without a download: PocketSphinx, models of Whisper by their names, voices of Piper."""

    pocketsphinx: bool
    models: tuple[str, ...]
    voices: tuple[VoiceEntry, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Flags for a server, and why."""

    flags: tuple[str, ...]
    reason: str


def look_around(stt: SttSettings, tts: TtsSettings) -> Here:
    """Find what is on this machine."""
    cached = [name for repository, name in (*_ENGLISH_MODELS, *_MODELS) if _is_cached(repository, stt.download_dir)]
    in_folders = [
        folder.name
        for data_dir in stt.data_dir
        if data_dir.is_dir()
        for folder in sorted(data_dir.iterdir())
        if (folder / _WEIGHTS).is_file()
    ]
    folders = tts.data_dir or (default_data_dir(),)
    return Here(
        pocketsphinx=importlib.util.find_spec("pocketsphinx") is not None,
        models=(*in_folders, *cached),
        voices=tuple(entry for entry in find_voices(folders).values() if entry.model is not None),
    )


def _is_cached(repository: str, folder: Path | None) -> bool:
    found = try_to_load_from_cache(repository, _WEIGHTS, cache_dir=folder)
    return isinstance(found, str)


def choose_stt(settings: SttSettings, language: str | None, here: Here) -> Choice | None:
    """Choose what hears; None where the settings say it."""
    if settings.engine is SttEngine.POCKETSPHINX or settings.model != "auto":
        return None
    tag = _base(settings.language or language or _ENGLISH)
    whisper = ("--engine", SttEngine.FASTER_WHISPER.value)
    model = next((name for name in here.models if tag == _ENGLISH or not name.endswith(".en")), None)
    if model is not None:
        return Choice((*whisper, "--model", model), f"faster-whisper with {model}, which is on this machine")
    if settings.engine is not None:
        return None
    if tag != _ENGLISH:
        return Choice(whisper, f"faster-whisper, for PocketSphinx knows English only; a model for {tag} is downloaded")
    if not here.pocketsphinx:
        return Choice(whisper, "faster-whisper, for PocketSphinx is not installed; a model is downloaded")
    remedy = "it takes commands; --stt-engine faster-whisper downloads a model that understands more"
    return Choice(("--engine", SttEngine.POCKETSPHINX.value), f"PocketSphinx, which needs no download: {remedy}")


def choose_tts(settings: TtsSettings, language: str | None, here: Here) -> Choice | None:
    """Choose what speaks; None where the settings say it."""
    if settings.engine is TtsEngine.ESPEAK_NG or settings.voice is not None:
        return None
    voice = best_for_language(here.voices, language or _ENGLISH)
    if voice is not None:
        flags = ("--engine", TtsEngine.PIPER.value, "--voice", voice.name)
        return Choice(flags, f"piper with {voice.name}, which is on this machine")
    if settings.engine is not None:
        return None
    remedy = "--tts-engine piper downloads a voice that sounds like a person"
    return Choice(("--engine", TtsEngine.ESPEAK_NG.value), f"espeak-ng, which needs no download: {remedy}")


def _base(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()
