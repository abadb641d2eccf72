"""`interject-satellite ctl …` and `interject-satellite health`: command a satellite that runs on this machine."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from wyoming.user_event import UserEvent

from interject.satellite.control.place import NONE, find_socket
from interject.wire.client import connect
from interject.wire.errors import PeerError, PeerGoneError, PeerSilentError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.wire.client import Connection

_VARIABLE = "INTERJECT_SATELLITE_CONTROL_SOCKET"
# It is the same machine: who does not answer within this does not work.
_ANSWER_TIMEOUT_S = 5.0
_DONE, _NO = 0, 1
_COMMANDS = {
    "listen": "listen now, as after the wake word",
    "stop": "silence what sounds, a timer's ring too",
    "mute": "switch the microphone off",
    "unmute": "switch the microphone on, also where Home Assistant had switched it off",
    "toggle-mute": "the one or the other; prints muted or unmuted",
    "volume": "print the volume in percent; with a number, up or down change it first",
    "status": "print how the satellite is, as JSON",
    "health": "print what is wrong with it, and exit with status 1 if anything is",
    "events": "print what happens as JSON lines, until Ctrl-C",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingError("command line", f"{message}; --help says more")


def run_ctl(argv: Sequence[str]) -> int:
    """Command a satellite and return the exit status: 0 done, 1 refused or unhealthy; raises InterjectError."""
    wanted = _parser().parse_args(list(argv))
    by_variable = os.environ.get(_VARIABLE, NONE)
    given = wanted.control_socket or (None if by_variable == NONE else by_variable)
    path = find_socket(given, wanted.name, os.environ)
    try:
        return asyncio.run(_command(f"unix://{path.absolute()}", wanted.command, _data_of(wanted)))
    except PeerError as error:
        sys.stderr.write(f"interject-satellite: {error.text}\n")
        return _NO
    except BrokenPipeError:
        # Whoever read the events has enough of them.
        return _DONE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="interject-satellite ctl", description="Command a satellite that runs on this machine.")
    parser.add_argument(
        "--control-socket", metavar="PATH", help=f"its control socket (default: ${_VARIABLE}, else it is looked for)"
    )
    parser.add_argument("--name", help="its name, where several run here")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in _COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == "volume":
            command.add_argument("change", nargs="?", metavar="N|up|down", help="from 0 to 100, or a step of 10")
    return parser


def _data_of(wanted: argparse.Namespace) -> dict[str, Any]:
    change = getattr(wanted, "change", None)
    if change is None:
        return {}
    if change in ("up", "down"):
        return {"step": change}
    try:
        return {"percent": int(change)}
    except ValueError:
        raise SettingError(
            "volume", f"{change!r} is not accepted; give a whole number from 0 to 100, up or down"
        ) from None


async def _command(uri: str, command: str, data: dict[str, Any]) -> int:
    connection = await connect(uri)
    try:
        # To be told the volume is to be told the status.
        asked = "status" if command == "health" or (command == "volume" and not data) else command
        await connection.send(UserEvent(asked, data).event())
        if command == "events":
            return await _print_events(connection)
        return _report(command, await _answer(connection))
    finally:
        await connection.close()


async def _answer(connection: Connection) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            status = (await connection.receive()).data.get("data")
    except TimeoutError:
        raise PeerSilentError(connection.uri, "answer", _ANSWER_TIMEOUT_S) from None
    if not isinstance(status, dict):
        raise PeerGoneError(connection.uri, "its answer is no status")
    return status


def _report(command: str, status: dict[str, Any]) -> int:
    match command:
        case "status":
            _print(json.dumps(status, ensure_ascii=False, indent=2))
        case "volume":
            _print(str(status["volume"]))
        case "toggle-mute":
            _print("muted" if status["muted"] else "unmuted")
        case "health":
            _print("; ".join(status["faults"]) or f"{status['name']}: healthy")
            return _NO if status["faults"] else _DONE
    return _DONE


async def _print_events(connection: Connection) -> int:
    while True:
        event = await connection.receive()
        _print(json.dumps({"type": event.type, "data": event.data}, ensure_ascii=False))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
