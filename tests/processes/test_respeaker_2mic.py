"""The example for LEDs and a button, with a real satellite, LEDs that are printed and a button on standard input."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from examples.respeaker_2mic import Apa102, Colour, GpioButton, Lights, Press, after, command_for
from tests.processes.house import ROOT, house
from tools.harness.processes import free_uri
from tools.testing.patience import eventually
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUSY = ("transcribing", "thinking", "speaking", "interrupted")
ANSWERED = ["detection", "streaming-started", "streaming-stopped", "transcript", "audio-start", "audio-stop", "played"]


def shown(events: list[str], seconds_later: float = 0.0) -> Colour:
    lights = Lights()
    for event in events:
        lights = after(lights, event, 10.0)
    return lights.colour(10.0 + seconds_later)


@pytest.mark.parametrize(
    ("events", "colour"),
    [
        (ANSWERED[:2], Colour.BLUE),
        (ANSWERED[:3], Colour.BLACK),
        (ANSWERED[:4], Colour.AMBER),
        (ANSWERED[:5], Colour.GREEN),
        (ANSWERED[:6], Colour.GREEN),
        (ANSWERED, Colour.BLACK),
        # A murmur into the reply is transcribed, too.
        ([*ANSWERED[:5], "transcript"], Colour.GREEN),
        # Cut off: the satellite listens before the reply is told to be over.
        ([*ANSWERED[:5], "streaming-started", "played"], Colour.BLUE),
        ([*ANSWERED[:4], "error", "detect"], Colour.RED),
        ([*ANSWERED[:4], "detect"], Colour.BLACK),
        (["timer-finished"], Colour.WHITE),
        (["pause-satellite"], Colour.DARK_RED),
        (["pause-satellite", *ANSWERED[4:5]], Colour.GREEN),
        (["pause-satellite", *ANSWERED[4:]], Colour.DARK_RED),
        (["pause-satellite", "run-satellite"], Colour.BLACK),
    ],
)
def test_the_colour_says_what_the_satellite_does(events: list[str], colour: Colour) -> None:
    assert shown(events) is colour


def test_what_is_over_goes_out_by_itself() -> None:
    assert shown(["error"], 1.9) is Colour.RED
    assert shown(["error"], 2.0) is Colour.BLACK
    assert shown(["pause-satellite", "timer-finished"], 10.0) is Colour.DARK_RED


def test_a_press_stops_what_sounds_and_else_asks_to_be_heard() -> None:
    assert command_for(Press.SHORT, "idle") == "listen"
    assert {command_for(Press.SHORT, state) for state in BUSY} == {"stop"}
    assert command_for(Press.LONG, "speaking") == "toggle-mute"


class Pins:
    """What stands in for the packages spidev and gpiozero, where there are no pins."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.when_held: Callable[[], None] = self.close
        self.when_released: Callable[[], None] = self.close
        self.max_speed_hz = 0

    def open(self, bus: int, device: int) -> None:
        assert (bus, device) == (0, 1)

    def xfer2(self, frame: list[int]) -> None:
        self.sent.append(frame)

    def on(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Pins:
    pins = Pins()
    monkeypatch.setitem(sys.modules, "spidev", SimpleNamespace(SpiDev=lambda: pins))
    monkeypatch.setitem(
        sys.modules, "gpiozero", SimpleNamespace(LED=lambda pin, **_: pins, Button=lambda pin, **_: pins)
    )
    return pins


def test_a_frame_has_each_led_s_brightness_and_its_colour_backwards(pins: Pins) -> None:
    Apa102(brightness=8).show(Colour.AMBER)
    assert pins.sent == [[0, 0, 0, 0, *[0xE8, 0, 120, 255] * 3, 255, 255, 255, 255]]


def test_a_press_is_told_when_it_is_over_and_a_long_one_when_it_is_long(pins: Pins) -> None:
    presses: list[Press] = []
    GpioButton(presses.append)
    pins.when_released()
    assert presses == [Press.SHORT]
    pins.when_held()
    assert presses == [Press.SHORT, Press.LONG]
    pins.when_released()
    assert presses == [Press.SHORT, Press.LONG]


class Panel:
    """The example as a process."""

    def __init__(self, process: subprocess.Popen[str], printed: Path) -> None:
        self._process = process
        self._printed = printed

    def press(self, length: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{length}\n")
        self._process.stdin.flush()

    @property
    def colours(self) -> list[str]:
        return self._printed.read_text(encoding="utf-8").split()

    async def shows(self, *colours: str) -> None:
        await eventually(
            lambda: self.colours[-len(colours) :] == list(colours), f"the LEDs to go through {', '.join(colours)}"
        )


@contextlib.contextmanager
def panel(folder: Path, uri: str, control_socket: Path) -> Iterator[Panel]:
    printed = folder / "leds.txt"
    program = str(ROOT / "examples" / "respeaker_2mic.py")
    flags = ("--uri", uri, "--control-socket", str(control_socket), "--leds", "print", "--button", "stdin")
    command = [sys.executable, program, *flags]
    with (
        printed.open("w") as out,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, text=True, cwd=ROOT) as process,
    ):
        try:
            yield Panel(process, printed)
        finally:
            process.terminate()


@real_time
async def test_the_leds_follow_a_conversation_that_the_button_leads(tmp_path: Path) -> None:
    uri, socket = free_uri(), tmp_path / "ctl.sock"
    flags = (
        "--event-uri", uri, "--control-socket", str(socket),
        "--wake-word", "local", "--no-stop-words", "--vad-wake-word-timeout", "60",
    )  # fmt: skip
    lines = [("tell_me_a_long_story", "at_s", 6.0)]
    with panel(tmp_path, uri, socket) as leds, house(tmp_path, lines, {"satellite": flags}) as running:
        await leds.shows("black")
        leds.press("short")
        await running["satellite"].traced("reply-started")
        await leds.shows("black", "blue", "black", "amber", "green")
        leds.press("short")
        await leds.shows("green", "black")
        leds.press("long")
        await leds.shows("dark_red")
        assert running["satellite"].trace("interrupt")[0]["reason"] == "stop-word"
        leds.press("short")
        await leds.shows("dark_red", "red", "dark_red")
        leds.press("long")
        await leds.shows("dark_red", "black")
