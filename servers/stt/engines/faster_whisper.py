"""Whisper by faster-whisper (CTranslate2): any language, needs a model."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import platform
import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wyoming.info import AsrModel, AsrProgram, Attribution

from interject.servers.common import give_way
from interject.servers.stt.engines.device import Placement, on_cpu, place
from interject.servers.stt.engines.model_access import ModelAccess
from interject.servers.stt.engines.voice import Voice
from interject.servers.stt.engines.whisper_recognition import WhisperRecognition
from interject.servers.stt.errors import DeviceError, EngineMissingError, ModelError, ModelUnusableError
from interject.servers.stt.settings import Device
from interject.servers.worker_thread import start_in_thread
from interject.wire.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from interject.servers.stt.engines.base import Recognition, Request
    from interject.servers.stt.settings import SttSettings

_LOGGER = logging.getLogger(__name__)

NAME = "faster-whisper"
# What wyoming-faster-whisper chooses for `auto`: with more, the answer takes longer than people wait.
_ARM_MODEL, _OTHER_MODEL = "rhasspy/faster-whisper-tiny-int8", "rhasspy/faster-whisper-base-int8"
_INT8_MODELS = {f"{size}-int8": f"rhasspy/faster-whisper-{size}-int8" for size in ("tiny", "base", "small", "medium")}
# Of 447 words of people tiny.en gets 23 wrong with one hypothesis and 22 with five, which take half as long again.
_CPU_BEAM, _CUDA_BEAM = 1, 5
# CTranslate2 gains little from more threads at one utterance, and the machine has other things to do.
_MOST_AUTO_THREADS = 4
# Audio goes on before words come, and words before speech that lies seconds ahead.
_NICENESS = 2
# A hub that refuses answers at once; asking again at each request would not help it.
_RETRY_S = 10.0
# Of audio that ends within a word Whisper says that the word ends there. Waiting longer makes it no surer: of 160
# backchannels as many begin as other words with 0.3 s, and of 40 single words 5 are there after 0.55 s instead of 15.
_SETTLE_S = 0.1


@dataclass(frozen=True, slots=True)
class WhisperOptions:
    """How to load a model and transcribe with it; a beam size of 0 is what suits the device."""

    model: str
    device: Device
    compute_type: str
    beam_size: int
    cpu_threads: int
    language: str | None
    initial_prompt: str | None
    task: str
    vad: dict[str, Any] | None
    download_root: Path | None
    local_files_only: bool
    load_timeout_s: float


async def open_engine(settings: SttSettings) -> FasterWhisperEngine:
    """Make the engine; its model is looked up in the folders that the settings name."""
    return await asyncio.to_thread(lambda: FasterWhisperEngine(whisper_options(settings)))


def whisper_options(settings: SttSettings) -> WhisperOptions:
    """Work out the options from the settings and this machine."""
    arm = platform.machine().lower().startswith(("arm", "aarch"))
    vad = {
        "threshold": settings.vad_threshold,
        "min_speech_duration_ms": settings.vad_min_speech_ms,
        "min_silence_duration_ms": settings.vad_min_silence_ms,
    }
    return WhisperOptions(
        model=_find_model(settings.model, settings.data_dir, _ARM_MODEL if arm else _OTHER_MODEL),
        device=settings.device,
        compute_type=settings.compute_type,
        beam_size=settings.beam_size,
        cpu_threads=settings.cpu_threads or min(os.cpu_count() or 1, _MOST_AUTO_THREADS),
        language=settings.language,
        initial_prompt=settings.initial_prompt,
        task=settings.whisper_task,
        vad=vad if settings.vad_filter else None,
        download_root=settings.download_dir or next(iter(settings.data_dir), None),
        local_files_only=settings.local_files_only,
        load_timeout_s=settings.load_timeout_s,
    )


def _find_model(model: str, data_dirs: Iterable[Path], default: str) -> str:
    """Return a folder that has the model, else the name that the hub knows it by; `auto` is `default`."""
    for folder in (Path(model), *(data_dir / model for data_dir in data_dirs)):
        if (folder / "model.bin").is_file():
            return str(folder)
    if model == "auto":
        return default
    # wyoming-faster-whisper writes both.
    return _INT8_MODELS.get(model.replace(".int8", "-int8"), model)


class FasterWhisperEngine:
    """Transcribes with one Whisper model, loaded in the background."""

    settle_s = _SETTLE_S

    def __init__(self, options: WhisperOptions) -> None:
        # OpenMP reads it when CTranslate2 is imported. Its threads wait for one another after each step: busily, a
        # machine whose cores have other work as well spends three times the time on a decoding.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            # These take a second, and may not be installed.
            import ctranslate2  # noqa: PLC0415

            from interject.servers.stt.engines import whisper_model  # noqa: PLC0415
        except ImportError:
            raise EngineMissingError(NAME, "install the extra 'stt'") from None
        self._library = whisper_model
        self._options = options
        self._placement = place(options.device, options.compute_type, ctranslate2)
        self._folder: str | None = None
        self._loading: Future[Any] | None = None
        self._began_s = 0.0
        self._late = False
        self._access = ModelAccess()
        self._version = version("faster-whisper")

    def info(self) -> AsrProgram:
        """Describe the engine and its model."""
        options = self._options
        english_only = options.model.removesuffix("-int8").endswith(".en")
        return AsrProgram(
            name=NAME,
            description="Whisper by CTranslate2",
            attribution=Attribution(name="Guillaume Klein", url="https://github.com/SYSTRAN/faster-whisper/"),
            installed=True,
            version=self._version,
            models=[
                AsrModel(
                    name=options.model,
                    description=options.model,
                    attribution=Attribution(name="OpenAI", url="https://github.com/openai/whisper"),
                    # Home Assistant asks once, maybe right after the start, and offers no languages of what is not
                    # installed; while a model is being loaded, requests wait for it.
                    installed=not (self._late or self._failed),
                    version=None,
                    languages=["en"] if english_only else list(self._library.LANGUAGES),
                )
            ],
            supports_transcript_streaming=True,
            requires_external_vad=True,
        )

    @property
    def _failed(self) -> bool:
        return self._loading is not None and self._loading.done() and self._loading.exception() is not None

    async def start(self) -> None:
        """Load the model if it is on this machine, or begin to download it; raises ModelUnusableError."""
        options = self._options
        self._folder = await asyncio.to_thread(
            self._library.folder_of, options.model, options.download_root, tuple(_INT8_MODELS)
        )
        if self._folder is None and options.local_files_only:
            remedy = "start once without --local-files-only to download it, or give --model the folder that it is in"
            raise ModelUnusableError(options.model, "is not on this machine", remedy)
        self._load()
        if self._folder is not None:
            try:
                await self.ready()
            except ModelUnusableError:
                raise
            except ModelError as error:
                _LOGGER.warning("%s; it is being loaded still", error)

    async def keep(self) -> None:
        """Have the model downloaded, however long the hub is away; raises ModelUnusableError."""
        while True:
            loading = self._loading or self._load()
            try:
                await asyncio.shield(asyncio.wrap_future(loading))
            except ModelUnusableError:
                raise
            except ModelError as error:
                _LOGGER.error("%s; trying again in %g s", error, _RETRY_S)  # noqa: TRY400 - the cause is told
                await asyncio.sleep(_RETRY_S)
                if self._loading is loading:
                    self._load()
            else:
                return

    async def ready(self) -> None:
        """Wait until the model has loaded, or its time is up; raises ModelError."""
        loading = self._loading
        since_s = time.monotonic() - self._began_s
        if loading is None or (self._failed and since_s > _RETRY_S):
            loading, since_s = self._load(), 0.0
        # The time is for loading: what has loaded is ready, however long ago that was.
        left_s = None if loading.done() else max(0.0, self._options.load_timeout_s - since_s)
        try:
            async with asyncio.timeout(left_s):
                await asyncio.shield(asyncio.wrap_future(loading))
            self._late = False
        except TimeoutError:
            if not self._late:
                self._late = True
                _LOGGER.warning("%s has not loaded within %g s", self._options.model, self._options.load_timeout_s)
            reason = f"has not loaded within {self._options.load_timeout_s:g} s"
            remedy = "wait for it, choose a smaller --model, or give --model the folder that it is in"
            raise ModelError(self._options.model, reason, remedy) from None

    def _load(self) -> Future[Any]:
        self._began_s = time.monotonic()
        self._loading = start_in_thread(self._load_model, "model loader")
        return self._loading

    def _load_model(self) -> Any:
        options = self._options
        _LOGGER.info("loading %s", options.model)
        began_s = time.monotonic()
        # CTranslate2's threads, which this one makes, keep it: a decoding takes all cores, and audio has to go on.
        give_way(_NICENESS)
        folder = self._folder or self._library.download(options.model, options.download_root)
        try:
            loaded = self._open_model(folder), self._library.load_vad()
        except DeviceError:
            raise
        except Exception as error:
            reason = f"cannot be loaded from {folder} ({self._library.first_line(error)})"
            remedy = "delete that folder to have it downloaded anew, or give another --model"
            raise ModelUnusableError(options.model, reason, remedy) from error
        _LOGGER.info("%s has loaded in %.1f s; %s", options.model, time.monotonic() - began_s, self._placement.told)
        return loaded

    def _open_model(self, folder: str) -> Any:
        placement = self._placement
        if placement.device is Device.CUDA:
            try:
                model = self._model_on(folder, placement)
                model.try_out()
            except RuntimeError as error:
                if self._options.device is Device.CUDA:
                    remedy = "install what it names (docs/engines.md)"
                    raise DeviceError(f"CUDA does not work ({self._library.first_line(error)})", remedy) from error
                self._placement = on_cpu(self._options.compute_type, f"CUDA does not work: {error}")
                _LOGGER.warning("%s", self._placement.told)
            else:
                return model
        return self._model_on(folder, self._placement)

    def _model_on(self, folder: str, placement: Placement) -> Any:
        return self._library.ShortWindowModel(
            folder,
            device=placement.device.value,
            compute_type=placement.compute_type,
            cpu_threads=self._options.cpu_threads,
        )

    def open(self, request: Request) -> Recognition:
        """Begin an utterance; raises RequestError for a language that the model does not know."""
        assert self._loading is not None  # noqa: S101 - ready() comes first
        model, vad = self._loading.result()
        language = request.language or self._options.language
        if language is not None:
            language = re.split("[-_]", language.lower(), maxsplit=1)[0]
            if language not in model.supported_languages:
                raise RequestError(
                    "unsupported-language",
                    f"{self._options.model} does not know {language!r}; it knows "
                    f"{', '.join(sorted(model.supported_languages))}",
                )
        beam_size = self._options.beam_size or (_CPU_BEAM if self._placement.device is Device.CPU else _CUDA_BEAM)
        options = dataclasses.replace(self._options, beam_size=beam_size)
        return WhisperRecognition(model, options, language, request, Voice(vad), self._access)
