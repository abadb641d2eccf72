"""What a source of the sound server gave, in a file beside the times at which it came."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

RATE_HZ = 48_000
# Asking for 10 ms makes the virtual card work in periods as short as a real card's.
PERIOD_MS = 10
_SAMPLE_BYTES = 2
_MOST_BYTES = 1 << 16
# Somewhere within this long a piece comes without any scheduling delay, also on a busy machine.
_CLOCK_WINDOW_S = 5.0


class Recorder:
    """Records a source at 48 kHz to `<folder>/<name>.s16` and when each piece came to `<name>.times`.

    A context; its iterator gives the pieces as they come and ends with the source.
    """

    def __init__(self, source: str, folder: Path, name: str, environment: Mapping[str, str]) -> None:
        words = ["parec", f"--device={source}", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le", "--raw"]
        self._process = subprocess.Popen(
            [*words, f"--latency-msec={PERIOD_MS}"], env=dict(environment), stdout=subprocess.PIPE
        )
        self._samples = _file(folder, name, "s16").open("wb", buffering=0)
        self._times = _file(folder, name, "times").open("wb", buffering=0)
        self._first = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._process.wait()
        self._samples.close()
        self._times.close()

    def stop(self) -> None:
        """Let the iterator end."""
        self._process.terminate()

    def __iter__(self) -> Iterator[Samples]:
        assert self._process.stdout is not None
        rest = b""
        with self._process.stdout as stream:
            while data := os.read(stream.fileno(), _MOST_BYTES):
                arrived_s = time.monotonic()
                whole = (len(rest) + len(data)) // _SAMPLE_BYTES * _SAMPLE_BYTES
                piece, rest = (rest + data)[:whole], (rest + data)[whole:]
                self._samples.write(piece)
                self._times.write(np.array([self._first, arrived_s]).tobytes())
                self._first += whole // _SAMPLE_BYTES
                yield np.frombuffer(piece, np.int16)


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """A recording; times are those of the system's monotonic clock, in seconds.

    A null sink hands a period over at the instant at which its first sample is due: where the time of a piece is not
    late, it is that of its first sample, to within the period of 10 ms. The rest follows from the sample rate.
    """

    samples: Samples
    # One row a piece: its first frame, when it came.
    pieces: NDArray[np.float64]

    def time_of(self, frame: int) -> float:
        """Give the time at which a frame was played."""
        return frame / RATE_HZ + self._origin_s(frame)

    def frame_at(self, time_s: float) -> int:
        """Give the frame that was played at a time."""
        near = int(np.searchsorted(self.pieces[:, 1], time_s).clip(0, len(self.pieces) - 1))
        return round((time_s - self._origin_s(int(self.pieces[near, 0]))) * RATE_HZ)

    def between(self, start_s: float, end_s: float) -> Samples:
        """Give what was played from one time to another."""
        return self.samples[max(0, self.frame_at(start_s)) : max(0, self.frame_at(end_s))]

    def _origin_s(self, frame: int) -> float:
        half = _CLOCK_WINDOW_S / 2 * RATE_HZ
        first, last = np.searchsorted(self.pieces[:, 0], [frame - half, frame + half])
        near = self.pieces[first : max(last, first + 1)]
        return float((near[:, 1] - near[:, 0] / RATE_HZ).min())


def read_tape(folder: Path, name: str) -> Tape:
    """Read a recording, also one that goes on."""
    # Times first: there is a sample for every time.
    times = _file(folder, name, "times").read_bytes()
    samples = _file(folder, name, "s16").read_bytes()
    pieces = np.frombuffer(times[: len(times) // 16 * 16], np.float64).reshape(-1, 2)
    return Tape(np.frombuffer(samples[: len(samples) // 2 * 2], np.int16), pieces)


def has_begun(folder: Path, name: str) -> bool:
    """Whether anything was recorded yet."""
    file = _file(folder, name, "times")
    return file.exists() and file.stat().st_size > 0


def _file(folder: Path, name: str, kind: str) -> Path:
    return folder / f"{name}.{kind}"
