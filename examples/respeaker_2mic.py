"""LEDs and button of the ReSpeaker 2-Mics Pi HAT: shows what the satellite does, and lets it listen, stop, mute.

The satellite is started with `--event-uri tcp://127.0.0.1:10500`, this program with
`python examples/respeaker_2mic.py --uri tcp://127.0.0.1:10500`, in the satellite's virtual environment, where
`pip install spidev gpiozero lgpio` adds what the hardware takes. `--leds print --button stdin` try it without.

A short press stops what sounds, else lets the satellite listen; a press of a second and more is the mute switch.
docs/leds-and-buttons.md says more. Other hardware takes other classes in place of `Apa102` and `GpioButton`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import os
import signal
import sys
import threading
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from wyoming.client import AsyncClient
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.user_event import UserEvent

from interject.satellite.control.place import find_socket
from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.event import Event

# The HAT's wiring: APA102 LEDs on the second device of the first SPI bus, a switch for their power, a button to ground.
_LEDS, _SPI_BUS, _SPI_DEVICE, _SPI_HZ, _POWER_GPIO = 3, 0, 1, 8_000_000, 12
_BUTTON_GPIO, _LONG_PRESS_S = 17, 1.0
# Nothing that takes this long will come any more.
_THINKING_S = 30.0
_ANSWER_TIMEOUT_S = 2.0


class Colour(Enum):
    """Red, green and blue, 0 to 255."""

    BLACK = (0, 0, 0)
    BLUE = (0, 0, 255)
    AMBER = (255, 120, 0)
    GREEN = (0, 255, 0)
    RED = (255, 0, 0)
    DARK_RED = (40, 0, 0)
    WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Look:
    """A colour, and for how long it is shown; None: until something else happens."""

    colour: Colour
    lasts_s: float | None = None


OFF = Look(Colour.BLACK)
LISTENING = Look(Colour.BLUE)
THINKING = Look(Colour.AMBER, _THINKING_S)
SPEAKING = Look(Colour.GREEN)
FAILED = Look(Colour.RED, 2.0)
RINGING = Look(Colour.WHITE, 10.0)


@dataclass(frozen=True, slots=True)
class Lights:
    """What is shown since when (seconds of the clock that is passed in), and whether the microphone is off."""

    look: Look = OFF
    since: float = 0.0
    muted: bool = False

    @property
    def ends(self) -> float | None:
        """When it goes out by itself."""
        return None if self.look.lasts_s is None else self.since + self.look.lasts_s

    def colour(self, now: float) -> Colour:
        """Return what is to be seen now."""
        over = self.ends is not None and now >= self.ends
        shown = Colour.BLACK if over else self.look.colour
        return Colour.DARK_RED if self.muted and shown is Colour.BLACK else shown


def after(lights: Lights, event: str, now: float) -> Lights:
    """Return what is shown after an event of the satellite; its type decides, and what was shown before."""
    look = lights.look
    match event:
        case "detection" | "streaming-started":
            look = LISTENING
        case "transcript" if look is not SPEAKING:
            look = THINKING
        case "audio-start":
            look = SPEAKING
        # An interruption begins to be listened to before the reply is told to be over.
        case "played" if look is SPEAKING:
            look = OFF
        case "streaming-stopped" | "detect" if look is LISTENING:
            look = OFF
        case "detect" if look is THINKING:
            look = OFF
        case "error":
            look = FAILED
        case "timer-finished":
            look = RINGING
        case "pause-satellite" | "run-satellite":
            return Lights(OFF, now, muted=event == "pause-satellite")
    return lights if look is lights.look else replace(lights, look=look, since=now)


class Press(Enum):
    """How long the button was pressed."""

    SHORT = "short"
    LONG = "long"


def command_for(press: Press, state: str) -> str:
    """Return the command that a press means while the satellite is in a state."""
    if press is Press.LONG:
        return "toggle-mute"
    return "stop" if state in ("transcribing", "thinking", "speaking", "interrupted") else "listen"


class Leds(Protocol):
    """All LEDs, in one colour."""

    def show(self, colour: Colour) -> None:
        """Show a colour."""


class PrintedLeds:
    """Prints each colour as a line."""

    def show(self, colour: Colour) -> None:
        """Print its name."""
        sys.stdout.write(colour.name.lower() + "\n")
        sys.stdout.flush()


class Apa102:
    """LEDs with a controller each, in a row; source: data sheet of the APA102."""

    def __init__(self, brightness: int) -> None:
        # Neither package is to be had where there are no pins.
        power: Any = importlib.import_module("gpiozero").LED(_POWER_GPIO, active_high=False)
        power.on()
        self._power = power
        self._spi: Any = importlib.import_module("spidev").SpiDev()
        self._spi.open(_SPI_BUS, _SPI_DEVICE)
        self._spi.max_speed_hz = _SPI_HZ
        self._brightness = brightness

    def show(self, colour: Colour) -> None:
        """Send a frame: 32 zero bits, for each LED 111, five bits of brightness, blue, green, red; then ones."""
        red, green, blue = colour.value
        self._spi.xfer2([0] * 4 + [0b11100000 | self._brightness, blue, green, red] * _LEDS + [0xFF] * 4)


class Button(Protocol):
    """Tells of each press, from a thread of its own."""

    def close(self) -> None:
        """Tell of no more."""


class StdinButton:
    """Takes the lines `short` and `long` on standard input for presses."""

    def __init__(self, pressed: Callable[[Press], None]) -> None:
        self._pressed = pressed
        threading.Thread(target=self._read, name="button", daemon=True).start()

    def close(self) -> None:
        """Leave it to the end of the program: nobody can stop reading a line."""

    def _read(self) -> None:
        for line in sys.stdin:
            with contextlib.suppress(ValueError):
                self._pressed(Press(line.strip()))


class GpioButton:
    """A button between a pin and ground; calls from a thread of gpiozero's."""

    def __init__(self, pressed: Callable[[Press], None]) -> None:
        self._pressed = pressed
        self._was_held = False
        button: Any = importlib.import_module("gpiozero").Button(_BUTTON_GPIO, hold_time=_LONG_PRESS_S)
        button.when_held = self._held
        button.when_released = self._released
        self._button = button

    def close(self) -> None:
        """Give the pin back."""
        self._button.close()

    def _held(self) -> None:
        self._was_held = True
        self._pressed(Press.LONG)

    def _released(self) -> None:
        if not self._was_held:
            self._pressed(Press.SHORT)
        self._was_held = False


