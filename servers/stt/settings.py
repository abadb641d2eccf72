"""The settings of the speech-to-text server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from servers.common import ServerSettings
from wire.settings import option

# On two cores PocketSphinx answers the last of the 12 utterances of 1.75 s that then fit in, all ended at the same
# instant, after some 8 s even where it has just started and loads decoders. With 8 waiting it took up to 11 s; a
# satellite gives up after 10.
_MAX_WAITING = 4
DEFAULT_URI = "tcp://0.0.0.0:10300"


class EngineChoice(Enum):
    """Which engine transcribes."""

    POCKETSPHINX = "pocketsphinx"
    FASTER_WHISPER = "faster-whisper"


@dataclass(frozen=True, slots=True)
class SttSettings(ServerSettings):
    """Settings of `interject-stt`; names as in wyoming-faster-whisper where it has them."""

    GROUP: ClassVar[str] = "Speech recognition"
    FIRST: ClassVar[tuple[str, ...]] = ("uri", "engine", "model", "language")

    uri: str = option(DEFAULT_URI, "where to listen: tcp://HOST:PORT or unix:///PATH", metavar="URI")
    engine: EngineChoice | None = option(
        None,
        "which engine transcribes; pocketsphinx is embedded and good at commands, faster-whisper needs a model "
        "(default: pocketsphinx where it is installed, else faster-whisper)",
    )
    max_sessions: int = option(8, "utterances transcribed at the same time; more wait", minimum=1, maximum=64)
    max_waiting: int = option(
        _MAX_WAITING, "utterances that may wait; more are refused as busy", minimum=0, maximum=1024
    )
    max_audio_s: float = option(120.0, "longest utterance, in seconds; a longer one is refused", minimum=1)
    language: str | None = option(None, "language spoken, unless the request names one (default: detected)")
    model: str = option("auto", "faster-whisper: auto, a size such as tiny-int8 or small, a hub id, or a folder")
    device: str = option("cpu", "faster-whisper: cpu, cuda or auto", choices=("cpu", "cuda", "auto"))
    compute_type: str = option(
        "auto", "faster-whisper: int8, float16, float32, …; default: as in the model; auto: int8 on a CPU"
    )
    beam_size: int = option(0, "faster-whisper: hypotheses kept; 0: 1 on a CPU, else 5", minimum=0, maximum=100)
    cpu_threads: int = option(
        0, "faster-whisper: threads of one decoding; 0: one a core, at most 4", minimum=0, maximum=256
    )
    initial_prompt: str | None = option(None, "faster-whisper: a text in the style and with the words expected")
    whisper_task: str = option("transcribe", "faster-whisper", choices=("transcribe", "translate"))
    vad_filter: bool = option(False, "faster-whisper: leave out what Silero VAD calls silence")
    vad_threshold: float = option(0.5, "faster-whisper: speech is above", minimum=0, maximum=1)
    vad_min_speech_ms: int = option(250, "faster-whisper: shorter speech is left out", minimum=0)
    vad_min_silence_ms: int = option(2000, "faster-whisper: shorter silence is kept", minimum=0)
    data_dir: tuple[Path, ...] = option((), "faster-whisper: folder to look for models in (repeatable)")
    download_dir: Path | None = option(None, "faster-whisper: folder to download to (default: the first --data-dir)")
    local_files_only: bool = option(False, "faster-whisper: download nothing")
    load_timeout_s: float = option(120.0, "faster-whisper: seconds in which the model must have loaded", minimum=0.1)
