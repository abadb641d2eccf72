"""An STT server that knows what is said: the recogniser of the simulated rooms as a process of its own.

It follows the room by the trace of the satellite, which lies beside its own, and knows each clip's words by `--said`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - a setting's type is read while the program runs
from typing import TYPE_CHECKING

from wyoming.info import AsrModel, AsrProgram, Attribution

from interject import package_version
from interject.servers.common import run_server, serve_as
from interject.servers.stt import agreement
from interject.servers.stt.audio import BYTES_PER_S
from interject.servers.stt.engines.base import Transcription
from interject.servers.stt.service import make_service
from interject.servers.stt.settings import SttSettings
from interject.servers.stt.worker_pool import WorkerPool
from interject.wire.discovery import ServiceKind
from interject.wire.errors import SettingError
from interject.wire.settings import option
from interject.wire.trace import open_trace
from tools.bench.room.recogniser import FINAL_S, Word, spread, text_of
from tools.harness.timeline import Timeline
from tools.simulator.levels import RATE_HZ, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.servers.stt.engines.base import Recognition, Request
    from tools.bench.engines.voices import Voice

# Reading the trace more often tells nothing sooner that counts.
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class ScriptedSettings(SttSettings):
    """Those of `interject-stt`, and what the clips say."""

    said: Path | None = option(None, "JSON file with the words of each clip, and where they lie in it")


def write_said(path: Path, voices: Iterable[Voice]) -> None:
    """Write what `--said` reads."""
    told = {str(voice.path): (voice.words, voice.onset_s, voice.end_s) for voice in voices}
    path.write_text(json.dumps(told), encoding="utf-8")


class Room:
    """What has been said in a room so far, in frames of its clock; for several threads."""

    def __init__(self, folder: Path, said: Path) -> None:
        self._timeline = Timeline([folder / "satellite.jsonl"])
        self._script = folder / "room.json"
        self._said = json.loads(said.read_text(encoding="utf-8"))
        self._words: list[Word] = []
        self._clips = 0
        self._looked_s = 0.0
        self._lock = threading.Lock()

    def look(self) -> tuple[int, tuple[Word, ...]]:
        """Give the present moment, and the words of all that anybody has begun to say."""
        with self._lock:
            if time.monotonic() - self._looked_s >= _LOOK_EVERY_S:
                self._looked_s = time.monotonic()
                self._look()
            return frames_of(self._timeline.now()), tuple(self._words)

    def _look(self) -> None:
        self._timeline.read_new()
        spoken = [event for event in self._timeline.events if event["type"] == "user-speaks"]
        self._timeline.events.clear()
        if not spoken:
            return
        clips = json.loads(self._script.read_text(encoding="utf-8"))["clips"]
        for event in spoken:
            words, onset_s, end_s = self._said[clips[self._clips]["path"]]
            self._words += spread(words, frames_of(event["t"] + onset_s), frames_of(event["t"] + end_s))
            self._clips += 1


class ScriptedRecognition:
    """One utterance: what was said in the room while its audio was recorded."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._heard = 0
        self._starts: int | None = None
        self._aborted = threading.Event()

    def hear(self, pcm: bytes) -> agreement.Hypothesis | None:
        """Take more audio; words are known some time after they have ended."""
        self._heard += len(pcm) * RATE_HZ // BYTES_PER_S
        now, words = self._room.look()
        # The first audio is recorded already and comes at once, the rest as it is recorded.
        starts = now - self._heard
        self._starts = starts if self._starts is None else min(self._starts, starts)
        begins, ends = self._starts, self._starts + self._heard
        known = [word for word in words if word.is_in(begins, ends) and word.stable_frame <= now]
        placed = tuple(
            agreement.Word(word.text, (word.start_frame - begins) / RATE_HZ, (word.end_frame - begins) / RATE_HZ)
            for word in known
        )
        return agreement.Hypothesis(placed, self._heard / RATE_HZ)

    def finish(self, rest: bytes = b"") -> Transcription:
        """Give all words, after the time that recognisers take."""
        self._heard += len(rest) * RATE_HZ // BYTES_PER_S
        self._aborted.wait(FINAL_S)
        _, words = self._room.look()
        begins = self._starts or 0
        return Transcription(text_of(words, begins, begins + self._heard), "en")

    def abort(self) -> None:
        """Answer at once."""
        self._aborted.set()

    def close(self) -> None:
        """Hold nothing, give back nothing."""


class ScriptedEngine:
    """Knows the words; its hypotheses have none that may change."""

    settle_s = 0.0

    def __init__(self, room: Room) -> None:
        self._room = room

    def info(self) -> AsrProgram:
        """Describe it."""
        name, by, version = "scripted", Attribution(name="Interject", url=""), package_version()
        model = AsrModel(name=name, description=None, version=version, attribution=by, installed=True, languages=["en"])
        return AsrProgram(
            name=name, description=None, version=version, attribution=by, installed=True, models=[model],
            supports_transcript_streaming=True,
        )  # fmt: skip

    async def start(self) -> None:
        """Have nothing to load."""

    async def ready(self) -> None:
        """Be ready at once."""

    async def keep(self) -> None:
        """Have nothing to do."""

    def open(self, _request: Request) -> Recognition:
        """Begin an utterance."""
        return ScriptedRecognition(self._room)


async def serve(settings: ScriptedSettings) -> None:
    """Serve until told to stop; raises SettingError."""
    if settings.said is None or settings.trace_file is None:
        raise SettingError("said", "needed, as is trace-file")
    trace = await asyncio.to_thread(open_trace, settings.trace_file, "stt")
    engine = ScriptedEngine(Room(settings.trace_file.parent, settings.said))
    workers = WorkerPool(settings.sessions, settings.max_waiting)
    try:
        service = make_service(settings, engine, workers, trace)
        await serve_as(ServiceKind.STT, service, settings, trace, engine.keep())
    finally:
        workers.close()


if __name__ == "__main__":
    sys.exit(run_server(ScriptedSettings, "stt", str(__doc__), serve))