class Panel:
    """The LEDs and the button together."""

    def __init__(self, leds: Leds, control_socket: str | None) -> None:
        self._leds = leds
        self._control_socket = control_socket
        self._lights = Lights()
        self._shown: Colour | None = None
        self._timer: asyncio.TimerHandle | None = None

    def happened(self, event: str) -> None:
        """Show what an event of the satellite means."""
        self._lights = after(self._lights, event, _now())
        self._show()

    async def pressed(self, press: Press) -> None:
        """Command the satellite."""
        try:
            path = await asyncio.to_thread(find_socket, self._control_socket, None, os.environ)
            async with AsyncClient.from_uri(f"unix://{path}") as client, asyncio.timeout(_ANSWER_TIMEOUT_S):
                status = await _ask(client, "status")
                await _ask(client, command_for(press, status["state"]))
        except (InterjectError, OSError, TimeoutError) as error:
            sys.stderr.write(f"the button did nothing: {error}\n")
            self.happened("error")

    def _show(self) -> None:
        now = _now()
        colour = self._lights.colour(now)
        if colour is not self._shown:
            self._leds.show(colour)
            self._shown = colour
        if self._timer is not None:
            self._timer.cancel()
        if self._lights.ends is not None and self._lights.ends > now:
            self._timer = asyncio.get_running_loop().call_at(self._lights.ends, self._show)


class RefusedError(InterjectError):
    """The satellite does not do what was asked for."""


async def _ask(client: AsyncClient, command: str) -> dict[str, Any]:
    await client.write_event(UserEvent(command).event())
    answer = await client.read_event()
    if answer is None or not UserEvent.is_type(answer.type):
        raise RefusedError("the satellite is gone" if answer is None else str(answer.data.get("text")))
    status: dict[str, Any] = answer.data["data"]
    return status


class Handler(AsyncEventHandler):
    """One connection of the satellite's."""

    def __init__(self, panel: Panel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._panel = panel

    async def handle_event(self, event: Event) -> bool:
        """Take the next event."""
        self._panel.happened(event.type)
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()


async def main() -> None:
    """Run until it is ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--uri", required=True, help="where to listen, as given to the satellite with --event-uri")
    parser.add_argument("--control-socket", metavar="PATH", help="of the satellite (default: the only one that runs)")
    parser.add_argument("--leds", choices=("apa102", "print"), default="apa102")
    parser.add_argument("--button", choices=("gpio", "stdin"), default="gpio")
    parser.add_argument("--led-brightness", type=int, choices=range(1, 32), metavar="1-31", default=8)
    flags = parser.parse_args()
    leds: Leds = PrintedLeds() if flags.leds == "print" else Apa102(flags.led_brightness)
    panel = Panel(leds, flags.control_socket)
    presses: asyncio.Queue[Press] = asyncio.Queue()
    loop, running = asyncio.get_running_loop(), asyncio.current_task()

    def pressed(press: Press) -> None:
        loop.call_soon_threadsafe(presses.put_nowait, press)

    button: Button = StdinButton(pressed) if flags.button == "stdin" else GpioButton(pressed)
    if running is not None:
        loop.add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await AsyncServer.from_uri(flags.uri).start(partial(Handler, panel))
        panel.happened("ready")
        while True:
            await panel.pressed(await presses.get())
    finally:
        button.close()
        leds.show(Colour.BLACK)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(main())
