"""The four processes of a room on this machine's microphone and loudspeaker."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from interject.satellite.__main__ import main as satellite_main
from interject.satellite.audio.base import DeviceError
from interject.satellite.audio.portaudio_host import PortAudioHost
from interject.satellite.settings import Audio, SatelliteSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.errors import CannotListenError, InterjectError, SettingError
from interject.wire.settings import load
from interject.wire.uri import TcpAddress, parse_uri
from interject.wire.xdg import our_state
from tools.harness.processes import ProcessDiedError, Processes, Program, free_uri, module_of
from tools.run.engines import choose_stt, choose_tts, look_around
from tools.run.server_flags import add_server_flags, refuse_servers_own, server_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from interject.satellite.audio.sound_cards import SoundCards
    from tools.run.engines import Choice, Here

_SATELLITE = "satellite"
# Who tries the simulated room wants to see something happen there.
_SCENE = Path(__file__).resolve().parents[2] / "tests" / "clips" / "room.json"
_DOES = {"stt": "speech recognition", "tts": "speech"}
_S = TypeVar("_S", SttSettings, TtsSettings)
# A closed terminal must not leave the servers behind.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SERVERS_FLAG = re.compile(r"--(?=(?:engine|model|voice)\b)")
_EPILOG = (
    "Every setting of the three servers is a flag here: --stt-…, --llm-… and --tts-… with its name, which "
    "docs/settings.md lists. All other arguments are the satellite's, such as --name kitchen, --mic-device USB, "
    "--barge-in stop-word, --text or --audio simulated; .venv/bin/interject-satellite --help lists them. A server "
    "whose address they give is not started. Commands of the satellite work as well: script/run doctor."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: the satellite with these flags, and the servers among stt, llm and tts with their arguments.

    told: which engines were chosen, and why.
    """

    settings: SatelliteSettings
    flags: Sequence[str]
    servers: Mapping[str, Sequence[str]]
    told: Sequence[str] = ()

    @property
    def needs_sound_card(self) -> bool:
        """Whether sound comes from and goes to PortAudio."""
        commands = self.settings.mic_command or self.settings.snd_command
        return self.settings.audio is Audio.DEVICE and not self.settings.text and not commands


class NoSoundCardError(InterjectError):
    """There is nothing to hear or to speak with."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}. Use --text to type instead of speaking, --audio simulated for a room in software, or "
            "--mic-command and --snd-command for programs of your own"
        )


def main() -> int:
    """Run until the satellite ends or somebody presses Ctrl-C; 2: it cannot start, 1: a process died."""
    if sys.argv[1:] and not sys.argv[1].startswith("-"):
        # A command such as doctor needs no servers.
        return satellite_main()
    try:
        return asyncio.run(_run(plan(sys.argv[1:], os.environ)))
    except ProcessDiedError as error:
        sys.stderr.write(f"script/run: {error}\nscript/run: stopped the others\n")
        return 1
    except InterjectError as error:
        sys.stderr.write(f"script/run: {error}\n")
        return 2


def plan(
    argv: Sequence[str], environ: Mapping[str, str], look: Callable[[SttSettings, TtsSettings], Here] = look_around
) -> Plan:
    """Take apart whose argument is whose, and choose the engines that nobody has chosen, by what `look` finds here.

    Raises SettingError for what a process would not accept.
    """
    parser = argparse.ArgumentParser(
        prog="script/run", usage="script/run [FLAG …]", description=__doc__, epilog=_EPILOG, allow_abbrev=False
    )
    add_server_flags(parser)
    parser.add_argument("--fresh", action="store_true", help="begin a conversation anew, whatever was said before")
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings of all four")
    chosen, flags = parser.parse_known_args(argv)
    refuse_servers_own(flags)
    shared = ["--config", chosen.config] if chosen.config else []
    fresh = ["--conversation-id", f"run-{uuid.uuid4().hex}"] if chosen.fresh else []
    flags = [*shared, *flags, *fresh]
    settings = load(SatelliteSettings, prefix=_SATELLITE, argv=flags, environ=environ, description=str(__doc__))
    uris = {"stt": settings.stt_uri, "llm": settings.llm_uri, "tts": settings.tts_uri}
    servers = {name: [*shared, *server_arguments(chosen, name)] for name, uri in uris.items() if uri is None}
    choices = _choices(settings, servers, environ, look)
    complete = {name: [*given, *(choices[name].flags if name in choices else ())] for name, given in servers.items()}
    told = [f"{_DOES[name]}: {choice.reason}" for name, choice in choices.items()]
    if settings.audio is Audio.SIMULATED and not settings.text and settings.room_script is None:
        flags = [*flags, "--room-script", str(_SCENE)]
        told.append(f"the room: a recorded voice says what is in {_SCENE}; --room-script FILE for a scene of your own")
    return Plan(settings, flags, complete, told)


def _choices(
    settings: SatelliteSettings,
    servers: Mapping[str, Sequence[str]],
    environ: Mapping[str, str],
    look: Callable[[SttSettings, TtsSettings], Here],
) -> dict[str, Choice]:
    def given(schema: type[_S], name: str) -> _S:
        try:
            return load(schema, prefix=name, argv=servers.get(name, ()), environ=environ, description="")
        except SettingError as error:
            # Who reads it has typed --stt-model, not --model.
            key, reason = (_SERVERS_FLAG.sub(f"--{name}-", text) for text in (error.key, error.reason))
            raise SettingError(key, reason) from None

    stt, tts = given(SttSettings, "stt"), given(TtsSettings, "tts")
    here = look(stt, tts)
    chosen = {
        "stt": choose_stt(stt, settings.language, here),
        "tts": choose_tts(tts, settings.language, here),
    }
    return {name: choice for name, choice in chosen.items() if choice is not None and name in servers}


def require_sound_card(cards: SoundCards) -> None:
    """Raise NoSoundCardError if there is no microphone or no loudspeaker."""
    counts = {
        "microphone": sum(card.inputs for card in cards.cards),
        "loudspeaker": sum(card.outputs for card in cards.cards),
    }
    missing = [what for what, count in counts.items() if not count]
    if missing:
        raise NoSoundCardError(f"this machine has no {' and no '.join(missing)}")


def require_free(uri: str | None) -> None:
    """Raise CannotListenError for an address that the satellite could not listen at, before anything is started."""
    address = parse_uri(uri) if uri is not None else None
    if isinstance(address, TcpAddress):
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            socket.create_server((address.host, address.port), family=family).close()
        except OSError as error:
            raise CannotListenError(str(uri), error.strerror or str(error)) from None


class StateFolderError(InterjectError):
    """What the servers log cannot be kept."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"the servers' logs cannot be kept in {folder} ({reason}); name another place: XDG_STATE_HOME=/some/folder"
        )
        self.folder = folder


