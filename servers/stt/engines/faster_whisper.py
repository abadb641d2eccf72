"""Whisper by faster-whisper (CTranslate2): any language, needs a model."""

from __future__ import annotations

import asyncio
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

from servers.common import give_way
from servers.stt.engines.decodings import Decodings
from servers.stt.engines.voice import Voice
from servers.stt.engines.whisper_recognition import WhisperRecognition
from servers.stt.errors import EngineMissingError, ModelError
from servers.stt.worker import Worker
from wire.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from servers.stt.engines.base import Recognition, Request
    from servers.stt.settings import SttSettings

_LOGGER = logging.getLogger(__name__)

NAME = "faster-whisper"
# What wyoming-faster-whisper chooses for `auto`: with more, the answer takes longer than people wait.
_ARM_MODEL, _OTHER_MODEL = "rhasspy/faster-whisper-tiny-int8", "rhasspy/faster-whisper-base-int8"
_INT8_MODEL = re.compile(r"(tiny|base|small|medium)[.-]int8")
# Of 447 words of people tiny.en gets 23 wrong with one hypothesis and 22 with five, which take half as long again.
_CPU_BEAM, _GPU_BEAM = 1, 5
_CPU = "cpu"
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
    """How to load a model and transcribe with it."""

    model: str
    device: str
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


def whisper_options(settings: SttSettings) -> WhisperOptions:
    """Work out the options from the settings and this machine."""
    arm = platform.machine().lower().startswith(("arm", "aarch"))
    vad = {
        "threshold": settings.vad_threshold,
        "min_speech_duration_ms": settings.vad_min_speech_ms,
        "min_silence_duration_ms": settings.vad_min_silence_ms,
    }
    return WhisperOptions(
        model=_find_model(settings.model, settings.data_dir, arm=arm),
        device=settings.device,
        compute_type=_compute_type(settings),
        beam_size=settings.beam_size or (_CPU_BEAM if settings.device == _CPU else _GPU_BEAM),
        cpu_threads=settings.cpu_threads or min(os.cpu_count() or 1, _MOST_AUTO_THREADS),
        language=settings.language,
        initial_prompt=settings.initial_prompt,
        task=settings.whisper_task,
        vad=vad if settings.vad_filter else None,
        download_root=settings.download_dir or next(iter(settings.data_dir), None),
        local_files_only=settings.local_files_only,
        load_timeout_s=settings.load_timeout_s,
    )


def _compute_type(settings: SttSettings) -> str:
    """Return what a CPU is quickest with: most models hold halves of floats, which it would make whole ones of."""
    if settings.compute_type != "auto":
        return settings.compute_type
    return "int8" if settings.device == _CPU else "default"


def _find_model(model: str, data_dirs: Iterable[Path], *, arm: bool) -> str:
    """Return a folder that has the model, else the id that the hub knows it by."""
    for folder in (Path(model), *(data_dir / model for data_dir in data_dirs)):
        if (folder / "model.bin").is_file():
            return str(folder)
    if model == "auto":
        return _ARM_MODEL if arm else _OTHER_MODEL
    if match := _INT8_MODEL.fullmatch(model):
        return f"rhasspy/faster-whisper-{match[1]}-int8"
    return model


class FasterWhisperEngine:
    """Transcribes with one Whisper model, loaded in the background."""

    settle_s = _SETTLE_S

    def __init__(self, options: WhisperOptions) -> None:
        # OpenMP reads it when CTranslate2 is imported. Its threads wait for one another after each step: busily, a
        # machine whose cores have other work as well spends three times the time on a decoding.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            from servers.stt.engines import whisper_model  # noqa: PLC0415 - takes a second, and may not be installed
        except ImportError:
            raise EngineMissingError(NAME, "install the extra 'stt'") from None
        self._library = whisper_model
        self._options = options
        self._loading: Future[Any] | None = None
        self._began_s = 0.0
        self._late = False
        self._decodings = Decodings()
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
        """Begin to load the model."""
        self._load()

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
            raise self._error(f"has not loaded within {self._options.load_timeout_s:g} s") from None
        except ModelError:
            raise
        except Exception as error:
            raise self._error(f"could not be loaded ({type(error).__name__}: {_first_line(error)})") from error

    def _error(self, reason: str) -> ModelError:
        options = self._options
        if options.local_files_only:
            remedy = "start once without --local-files-only to download it, or give --model the folder it is in"
        else:
            remedy = "check --model, and that this machine reaches the model hub, or give --model the folder it is in"
        return ModelError(options.model, reason, remedy)

    def _load(self) -> Future[Any]:
        worker = Worker("model loader")
        self._began_s = time.monotonic()
        self._loading = worker.submit(self._load_model)
        worker.close()
        return self._loading

    def _load_model(self) -> Any:
        options = self._options
        _LOGGER.info("loading %s", options.model)
        began_s = time.monotonic()
        # CTranslate2's threads, which this one makes, keep it: a decoding takes all cores, and audio has to go on.
        give_way(_NICENESS)
        try:
            vad = self._library.load_vad()
            model = self._library.ShortWindowModel(
                options.model,
                device=options.device,
                compute_type=options.compute_type,
                cpu_threads=options.cpu_threads,
                download_root=None if options.download_root is None else str(options.download_root),
                local_files_only=options.local_files_only,
            )
        except Exception as error:
            _LOGGER.error("%s could not be loaded: %s", options.model, _first_line(error))  # noqa: TRY400 - ready() has it
            raise
        _LOGGER.info("%s has loaded in %.1f s", options.model, time.monotonic() - began_s)
        return model, vad

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
        return WhisperRecognition(model, self._options, language, request, Voice(vad), self._decodings)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no reason given")
