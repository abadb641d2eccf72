"""Piper: neural voices, sentence by sentence, with the times of the words where the model tells them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from piper.config import SynthesisConfig
from wyoming.info import Attribution, TtsProgram, TtsVoice, TtsVoiceSpeaker

from interject.servers.common import give_way
from interject.servers.tts.engines import MODEL_SUFFIX, is_pipers
from interject.servers.tts.engines.base import NICENESS
from interject.servers.tts.engines.espeak_library import EspeakLibrary
from interject.servers.tts.engines.piper_reader import LoadedVoice, PiperReader, load_voice, require_cuda
from interject.servers.tts.engines.piper_voices import (
    NotPublishedError,
    VoiceEntry,
    best_for_language,
    default_data_dir,
    fetch_catalogue,
    fetch_voice,
    find_voices,
    published_voices,
    read_voice,
)
from interject.servers.tts.errors import EngineError, LastingError, UnknownNameError
from interject.servers.worker_thread import run_in_thread
from interject.wire.errors import RequestError, SettingError
from interject.wire.likeness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wyoming.tts import SynthesizeVoice

    from interject.servers.tts.settings import TtsSettings

_LOGGER = logging.getLogger(__name__)

_DEFAULT_VOICE = "en_US-lessac-medium"
_ATTRIBUTION = Attribution(name="The Home Assistant Authors", url="https://github.com/OHF-Voice/piper1-gpl")
_VOICES_ATTRIBUTION = Attribution(name="rhasspy", url="https://github.com/rhasspy/piper-voices")
# A voice is 60 MB to download and 1.6 s to load; a request waits that long for it, then hears that it is not there yet.
_READY_TIMEOUT_S = 60.0
# A network that has just come up, or a hub that is away for a while: nobody hears how often it is tried.
_RETRY_S = 30.0
_SAMPLES = "https://rhasspy.github.io/piper-samples"
# What --allow-voice says for any.
_ALL_VOICES = "all"
# A medium voice takes some 100 MB of memory.
_MAX_LOADED_VOICES = 4


async def open_engine(settings: TtsSettings) -> PiperEngine:
    """Find the voices and load the default one, or begin to download it.

    Raises SettingError if there is none such, LastingError if it cannot be loaded.
    """
    if settings.use_cuda:
        require_cuda()
    engine = await asyncio.to_thread(PiperEngine, settings)
    try:
        await engine.begin()
    except RequestError as error:
        await engine.close()
        raise SettingError("--voice, --speaker", str(error)) from None
    except BaseException:
        await engine.close()
        raise
    return engine


class PiperEngine:
    """The engine; reads the directories while it is made."""

    # Its voices breathe by themselves.
    sentence_pause_s = 0.0

    def __init__(self, settings: TtsSettings) -> None:
        data_dirs = settings.data_dir or (default_data_dir(),)
        self._download_dir = settings.download_dir or data_dirs[0]
        self._directories = tuple(dict.fromkeys((*data_dirs, self._download_dir)))
        self._settings = settings
        self._voices = find_voices(self._directories)
        self._default = self._find_default(settings.voice or _DEFAULT_VOICE)
        self._loads: dict[str, asyncio.Task[LoadedVoice]] = {}
        self._updating: asyncio.Task[None] | None = None
        self._version = version("piper-tts")
        self._espeak = EspeakLibrary()

    async def begin(self) -> None:
        """Load the default voice if it is here; raises RequestError when there is none such, LastingError."""
        name = self._default
        self._check_obtainable(name)
        known = self._voices.get(name)
        if known is not None:
            self._speaker_id(known, self._settings.speaker)
        if self._settings.update_voices and not self._settings.local_files_only:
            self._updating = asyncio.create_task(self._update(), name="list of voices")
        if known is not None and known.model is not None:
            await self._load(name)

    async def keep(self) -> None:
        """Have the default voice downloaded, however long the network is away; raises what waiting will not mend."""
        while True:
            try:
                await asyncio.shield(self._load(self._default))
            except LastingError:
                raise
            except EngineError as error:
                _LOGGER.error("%s; trying again in %g s", error, _RETRY_S)  # noqa: TRY400 - the cause is told
                await asyncio.sleep(_RETRY_S)
            else:
                _LOGGER.info("the default voice is loaded")
                return

    def program(self) -> TtsProgram:
        """Describe the engine and its voices; those that would have to be downloaded first are not `installed`."""
        voices = [
            TtsVoice(
                name=entry.name,
                attribution=_VOICES_ATTRIBUTION,
                installed=entry.model is not None,
                description=entry.description,
                version=None,
                languages=list(entry.languages),
                speakers=[TtsVoiceSpeaker(name) for name in entry.speakers] or None,
            )
            for entry in sorted(self._voices.values(), key=lambda entry: entry.name)
        ]
        return TtsProgram(
            name="piper",
            attribution=_ATTRIBUTION,
            installed=True,
            description="Neural voices that run on a small machine",
            version=self._version,
            voices=voices,
        )

    def language(self, wanted: SynthesizeVoice | None) -> str:
        """Return the language of the wanted voice; empty if there is none such here."""
        try:
            entry = self._voices.get(self._choose(wanted))
        except UnknownNameError:
            return ""
        return entry.languages[0] if entry is not None else ""

    async def voice(self, wanted: SynthesizeVoice | None) -> PiperReader:
        """Get a voice by name, else by language, else the default; loads it, and downloads it if that is allowed.

        Raises RequestError for what does not exist or is not there in time.
        """
        name = self._choose(wanted)
        speaker = self._settings.speaker if name == self._default else None
        if wanted is not None and wanted.speaker:
            speaker = wanted.speaker
        self._check_obtainable(name)
        load = self._load(name)
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                loaded = await asyncio.shield(load)
        except TimeoutError:
            raise RequestError(
                "voice-not-ready", f"the voice {name!r} is still being loaded; try again later"
            ) from None
        except EngineError as error:
            raise RequestError("voice-not-ready", str(error)) from error
        entry = self._voices[name]
        settings = self._settings
        config = SynthesisConfig(
            speaker_id=self._speaker_id(entry, speaker),
            length_scale=settings.length_scale,
            noise_scale=settings.noise_scale,
            noise_w_scale=settings.noise_w_scale,
        )
        return PiperReader(loaded, config, self._espeak)

    async def close(self) -> None:
        """Let go of the voices; a load that is under way is abandoned."""
        tasks = [*self._loads.values(), *([self._updating] if self._updating else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._espeak.close)

    def _find_default(self, name: str) -> str:
        """Return the name of the default voice, which may be given as a model file."""
        path = Path(name)
        if path.suffix != MODEL_SUFFIX:
            return name
        entry = read_voice(path) if path.exists() else None
        if entry is None:
            raise SettingError("--voice", f"{name} is no voice: it needs the model and {path.name}.json beside it")
        self._voices[entry.name] = entry
        return entry.name

    def _choose(self, wanted: SynthesizeVoice | None) -> str:
        if wanted is not None and wanted.name:
            return wanted.name
        if wanted is not None and wanted.language:
            return self._for_language(wanted.language)
        return self._default

    def _for_language(self, language: str) -> str:
        # The default voice comes first, if it fits as well as another one.
        entries = sorted(self._voices.values(), key=lambda entry: entry.name != self._default)
        default = best_for_language(entries[:1], language)
        found = default or best_for_language(entries, language)
        if found is None:
            here = sorted({tag for entry in entries if entry.model for tag in entry.languages})
            raise UnknownNameError("language", language, here)
        return found.name

    def _check_obtainable(self, name: str) -> None:
        known = self._voices.get(name)
        if known is not None and known.model is not None:
            return
        here = sorted(entry.name for entry in self._voices.values() if entry.model)
        if self._settings.local_files_only:
            directories = ", ".join(map(str, self._directories))
            raise UnknownNameError("voice", name, here, f" in {directories}, and --local-files-only forbids a download")
        if not is_pipers(name):
            raise UnknownNameError("voice", name, here, " on this machine", self._hint(name, self._voices))
        if name != self._default and not {name, _ALL_VOICES} & set(self._settings.allow_voice):
            # Whoever reaches the server can ask for any of hundreds, and a medium one has 60 MB.
            raise UnknownNameError("voice", name, here, " on this machine", f"--allow-voice {name} has it downloaded")

    def _hint(self, name: str, known: Iterable[str]) -> str:
        if name.lower() in _names_at_espeak(self._espeak):
            return "that is a voice of espeak-ng: --engine espeak-ng"
        names = f"those to download have names such as {_DEFAULT_VOICE} and are listed at {_SAMPLES}"
        return f"{did_you_mean(name, known)} {names}".strip()

    def _load(self, name: str) -> asyncio.Task[LoadedVoice]:
        load = self._loads.pop(name, None)
        if load is None or (load.done() and (load.cancelled() or load.exception() is not None)):
            load = asyncio.create_task(self._obtain(name), name=f"load {name}")
        # The last one used goes to the end, the first one is the next to be forgotten.
        self._loads[name] = load
        idle = [other for other, task in self._loads.items() if task.done()]
        for other in idle[: max(0, len(self._loads) - _MAX_LOADED_VOICES)]:
            if other != name:
                del self._loads[other]
        return load

    async def _obtain(self, name: str) -> LoadedVoice:
        entry = self._voices.get(name)
        if entry is None or entry.model is None:
            _LOGGER.info("downloading the voice %s", name)
            model = await self._fetch(name)
            self._voices = await asyncio.to_thread(self._rescan)
        else:
            model = entry.model

        def load() -> LoadedVoice:
            # The model's own threads, which this one makes, keep it.
            give_way(NICENESS)
            return load_voice(model, use_cuda=self._settings.use_cuda, download_dir=self._download_dir)

        return await run_in_thread(load, f"load {name}")

    async def _fetch(self, name: str) -> Path:
        try:
            return await run_in_thread(lambda: fetch_voice(name, self._download_dir), f"download {name}")
        except NotPublishedError as error:
            try:
                published = await run_in_thread(published_voices, "list of voices")
            except EngineError:
                published = list(self._voices)
            raise LastingError("piper", f"{error.reason}; {self._hint(name, published)}") from None

    def _rescan(self) -> dict[str, VoiceEntry]:
        return self._voices | find_voices(self._directories)

    async def _update(self) -> None:
        try:
            await run_in_thread(lambda: fetch_catalogue(self._download_dir), "list of voices")
        except EngineError as error:
            _LOGGER.warning("%s; only voices that are here are listed", error)
            return
        listed = await asyncio.to_thread(self._rescan)
        self._voices = listed
        _LOGGER.info("%d voices are listed", len(listed))

    def _speaker_id(self, entry: VoiceEntry, speaker: str | None) -> int | None:
        if speaker is None:
            return None
        if speaker in entry.speakers:
            return entry.speakers[speaker]
        with contextlib.suppress(ValueError):
            if int(speaker) in entry.speakers.values():
                return int(speaker)
        raise UnknownNameError("speaker", speaker, list(entry.speakers), f" in the voice {entry.name}")


def _names_at_espeak(espeak: EspeakLibrary) -> set[str]:
    voices = espeak.voices()
    tags = {tag.lower() for voice in voices for tag, _ in voice.languages}
    return tags | {voice.name.lower() for voice in voices}
