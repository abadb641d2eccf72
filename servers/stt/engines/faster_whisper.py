"""Whisper by faster-whisper (CTranslate2): any language, needs a model.

Whisper knows no partial results and always encodes a window of 30 s, so the growing audio is transcribed again and
again, no more than half of the time and one decoding at a time: other utterances' final texts get in between.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import re
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from wyoming.info import AsrModel, AsrProgram, Attribution

from servers.stt.agreement import Hypothesis, Word
from servers.stt.audio import BYTES_PER_S
from servers.stt.engines.base import Recognition, Request, Transcription
from servers.stt.errors import EngineMissingError, ModelError
from servers.stt.worker import Worker
from wire.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from servers.stt.settings import SttSettings

_LOGGER = logging.getLogger(__name__)

NAME = "faster-whisper"
# What wyoming-faster-whisper chooses for `auto`: with more, the answer takes longer than people wait.
_ARM_MODEL, _OTHER_MODEL = "rhasspy/faster-whisper-tiny-int8", "rhasspy/faster-whisper-base-int8"
_INT8_MODEL = re.compile(r"(tiny|base|small|medium)[.-]int8")
_ARM_BEAM, _OTHER_BEAM = 1, 5
# CTranslate2 gains little from more threads at one utterance, and the machine has other things to do.
_MOST_AUTO_THREADS = 4
# Whisper makes words up for shorter audio.
_FIRST_PASS_S = 0.5
# A word or so: less is not worth a pass.
_NEXT_PASS_S = 0.3
# A hub that refuses answers at once; asking again at each request would not help it.
_RETRY_S = 10.0
# People say some 3 words, 5 tokens, a second; an endless repetition is cut where no one can have spoken so fast.
_TOKENS_PER_S, _SPARE_TOKENS, _MOST_TOKENS = 10, 20, 200
# Whisper's times come in steps of 20 ms but err by a tenth of a second and more.
_SETTLE_S = 0.3


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
        compute_type=settings.compute_type,
        beam_size=settings.beam_size or (_ARM_BEAM if arm else _OTHER_BEAM),
        cpu_threads=settings.cpu_threads or min(os.cpu_count() or 1, _MOST_AUTO_THREADS),
        language=settings.language,
        initial_prompt=settings.initial_prompt,
        task=settings.whisper_task,
        vad=vad if settings.vad_filter else None,
        download_root=settings.download_dir or next(iter(settings.data_dir), None),
        local_files_only=settings.local_files_only,
        load_timeout_s=settings.load_timeout_s,
    )


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
        try:
            import faster_whisper  # noqa: PLC0415 - takes a second, and may not be installed
        except ImportError:
            raise EngineMissingError(NAME, "install the extra 'stt'") from None
        self._library = faster_whisper
        self._options = options
        self._loading: Future[Any] | None = None
        self._began_s = 0.0
        self._late = False
        self._decoding = threading.Lock()
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
                    languages=["en"] if english_only else sorted(self._library.tokenizer._LANGUAGE_CODES),  # noqa: SLF001
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
        try:
            model = self._library.WhisperModel(
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
        return model

    def open(self, request: Request) -> Recognition:
        """Begin an utterance; raises RequestError for a language that the model does not know."""
        assert self._loading is not None  # noqa: S101 - ready() comes first
        model = self._loading.result()
        language = request.language or self._options.language
        if language is not None:
            language = re.split("[-_]", language.lower(), maxsplit=1)[0]
            if language not in model.supported_languages:
                raise RequestError(
                    "unsupported-language",
                    f"{self._options.model} does not know {language!r}; it knows "
                    f"{', '.join(sorted(model.supported_languages))}",
                )
        return _WhisperRecognition(model, self._options, language, request, self._decoding)


class _WhisperRecognition:
    """One utterance, transcribed over and over while it grows."""

    def __init__(
        self,
        model: Any,
        options: WhisperOptions,
        language: str | None,
        request: Request,
        decoding: threading.Lock,
    ) -> None:
        self._model = model
        self._options = options
        self._language = language
        # Names first: the prompt's room for hot words is limited, and names have priority.
        self._hotwords = ", ".join((*request.names, *request.terms)) or None
        self._decoding = decoding
        self._pcm = bytearray()
        self._heard_bytes = 0
        self._next_pass_s = 0.0
        self._aborted = threading.Event()

    def hear(self, pcm: bytes) -> Hypothesis | None:
        """Take more audio; transcribe all of it again when it is time to."""
        self._pcm += pcm
        heard_s = len(self._pcm) / BYTES_PER_S
        news_s = heard_s - self._heard_bytes / BYTES_PER_S
        if heard_s < _FIRST_PASS_S or news_s < _NEXT_PASS_S or time.monotonic() < self._next_pass_s:
            return None
        if not self._decoding.acquire(blocking=False):
            return None
        try:
            began_s = time.monotonic()
            self._heard_bytes = len(self._pcm)
            most_tokens = min(_MOST_TOKENS, _SPARE_TOKENS + int(_TOKENS_PER_S * heard_s))
            segments, info = self._transcribe(
                beam_size=1, temperature=0.0, word_timestamps=True, max_new_tokens=most_tokens
            )
            self._language = self._language or info.language
            words = tuple(
                Word(word.word.strip(), word.start, word.end) for segment in segments for word in segment.words or ()
            )
            ended_s = time.monotonic()
            self._next_pass_s = ended_s + (ended_s - began_s)
        finally:
            self._decoding.release()
        return Hypothesis(words, heard_s)

    def finish(self) -> Transcription:
        """Transcribe all of it with the full beam."""
        if not self._pcm or self._aborted.is_set():
            return Transcription("", self._language)
        with self._decoding:
            segments, info = self._transcribe(beam_size=self._options.beam_size)
        return Transcription(" ".join(segment.text.strip() for segment in segments).strip(), info.language)

    def _transcribe(self, **how: Any) -> tuple[list[Any], Any]:
        options = self._options
        segments, info = self._model.transcribe(
            self._samples(),
            language=self._language,
            task=options.task,
            initial_prompt=options.initial_prompt,
            hotwords=self._hotwords,
            vad_filter=options.vad is not None,
            vad_parameters=options.vad,
            **how,
        )
        done: list[Any] = []
        for segment in segments:
            if self._aborted.is_set():
                break
            done.append(segment)
        return done, info

    def _samples(self) -> npt.NDArray[np.float32]:
        return np.frombuffer(bytes(self._pcm), dtype="<i2").astype(np.float32) / np.float32(32768)

    def abort(self) -> None:
        """Stop at the next segment: a segment itself, at most 30 s of audio, cannot be stopped."""
        self._aborted.set()

    def close(self) -> None:
        """Forget the audio."""
        self._pcm.clear()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no reason given")
