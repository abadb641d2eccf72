"""What becomes of a test in real time on a machine that keeps up, and on one that does not."""

from __future__ import annotations

import array
import fcntl
import signal
import termios
import time
from typing import TYPE_CHECKING

import pytest

from tools.testing import real_time as module
from tools.testing.patience import wait_until
from tools.testing.real_time import Canary, Lateness, RanAgainWarning, canary, real_time

if TYPE_CHECKING:
    from pathlib import Path

ON_TIME = Lateness([0.1] * 100)
STOPPED_S = 0.3
LATE = Lateness([0.1] * 90 + [40.0] * 10)


class Machine:
    """In place of the ticker: what it would say, a try each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *said: Lateness) -> None:
        left = iter(said)
        monkeypatch.setattr(module.Canary, "stop", lambda _: next(left))


class Scene:
    """Fails as often as it is told to, and remembers where it was played."""

    def __init__(self, failures: int) -> None:
        self._failures = failures
        self.folders: list[Path] = []

    def play(self, tmp_path: Path) -> None:
        self.folders.append(tmp_path)
        assert tmp_path.is_dir()
        assert len(self.folders) > self._failures, "expected the room to keep time"


def test_a_scene_that_comes_true_is_played_once(tmp_path: Path) -> None:
    scene = Scene(failures=0)
    real_time(scene.play)(tmp_path=tmp_path)
    assert scene.folders == [tmp_path]


def test_a_failure_on_a_machine_that_kept_up_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch, ON_TIME)
    scene = Scene(failures=1)
    with pytest.raises(AssertionError, match="expected the room to keep time") as failed:
        real_time(scene.play)(tmp_path=tmp_path)
    assert len(scene.folders) == 1
    assert "kept up" in failed.value.__notes__[0]


def test_a_failure_on_a_late_machine_is_tried_once_more_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Machine(monkeypatch, LATE)
    scene = Scene(failures=1)
    with pytest.warns(RanAgainWarning, match=r"play; .*P99 40\.0.*AssertionError: expected the room to keep time"):
        real_time(scene.play)(tmp_path=tmp_path)
    assert scene.folders == [tmp_path, tmp_path / "again"]


def test_who_fails_twice_on_a_late_machine_is_skipped_with_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Machine(monkeypatch, LATE, LATE)
    with (
        pytest.warns(RanAgainWarning),
        pytest.raises(pytest.skip.Exception, match=r"did not keep up.*P99 40\.0,.*limit: P99 5.*expected the room"),
    ):
        real_time(Scene(failures=2).play)(tmp_path=tmp_path)


def test_who_fails_again_once_the_machine_keeps_up_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch, LATE, ON_TIME)
    with pytest.warns(RanAgainWarning), pytest.raises(AssertionError, match="expected the room to keep time"):
        real_time(Scene(failures=2).play)(tmp_path=tmp_path)


def test_a_ticker_that_is_stopped_for_a_while_is_late_by_that() -> None:
    with canary() as watched:
        wait_until(lambda: ticks(watched), "the ticker to tick")
        watched.process.send_signal(signal.SIGSTOP)
        before, stopped_s = ticks(watched), time.monotonic()
        wait_until(lambda: time.monotonic() - stopped_s > STOPPED_S, "time to pass")
        watched.process.send_signal(signal.SIGCONT)
        wait_until(lambda: ticks(watched) > before + 1, "the ticker to go on")
        lateness = watched.stop()
    assert not lateness.keeps_up
    assert lateness.percentile(100) > 1000 * STOPPED_S / 2


def ticks(watched: Canary) -> int:
    """Return how often it has ticked: what waits in its pipe, unread."""
    assert watched.process.stdout is not None
    waiting = array.array("i", [0])
    fcntl.ioctl(watched.process.stdout, termios.FIONREAD, waiting)
    return waiting[0] // 4
