"""Settings of the text-to-speech server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from interject.servers.common import WHERE_TO_LISTEN, ServerSettings
from interject.wire.settings import option


class TtsEngine(Enum):
    """The engines that can speak."""

    ESPEAK_NG = "espeak-ng"
    PIPER = "piper"


@dataclass(frozen=True)
class SpeechSettings:
    """What every engine of speech synthesis has."""

    GROUP: ClassVar[str] = "Speech"
    TABLE: ClassVar[str] = "speech"
    FIRST: ClassVar[tuple[str, ...]] = ("uri", "engine", "voice")

    uri: str = option("tcp://127.0.0.1:10200", WHERE_TO_LISTEN)
    engine: TtsEngine | None = option(
        None, "what speaks (default: the one that other settings are for; else espeak-ng, which needs no download)"
    )
    voice: str | None = option(
        None, "voice when a request names none: en-US with espeak-ng, en_US-lessac-medium (or a .onnx file) with piper"
    )
    speaker: str | None = option(None, "speaker of the voice; with espeak-ng a variant such as f2")
    length_scale: float | None = option(None, "how long sounds last: above 1 is slower", minimum=0.2, maximum=5)
    sentence_silence: float | None = option(
        None, "seconds of silence between sentences (0.3 with espeak-ng, 0 with piper)", minimum=0, maximum=10
    )
    auto_punctuation: str = option(
        ".?!", "a text that ends in a letter or a digit gets the first of these; empty: never"
    )
    samples_per_chunk: int = option(1024, "samples in one audio-chunk event", minimum=64, maximum=65536)
    no_streaming: bool = option(False, "serve whole texts only")


@dataclass(frozen=True)
class EspeakSettings:
    """What espeak-ng alone has."""

    GROUP: ClassVar[str] = "Speech with espeak-ng"
    TABLE: ClassVar[str] = TtsEngine.ESPEAK_NG.value
    ENGINE: ClassVar[TtsEngine] = TtsEngine.ESPEAK_NG

    speaking_rate: int = option(175, "words a minute", minimum=80, maximum=450)


@dataclass(frozen=True)
class PiperSettings:
    """What Piper alone has."""

    GROUP: ClassVar[str] = "Speech with Piper"
    TABLE: ClassVar[str] = TtsEngine.PIPER.value
    ENGINE: ClassVar[TtsEngine] = TtsEngine.PIPER

    noise_scale: float | None = option(None, "variation of the sound", minimum=0, maximum=2)
    noise_w_scale: float | None = option(None, "variation of the rhythm", minimum=0, maximum=2)
    update_voices: bool = option(False, "download the list of voices at start")
    use_cuda: bool = option(False, "compute on a CUDA device; needs onnxruntime-gpu")
    data_dir: tuple[Path, ...] = option((), "directory with voices (repeatable)", metavar="DIR")
    download_dir: Path | None = option(
        None, "where voices are downloaded to (default: the first --data-dir)", metavar="DIR"
    )
    allow_voice: tuple[str, ...] = option(
        (),
        "voice that a request may have downloaded (repeatable); all: any that Piper publishes (default: none but "
        "--voice)",
        metavar="NAME",
    )
    local_files_only: bool = option(False, "never download a voice")


# The fields of the last base class come first.
@dataclass(frozen=True)
class TtsSettings(PiperSettings, EspeakSettings, SpeechSettings, ServerSettings):
    """Settings of one server process; names and defaults are wyoming-piper's where it has them."""
