"""PortAudio itself: started and ended in one thread, kept quiet, asked what devices there are."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import re
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from interject.satellite.audio.base import DeviceSetupError, DeviceStalledError
from interject.satellite.audio.sound_cards import SoundCard, SoundCards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_LOGGER = logging.getLogger(__name__)

# One scan of a machine without cards makes ALSA complain some eighty times.
KEPT_COMPLAINTS = 200
# A scan takes 0.1 s here; every card that sleeps adds to it.
SCANNED_WITHIN_S = 10.0
# Each holds a driver's thread and some memory; a machine that hangs this often needs more than another attempt.
MOST_HUNG_THREADS = 8

_AlsaHandler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_JackHandler = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


class PortAudioHost:
    """Runs everything that calls PortAudio in one thread: the library allows no two at once, and it may block.

    A job that hangs in a driver (ALSA's PulseAudio plugin does when its server dies) takes its thread with it; the
    jobs after it get a new one.
    """

    def __init__(self) -> None:
        self._complaints = Complaints()
        self._thread = PortAudioThread()
        self._hung: list[PortAudioThread] = []

    def thread(self) -> PortAudioThread:
        """Give the thread for a stream's whole life; DeviceSetupError when too many hang."""
        self._hung = [thread for thread in self._hung if thread.is_busy()]
        if len(self._hung) >= MOST_HUNG_THREADS:
            raise DeviceSetupError("PortAudio", f"{len(self._hung)} calls hang in its driver", "restart this program")
        return self._thread

    async def run(self, thread: PortAudioThread, what: str, job: Callable[[], T], within_s: float) -> T:
        """Run a job after those that `thread` was given earlier; it goes on when this is cancelled.

        Raises what the job raises, and DeviceStalledError when it takes longer than `within_s`.
        """
        result = asyncio.wrap_future(thread.submit(lambda: self._quietly(job)))
        try:
            done, _ = await asyncio.wait({result}, timeout=within_s)
            if not done:
                self._give_up(thread)
                raise DeviceStalledError(what, within_s)
            return result.result()
        finally:
            result.cancel()
            self._complaints.log()

    async def cards(self) -> SoundCards:
        """List the devices that there are now; DeviceSetupError when PortAudio cannot be used."""
        return await self.run(self.thread(), "the search for sound devices", _scan, SCANNED_WITHIN_S)

    def close(self) -> None:
        """Let the thread end when its last job is done."""
        self._thread.end()

    def _give_up(self, thread: PortAudioThread) -> None:
        thread.end()
        if thread is self._thread:
            self._hung.append(thread)
            self._thread = PortAudioThread()

    def _quietly(self, job: Callable[[], T]) -> T:
        self._complaints.take_over()
        return job()


class PortAudioThread:
    """A thread that does its jobs in turn and does not keep the process from ending."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="portaudio", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Give the result to come; the job cannot be taken back."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()

        def work() -> None:
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 - it belongs to the one who gave the job
                future.set_exception(error)
            else:
                future.set_result(result)

        self._jobs.put(work)
        return future

    def end(self) -> None:
        """End after the jobs that were given."""
        self._jobs.put(None)

    def is_busy(self) -> bool:
        """Whether it lives; after end(): whether a job is unfinished."""
        return self._thread.is_alive()

    def _work(self) -> None:
        while (work := self._jobs.get()) is not None:
            work()


class Complaints:
    """What ALSA and JACK would print on standard error: kept, and logged for those who look for it."""

    def __init__(self) -> None:
        self._kept: deque[str] = deque(maxlen=KEPT_COMPLAINTS)
        # The libraries hold bare pointers to these.
        self._alsa = _AlsaHandler(self._from_alsa)
        self._jack = _JackHandler(self._from_jack)
        self._taken_over = False

    def take_over(self) -> None:
        """Become the error handler of the libraries, where they are installed."""
        if self._taken_over:
            return
        self._taken_over = True
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(self._alsa)
        with suppress(OSError, AttributeError):
            jack = ctypes.CDLL("libjack.so.0")
            jack.jack_set_error_function(self._jack)
            jack.jack_set_info_function(self._jack)

    def log(self) -> None:
        """Pass on what was kept."""
        while self._kept:
            _LOGGER.debug("%s", self._kept.popleft())

    def _from_alsa(self, _file: bytes, _line: int, function: bytes, _error: int, text: bytes) -> None:
        # `text` is a printf format whose arguments cannot be reached from here.
        self._kept.append(f"ALSA {_text(function)}: {_text(text)}")

    def _from_jack(self, text: bytes) -> None:
        self._kept.append(f"JACK: {_text(text)}")


@contextmanager
def portaudio() -> Iterator[Any]:
    """Give a freshly started PortAudio (a `pyaudio.PyAudio`): only a fresh one sees what was plugged in since.

    Raises DeviceSetupError when it is not installed, cannot start, or would abort this process.
    """
    check_alsa_config(os.environ)
    try:
        import pyaudio  # noqa: PLC0415 - only this device needs it, and it needs a compiler and a library to install
    except ImportError as error:
        raise DeviceSetupError(
            "PortAudio",
            f"the Python package pyaudio cannot be imported ({error})",
            "install Debian's portaudio19-dev, gcc and python3-dev, then run script/setup",
        ) from error
    try:
        library = pyaudio.PyAudio()
    except OSError as error:
        raise DeviceSetupError(
            "PortAudio",
            f"it cannot start ({error})",
            "mend what ALSA complains of: `aplay -L` names the line in ~/.asoundrc or /etc/asound.conf",
        ) from error
    try:
        yield library
    finally:
        library.terminate()


def check_alsa_config(environment: os._Environ[str] | dict[str, str]) -> None:
    """Raise DeviceSetupError when ALSA_CONFIG_PATH names a missing file: PortAudio would abort the process."""
    for name in re.split(r"[: ]+", environment.get("ALSA_CONFIG_PATH", "")):
        if name and not Path(name).is_file():
            raise DeviceSetupError(
                "PortAudio", f"ALSA_CONFIG_PATH names {name}, which is no file", "correct or unset ALSA_CONFIG_PATH"
            )


def sound_cards(library: Any) -> SoundCards:
    """Give the devices that a started PortAudio has found."""
    infos = [library.get_device_info_by_index(index) for index in range(library.get_device_count())]
    cards = tuple(
        SoundCard(
            index=info["index"],
            name=info["name"],
            host_api=library.get_host_api_info_by_index(info["hostApi"])["name"],
            inputs=info["maxInputChannels"],
            outputs=info["maxOutputChannels"],
            rate_hz=round(info["defaultSampleRate"]),
        )
        for info in infos
    )
    default_input = _default(library.get_default_input_device_info)
    return SoundCards(cards, default_input, _default(library.get_default_output_device_info))


def _scan() -> SoundCards:
    with portaudio() as library:
        return sound_cards(library)


def _default(ask: Callable[[], dict[str, Any]]) -> int | None:
    try:
        return int(ask()["index"])
    except OSError:
        return None


def _text(data: bytes) -> str:
    return data.decode(errors="replace").strip()