async def _run(wanted: Plan) -> int:
    stopping = asyncio.Event()
    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with Processes(os.environ) as processes:
        stop = asyncio.create_task(stopping.wait(), name="stop signal")
        life = asyncio.create_task(_live(wanted, processes), name="life")
        try:
            await asyncio.wait({stop, life}, return_when=asyncio.FIRST_COMPLETED)
            # Ctrl-C reaches all processes of a terminal: that they end then is no failure.
            return 0 if stop.done() else life.result()
        finally:
            stop.cancel()
            life.cancel()
            await asyncio.gather(stop, life, return_exceptions=True)


async def _live(wanted: Plan, processes: Processes) -> int:
    """Start everything; return the satellite's status when it ends, raise ProcessDiedError when another one does."""
    settings = wanted.settings
    uris: list[str] = []
    if not settings.list_devices:
        await asyncio.to_thread(require_free, settings.uri)
        if wanted.needs_sound_card:
            await _find_sound_card()
        sys.stderr.write("".join(f"script/run: {line}\n" for line in wanted.told))
        uris = await _start_servers(wanted.servers, processes)
    with _deaf_to_interrupts():
        program = Program(_SATELLITE, module_of(_SATELLITE), settings.uri or "", [*uris, *wanted.flags])
        await processes.start(program, stdin=sys.stdin)
    return await processes.wait_for_end(_SATELLITE)


async def _find_sound_card() -> None:
    host = PortAudioHost()
    try:
        require_sound_card(await host.cards())
    except DeviceError as error:
        raise NoSoundCardError(str(error)) from None
    finally:
        host.close()


async def _start_servers(servers: Mapping[str, Sequence[str]], processes: Processes) -> list[str]:
    """Start the servers, wait until they are ready, and return the flags that tell the satellite where they are."""
    state = await asyncio.to_thread(_state_folder, servers)
    flags: list[str] = []
    for name, arguments in servers.items():
        uri = free_uri()
        log = state / f"{name}.log"
        with _deaf_to_interrupts():
            await processes.start(Program(name, module_of(name), uri, arguments, log))
        flags += [f"--{name}-uri", uri]
    if servers:
        sys.stderr.write(f"script/run: the servers log to {state}\n")
    await asyncio.gather(*(processes.wait_until_ready(name) for name in servers))
    return flags


def _state_folder(servers: Iterable[str]) -> Path:
    """Return where these servers log, with the logs of the last time put aside; raises StateFolderError."""
    folder = our_state(os.environ)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in servers:
            log = folder / f"{name}.log"
            if log.exists():
                log.replace(log.with_suffix(".log.1"))
            log.touch()
    except OSError as error:
        raise StateFolderError(folder, error.strerror or str(error)) from None
    return folder


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let a process that is started now ignore Ctrl-C until it attends to it; until then it would print a traceback."""
    attending = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, attending)


if __name__ == "__main__":
    sys.exit(main())
