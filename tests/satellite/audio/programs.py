"""Programs that stand in for arecord and aplay."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Counts 1, 2, 3 … in 16 bits at the pace of a sound card.
_MICROPHONE = """
import array, sys, time
rate, n, began = int(sys.argv[1]), 0, time.monotonic()
while True:
    k = rate // 50
    sys.stdout.buffer.write(array.array("h", [(n + i) % 30000 + 1 for i in range(k)]).tobytes())
    sys.stdout.buffer.flush()
    n += k
    time.sleep(max(0, began + n / rate - time.monotonic()))
"""

_LOUDSPEAKER = """
import sys
with open(sys.argv[1], "wb", buffering=0) as file:
    while data := sys.stdin.buffer.raw.read(4096):
        file.write(data)
"""


def microphone(rate_hz: int = 16_000) -> str:
    return shlex.join([sys.executable, "-S", "-c", _MICROPHONE, str(rate_hz)])


def loudspeaker(record_to: Path) -> str:
    return shlex.join([sys.executable, "-S", "-c", _LOUDSPEAKER, str(record_to)])
