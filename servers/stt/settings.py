"""The settings of the speech-to-text server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from interject.servers.common import WHERE_TO_LISTEN, ServerSettings
from interject.wire.settings import option

# As many as speak at once in a large house; who has waited for some seconds is told so (interject.servers.fair_queue).
_MAX_WAITING = 8
_MOST_SESSIONS = 64
DEFAULT_URI = "tcp://127.0.0.1:10300"


class SttEngine(Enum):
    """Which engine transcribes."""

    POCKETSPHINX = "pocketsphinx"
    FASTER_WHISPER = "faster-whisper"


class Device(Enum):
    """What computes."""

    AUTO = "auto"
    CUDA = "cuda"
    CPU = "cpu"


@dataclass(frozen=True)
class RecognitionSettings:
    """What every engine of speech recognition has."""

    GROUP: ClassVar[str] = "Speech recognition"
    TABLE: ClassVar[str] = "recognition"
    FIRST: ClassVar[tuple[str, ...]] = ("uri", "engine", "language")

    uri: str = option(DEFAULT_URI, WHERE_TO_LISTEN, metavar="URI")
    engine: SttEngine | None = option(
        None,
        "which engine transcribes; pocketsphinx is embedded and good at commands, faster-whisper needs a model "
        "(default: the one that other settings are for; else pocketsphinx where it is installed, else faster-whisper)",
    )
    max_sessions: int | None = option(
        None,
        "utterances transcribed at the same time; more wait, but one of another address where one has all "
        "(default: one more than there are processor cores)",
        minimum=1,
        maximum=_MOST_SESSIONS,
    )
    max_waiting: int = option(
        _MAX_WAITING, "utterances that may wait; more are refused as busy", minimum=0, maximum=1024
    )
    max_audio_s: float = option(120.0, "longest utterance, in seconds; a longer one is refused", minimum=1)
    language: str | None = option(None, "language spoken, unless the request names one (default: detected)")

    @property
    def sessions(self) -> int:
        """How many utterances are transcribed at the same time.

        PocketSphinx decodes them in slices by turns, and needs 130 MB for each: more would answer nobody sooner.
        """
        return self.max_sessions or min((os.cpu_count() or 1) + 1, _MOST_SESSIONS)


@dataclass(frozen=True)
class WhisperSettings:
    """What faster-whisper alone has."""

    GROUP: ClassVar[str] = "Speech recognition with faster-whisper"
    TABLE: ClassVar[str] = SttEngine.FASTER_WHISPER.value
    FIRST: ClassVar[tuple[str, ...]] = ("model",)
    ENGINE: ClassVar[SttEngine] = SttEngine.FASTER_WHISPER

    model: str = option("auto", "auto, a size such as tiny-int8 or small, a hub id, or a folder")
    device: Device = option(Device.AUTO, "what computes; auto: a CUDA device where there is one, else the CPU")
    compute_type: str = option(
        "auto", "int8, float16, float32, …; default: as in the model; auto: int8 on a CPU, int8_float16 with CUDA"
    )
    beam_size: int = option(0, "hypotheses kept; 0: 1 on a CPU, 5 with CUDA", minimum=0, maximum=100)
    cpu_threads: int = option(0, "threads of one decoding; 0: one a core, at most 4", minimum=0, maximum=256)
    initial_prompt: str | None = option(None, "a text in the style and with the words expected")
    whisper_task: str = option("transcribe", "what to write", choices=("transcribe", "translate"))
    vad_filter: bool = option(False, "leave out what Silero VAD calls silence")
    vad_threshold: float = option(0.5, "speech is above", minimum=0, maximum=1)
    vad_min_speech_ms: int = option(250, "shorter speech is left out", minimum=0)
    vad_min_silence_ms: int = option(2000, "shorter silence is kept", minimum=0)
    data_dir: tuple[Path, ...] = option((), "folder to look for models in (repeatable)")
    download_dir: Path | None = option(None, "folder to download to (default: the first --data-dir)")
    local_files_only: bool = option(False, "download nothing")
    load_timeout_s: float = option(120.0, "seconds in which the model must have loaded", minimum=0.1)


# The fields of the last base class come first.
@dataclass(frozen=True)
class SttSettings(WhisperSettings, RecognitionSettings, ServerSettings):
    """Settings of `interject-stt`; names as in wyoming-faster-whisper where it has them."""
