"""A satellite's process, Home Assistant's, and that of somebody at another address of this machine."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes.house import ROOT, House, Running, port_of, satellite_flags, started
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
HOME, STRANGER = "127.0.0.1", "127.0.0.2"


class Person:
    """A process that says it is Home Assistant, and what it got."""

    def __init__(self, process: subprocess.Popen[bytes], file: Path) -> None:
        self.process = process
        self._file = file

    @property
    def got(self) -> list[str]:
        return self._file.read_text(encoding="utf-8").split()

    @property
    def sounds(self) -> int:
        return self.got.count("audio-chunk")


@contextlib.contextmanager
def calling(folder: Path, satellite: Running, address: str) -> Iterator[Person]:
    file = folder / f"{address}.got"
    command = [sys.executable, "-m", "tools.fake_home_assistant.caller", str(port_of(satellite.uri)), address]
    with file.open("wb") as got:
        process = subprocess.Popen(command, cwd=ROOT, stdout=got)
    try:
        yield Person(process, file)
    finally:
        process.kill()
        process.wait()


def satellite(folder: Path, number: int) -> Running:
    (folder / str(number)).mkdir()
    flags = ("--pipeline", "home-assistant", "--wake-word", "home-assistant")
    return Running("satellite", folder / str(number), (*satellite_flags({}, folder, []), *flags))


def warnings(running: Running) -> list[str]:
    return [line for line in running.log.splitlines() if "Home Assistant" in line and "WARNING" in line]


async def test_home_assistant_keeps_its_room_until_it_hangs_and_is_known_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    first = satellite(tmp_path, 1)
    with started(House(satellite=first)), calling(tmp_path, first, HOME) as owner:
        await eventually(lambda: owner.sounds, "the microphone to reach Home Assistant")
        with calling(tmp_path, first, STRANGER) as stranger:
            await eventually(lambda: "end" in stranger.got, "the stranger to be disconnected")
            assert stranger.got == ["error", "end"]
        sounds = owner.sounds
        await eventually(lambda: owner.sounds > sounds, "Home Assistant to go on hearing")
        assert len(warnings(first)) == 1
        owner.process.send_signal(signal.SIGSTOP)
        with calling(tmp_path, first, STRANGER) as other:
            await eventually(lambda: other.sounds, "the microphone to reach the one that answers")
        assert len(warnings(first)) == 2
        assert all(HOME in warning and STRANGER in warning for warning in warnings(first))
    second = satellite(tmp_path, 2)
    with started(House(satellite=second)):
        with calling(tmp_path, second, HOME) as owner:
            await eventually(lambda: owner.sounds, "Home Assistant to be known")
        assert warnings(second) == []
        with calling(tmp_path, second, STRANGER) as stranger:
            await eventually(lambda: stranger.sounds, "somebody else to be taken, as nobody is connected")
        assert len(warnings(second)) == 1
