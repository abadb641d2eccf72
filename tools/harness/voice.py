"""A user who speaks when told to: a microphone that is a program.

A scene that goes by the clock asks the next question while a busy machine still answers the last one. This user waits
for whatever who tells them waits for.
"""

from __future__ import annotations

import os
import shlex
import sys
import wave
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.harness.scenarios import CLIPS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Before each clip: longer than the tone that says that something failed, by the clock of the microphone, which is the
# loudspeaker's as well. A first sound of the loudspeaker may hide a voice.
_PAUSE_BLOCKS = 50
_BLOCK_S = 0.02
# Blocks of 20 ms at 16 kHz, at the pace of a sound card: the clips whose paths come in through a pipe, one after the
# other, and between them faint noise, as no microphone is without. Late blocks follow at once, as from a card's buffer.
_MICROPHONE = """
import array, os, random, sys, time, wave
told, told_of, said, block = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK), b"", b"", 320
pause = int(sys.argv[2]) * 2 * block
noise = array.array("h", (random.randint(-8, 8) for _ in range(50 * block))).tobytes()
began, number = time.monotonic(), 0
while True:
    try:
        told_of += os.read(told, 4096)
    except BlockingIOError:
        pass
    while b"\\n" in told_of:
        path, _, told_of = told_of.partition(b"\\n")
        with wave.open(path.decode()) as file:
            said += bytes(pause) + file.readframes(file.getnframes())
    at = number % 50 * 2 * block
    now, said = said[:2 * block], said[2 * block:]
    sys.stdout.buffer.write(now if any(now) else noise[at:at + 2 * block])
    sys.stdout.buffer.flush()
    number += 1
    time.sleep(max(0, began + number * 0.02 - time.monotonic()))
"""


class Voice:
    """Says clips into the microphone of a satellite that runs with `flags`."""

    def __init__(self, pipe: Path) -> None:
        self._pipe = pipe
        os.mkfifo(pipe)
        # Open for both directions: it never ends, and nobody waits for the other side.
        self._told = os.open(pipe, os.O_RDWR)

    @property
    def flags(self) -> tuple[str, ...]:
        """What a satellite is started with to hear this voice."""
        program = shlex.join([sys.executable, "-I", "-S", "-c", _MICROPHONE, str(self._pipe), str(_PAUSE_BLOCKS)])
        return ("--no-zeroconf", "--mic-command", program, "--mic-command-samples-per-chunk", "320")

    def say(self, clip: str) -> float:
        """Say a clip, a second after the last one; returns in how many seconds it is over, if nothing is being said."""
        path = CLIPS / f"{clip}.wav"
        os.write(self._told, f"{path}\n".encode())
        with wave.open(str(path)) as file:
            return _PAUSE_BLOCKS * _BLOCK_S + float(file.getnframes() / file.getframerate())

    def close(self) -> None:
        """Have nothing more to say."""
        os.close(self._told)


@contextmanager
def voice(pipe: Path) -> Iterator[Voice]:
    """Give a voice; `pipe` is where its pipe is to be."""
    speaker = Voice(pipe)
    try:
        yield speaker
    finally:
        speaker.close()
