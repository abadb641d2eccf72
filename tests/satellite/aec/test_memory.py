"""A satellite that starts again in the same room knows it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES, Convergence
from interject.satellite.aec.canceller import KalmanCanceller
from interject.satellite.aec.facts import ResidualEchoGuard
from interject.satellite.aec.memory import EchoMemory
from tests.satellite.aec.acoustics import Signal, room, run, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise

if TYPE_CHECKING:
    from pathlib import Path

DEVICES = "default | default"


BROKEN = ["", "[]", "{", '{"default | default": 5}', '{"default | default": {"delay_samples": 1}}']


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A control that knows its room, and the room."""

    control: ResidualEchoGuard
    mic: Signal
    played: Signal


@pytest.fixture(scope="module")
def taught() -> Taught:
    played = talk(5.0)
    mic = through(room(90), played) + white_noise(len(played), -55.0, seed=9)
    canceller = KalmanCanceller()
    run(mic, played, canceller)
    return Taught(ResidualEchoGuard(canceller), mic, played)


async def test_what_was_learnt_is_believed_at_once_after_a_restart(tmp_path: Path, taught: Taught) -> None:
    file = tmp_path / "new" / "echo.json"
    await EchoMemory(file, DEVICES).save(taught.control.path)

    path = await EchoMemory(file, DEVICES).load()

    assert path == taught.control.path
    facts = run(taught.mic[:RATE_HZ], taught.played[:RATE_HZ], KalmanCanceller(path)).facts
    converged = [fact.convergence for fact in facts].index(Convergence.CONVERGED)
    assert converged * BLOCK_SAMPLES / RATE_HZ < 1.0


async def test_each_pair_of_devices_has_a_room_of_its_own(tmp_path: Path, taught: Taught) -> None:
    file = tmp_path / "echo.json"
    await EchoMemory(file, DEVICES).save(taught.control.path)
    await EchoMemory(file, "usb | usb").save(taught.control.path)

    assert await EchoMemory(file, "bluetooth | default").load() is None
    assert await EchoMemory(file, DEVICES).load() == taught.control.path


async def test_nothing_known_is_nothing_saved(tmp_path: Path) -> None:
    file = tmp_path / "none" / "echo.json"
    await EchoMemory(file, DEVICES).save(KalmanCanceller().path)
    assert not await asyncio.to_thread(file.parent.exists)
    assert await EchoMemory(file, DEVICES).load() is None


@pytest.mark.parametrize("content", BROKEN)
async def test_a_damaged_file_is_told_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, taught: Taught, content: str
) -> None:
    file = tmp_path / "echo.json"
    await asyncio.to_thread(file.write_text, content)
    memory = EchoMemory(file, DEVICES)

    assert await memory.load() is None
    (told,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert str(file) in told
    await memory.save(taught.control.path)
    assert await EchoMemory(file, DEVICES).load() == taught.control.path


async def test_a_place_that_cannot_be_written_to_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, taught: Taught
) -> None:
    await asyncio.to_thread((tmp_path / "file").write_text, "")
    memory = EchoMemory(tmp_path / "file" / "echo.json", DEVICES)

    await memory.save(taught.control.path)
    await memory.save(taught.control.path)

    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "--echo-memory" in told[0].getMessage()
