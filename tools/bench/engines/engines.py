"""Which engines a bench runs with, and how loud the echo of their voice has to be."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.satellite.simulator.room import RoomAcoustics
from interject.servers.llm.engines.offline import STORY
from interject.servers.tts.settings import TtsEngine
from tools.bench.engines.voices import USER_DBFS
from tools.bench.reference import Tap
from tools.bench.run_room import Engines
from tools.harness.dev_models import JOE_VOICE, DevModelMissingError, piper_joe, whisper_tiny_en
from tools.harness.processes import Processes, free_uri
from tools.harness.warm_up import warm_up_tts
from tools.simulator.levels import level_dbfs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADSET = "headset"
_SCRIPTED_MODULE = "tools.bench.engines.scripted"


class SttEngine(Enum):
    """What recognises speech: engines of the STT server, and one that knows what is said."""

    FASTER_WHISPER = "faster-whisper"
    POCKETSPHINX = "pocketsphinx"
    SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked for, None for the default; `said` is the file from which the scripted recogniser knows words."""

    stt_model: str | None
    tts: TtsEngine | None
    tts_voice: str | None
    said: Path


def default_stt() -> list[SttEngine]:
    """Give the best that is installed, beside the scripted recogniser."""
    return [SttEngine.FASTER_WHISPER if _installed() else SttEngine.POCKETSPHINX, SttEngine.SCRIPTED]


def default_tts() -> TtsEngine:
    """Give the best that is installed."""
    return TtsEngine.PIPER if _installed() else TtsEngine.ESPEAK_NG


def engines(stt: SttEngine, chosen: Chosen) -> Engines:
    """Say how the servers are started; raises DevModelMissingError for a default that is not installed."""
    tts = chosen.tts or default_tts()
    spoken = ["--engine", tts.value]
    if chosen.tts_voice is not None:
        spoken += ["--voice", chosen.tts_voice]
    elif tts is TtsEngine.PIPER:
        spoken += ["--voice", JOE_VOICE, "--data-dir", str(piper_joe())]
    if stt is SttEngine.SCRIPTED:
        return Engines({"stt": _SCRIPTED_MODULE}, {"stt": ["--said", str(chosen.said)], "tts": spoken})
    heard = ["--engine", stt.value]
    if stt is SttEngine.FASTER_WHISPER:
        heard += ["--model", chosen.stt_model or str(whisper_tiny_en())]
    return Engines({}, {"stt": heard, "tts": spoken})


async def reply_dbfs(chosen: Engines, folder: Path) -> float:
    """Have the beginning of the story spoken, and measure how loud it is."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    uri = free_uri()
    async with Processes(os.environ) as processes:
        await processes.start(chosen.program("tts", uri, folder))
        await processes.wait_until_ready("tts")
        async with Tap(uri) as tap:
            await warm_up_tts(tap.uri, STORY.split(". ")[0])
            (reference,) = await tap.references()
    return level_dbfs(reference.audio.astype(np.float32) / np.float32(INT16_FULL_SCALE))


def room_flags(echo: str, reply_level_dbfs: float) -> Sequence[str]:
    """Give the satellite's flags for an echo condition: a headset, or so many dB above the user's voice."""
    echo_db = RoomAcoustics().echo_db if echo == HEADSET else USER_DBFS + float(echo) - reply_level_dbfs
    return ["--room-echo-db", f"{echo_db:.1f}"]


def _installed() -> bool:
    try:
        whisper_tiny_en(), piper_joe()
    except DevModelMissingError:
        return False
    return True
