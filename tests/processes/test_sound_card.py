"""The four processes on a sound card: what leaves its loudspeaker when somebody breaks in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from tools.testing.patience import PATIENCE_S, showing, wait_until
from tools.testing.real_time import real_time
from tools.testing.virtual_card import HEADSET, VirtualCard, virtual_card, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

REASON = why_not() or (None if shutil.which("parec") else "no parec (Debian package pulseaudio-utils)")
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no virtual card: {REASON}")
for package in ("pyaudio", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(package, reason=f"{package} is not installed", exc_type=ImportError)

RATE_HZ = 16_000
# After playback has paused, what the sound server still holds; 75 ms on an idle machine.
DRAINED_S = 0.5
# Below what any speech synthesiser gives, above what resampling leaves of silence.
AUDIBLE = 50
SILENT = 2


class Recorder:
    """Records a PulseAudio source; its samples have times of the monotonic clock.

    It asks for 10 ms of latency, and so makes the virtual card work in periods as short as a real card's.
    """

    def __init__(self, source: str, environment: Mapping[str, str]) -> None:
        words = ["parec", f"--device={source}", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le"]
        self._process = subprocess.Popen(
            [*words, "--raw", "--latency-msec=10"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._recorded = bytearray()
        self._began_s = 0.0
        self._thread = threading.Thread(target=self._read, name=f"recorder of {source}")
        self._thread.start()

    @property
    def started(self) -> bool:
        return bool(self._recorded)

    def between(self, start_s: float, end_s: float) -> NDArray[np.int16]:
        samples = np.frombuffer(bytes(self._recorded[: len(self._recorded) // 2 * 2]), np.int16)
        first, last = (max(0, round((moment - self._began_s) * RATE_HZ)) for moment in (start_s, end_s))
        return samples[first:last]

    def audible_s(self, start_s: float, end_s: float) -> float:
        """Give for how long it was loud, in steps of 20 ms."""
        samples = self.between(start_s, end_s)
        step = RATE_HZ // 50
        steps = np.abs(samples[: len(samples) // step * step].reshape(-1, step).astype(np.int32)).max(axis=1)
        return float((steps > AUDIBLE).sum()) / 50

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while data := os.read(stream.fileno(), 1 << 16):
                if not self._recorded:
                    self._began_s = time.monotonic() - len(data) / 2 / RATE_HZ
                self._recorded += data


class Scene:
    """script/run on a virtual headset, somebody who speaks into it, and a recorder at its earpiece."""

    def __init__(self, folder: Path, card: VirtualCard, repository: Path) -> None:
        self.environment = {
            **os.environ,
            **card.environment,
            "XDG_STATE_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "PYTHONPATH": str(repository),
        }
        self.loudspeaker = Recorder("loudspeaker.monitor", self.environment)
        self._air = Recorder("air.monitor", self.environment)
        self._repository = repository
        self._folder = folder
        self._run: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.wait_until(lambda: self.loudspeaker.started and self._air.started, "the recorders to record")
        trace = ["--trace-file", str(self._folder / "trace.jsonl")]
        words = ["tools.run.__main__", "--name", "kitchen", "--uri", "tcp://127.0.0.1:0", "--no-zeroconf", *trace]
        with (self._folder / "run.log").open("wb") as log:
            self._run = subprocess.Popen(
                [sys.executable, "-m", *words], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def say(self, clip: str) -> None:
        file = self._repository / "tests" / "clips" / f"{clip}.wav"
        subprocess.run(["paplay", "--device=air", file], env=self.environment, check=True, timeout=PATIENCE_S)

    def of(self, kind: str) -> list[dict[str, Any]]:
        trace = self._folder / "trace.jsonl"
        lines = trace.read_text().splitlines(keepends=True) if trace.exists() else []
        records = [json.loads(line) for line in lines if line.endswith("\n")]
        return [record for record in records if record["type"] == kind]

    def log(self) -> str:
        return (self._folder / "run.log").read_text(errors="replace")

    def files(self) -> list[Path]:
        return [self._folder / "trace.jsonl", self._folder / "run.log"]

    def wait_until(self, happened: Callable[[], bool], what: str) -> None:
        def found() -> bool:
            status = None if self._run is None else self._run.poll()
            assert status is None, f"expected script/run to run; it ended with status {status}"
            return happened()

        wait_until(found, what)

    def press_ctrl_c(self) -> tuple[int, list[psutil.Process]]:
        """Do as a terminal does; give the status, and the processes that are left."""
        assert self._run is not None
        children = psutil.Process(self._run.pid).children(recursive=True)
        assert len(children) == 4
        os.killpg(self._run.pid, signal.SIGINT)
        status = self._run.wait(PATIENCE_S)
        return status, [child for child in children if child.is_running()]

    def close(self) -> None:
        if self._run is not None and self._run.poll() is None:
            os.killpg(self._run.pid, signal.SIGKILL)
            self._run.wait()
        self.loudspeaker.stop()
        self._air.stop()


@contextmanager
def scene(repository: Path) -> Iterator[Scene]:
    # A socket's path is short: pytest's own folders may be too deep.
    with tempfile.TemporaryDirectory(prefix="card") as folder, virtual_card(Path(folder), HEADSET) as card:
        playing = Scene(Path(folder), card, repository)
        try:
            with showing(playing.files):
                yield playing
        finally:
            playing.close()


@real_time
def test_who_breaks_in_silences_the_loudspeaker_and_is_answered(repository: Path) -> None:
    with scene(repository) as room:
        room.start()
        room.wait_until(lambda: bool(room.of("device")), "the satellite to open the sound card")
        assert [record["health"] for record in room.of("device")] == ["working"], room.log()

        room.say("tell_me_a_long_story")
        room.wait_until(lambda: bool(room.of("reply-started")), "the satellite to begin its story")
        began_s = room.of("reply-started")[0]["mono"]
        room.wait_until(
            lambda: room.loudspeaker.audible_s(began_s, time.monotonic()) > 1, "a second of the story to leave the card"
        )

        room.say("what_time_is_it")
        room.wait_until(lambda: len(room.of("reply-started")) == 2, "the satellite to answer the second question")
        answered_s = room.of("reply-started")[1]["mono"]
        room.wait_until(lambda: bool(room.of("reply-played")), "the satellite to end its answer")
        (played,) = room.of("reply-played")
        assert played["epoch"] == room.of("reply-started")[1]["epoch"]
        assert [record["text"] for record in room.of("ask")] == ["tell me a long story", "what time is it"]
        assert room.of("history-corrected")[0]["content"].endswith("[INTERRUPTED]")

        # A word may decide before the voice has lasted for a pause.
        stopped_s = min(record["mono"] for record in [*room.of("pause"), *room.of("interrupt")])
        speech_came_s = room.of("first-audio")[1]["mono"]
        quiet = room.loudspeaker.between(stopped_s + DRAINED_S, speech_came_s)
        assert len(quiet) > 0.5 * RATE_HZ
        assert np.abs(quiet.astype(np.int32)).max() <= SILENT
        assert room.loudspeaker.audible_s(answered_s, played["mono"] + DRAINED_S) > 0.5

        status, left = room.press_ctrl_c()
        assert status == 0
        assert left == []
        assert "Traceback" not in room.log()
