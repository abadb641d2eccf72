"""A sound card in software: a PulseAudio server of the test's own, which ALSA, and so PortAudio, sees as its default.

What is played on its loudspeaker is heard by its microphone, unless it is a headset.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tools.testing.patience import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Whoever wants to be heard by the microphone plays on the sink `air`.
HEADSET = (
    "module-null-sink sink_name=loudspeaker rate=48000 channels=2",
    "module-null-sink sink_name=air rate=48000 channels=1",
    "module-remap-source source_name=microphone master=air.monitor",
)
SPEAKERPHONE = (*HEADSET, "module-loopback source=loudspeaker.monitor sink=air latency_msec=20")


def why_not() -> str | None:
    """Tell what this machine lacks for a virtual card; None when it has all."""
    if shutil.which("pulseaudio") is None:
        return "no pulseaudio (Debian package pulseaudio)"
    if ctypes.util.find_library("asound") is None:
        return "no ALSA library (Debian package libasound2)"
    return None


class VirtualCard:
    """Its server can be stopped, as a card that hangs, and ended and started again, as one that is unplugged."""

    def __init__(self, folder: Path, modules: Sequence[str]) -> None:
        self._folder = folder
        self._modules = modules
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What makes ALSA programs use this card."""
        return {"PULSE_SERVER": f"unix:{self._socket}", "PULSE_COOKIE": str(self._folder / "cookie")}

    def plug(self) -> None:
        """Start the server and wait until it answers."""
        words = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        for module in (f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}", *self._modules):
            words += ["-L", module]
        folder = str(self._folder)
        environment = {**os.environ, "PULSE_RUNTIME_PATH": folder, "PULSE_STATE_PATH": folder, "HOME": folder}
        self._server = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._is_up, "PulseAudio of the virtual card to answer")

    def _is_up(self) -> bool:
        assert self._server is not None
        status = self._server.poll()
        assert status is None, f"expected PulseAudio to run; it ended with status {status}"
        return self._answers()

    def unplug(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None
        self._socket.unlink(missing_ok=True)

    def hang(self) -> None:
        """Keep the server from doing anything."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it work again."""
        self._signal(signal.SIGCONT)

    @property
    def _socket(self) -> Path:
        return self._folder / "native"

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(self._socket))
            return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None:
            self._server.send_signal(number)


@contextmanager
def virtual_card(folder: Path, modules: Sequence[str] = SPEAKERPHONE) -> Iterator[VirtualCard]:
    """Give a plugged card that lives in `folder` (a short path: it holds a socket)."""
    folder.chmod(0o700)
    card = VirtualCard(folder, modules)
    try:
        card.plug()
        yield card
    finally:
        card.unplug()
