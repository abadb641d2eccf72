"""The sub-command `install-service`."""

from __future__ import annotations

import argparse
import asyncio
import grp
import os
import pwd
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from interject.satellite.app.parts import reactions_to, room_sounds, transport_parts
from interject.satellite.settings import SatelliteSettings
from interject.satellite.systemd.installation import (
    install,
    preview,
    preview_of_uninstall,
    system_manager,
    uninstall,
    user_manager,
)
from interject.satellite.systemd.units import Account, Part, Unit
from interject.servers.llm.settings import LlmEngine, LlmSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.errors import SettingError
from interject.wire.extras import require
from interject.wire.setting_field import fields_of
from interject.wire.settings import load
from interject.wire.uri import TcpAddress, parse_uri, tcp_uri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interject.satellite.systemd.installation import Manager
    from interject.servers.common import ServerSettings

_EPILOG = (
    "All other arguments are the satellite's, as you have tried them, such as --name Kitchen; they stand in its unit. "
    "The settings of the servers stand in the file that --config names. Everything is checked before anything is "
    "written."
)
_SERVERS: Mapping[Part, type[ServerSettings]] = {Part.STT: SttSettings, Part.LLM: LlmSettings, Part.TTS: TtsSettings}
# A package of each server's extra, by which it is known to be installed.
_BROUGHT = {Part.STT: "soxr", Part.LLM: "openai", Part.TTS: "espeakng_loader"}
_S = TypeVar("_S", bound="SatelliteSettings | ServerSettings")
# Sounds are loaded at some rate to see that they can be.
_ANY_RATE_HZ = 16_000
_SOUND_GROUP = "audio"
# All of this machine's addresses, and how it calls itself.
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the command line asks for."""

    system: bool
    run_as: str | None
    servers: tuple[Part, ...]
    config: Path | None
    uninstall: bool
    dry_run: bool
    flags: tuple[str, ...]


def run_install_service(argv: Sequence[str]) -> int:
    """Install, remove or show the services, and return the exit status; raises InterjectError."""
    wish = _parse(argv)
    account = _account(wish)
    manager = system_manager() if wish.system else user_manager(account.name, os.environ)
    if wish.uninstall:
        return _uninstall(wish, manager)
    if wish.system:
        # What is checked is what the service will see.
        os.environ["HOME"] = str(_home(account))
    units = _units(wish, account)
    if unseen := sorted(name for name in os.environ if name.startswith("INTERJECT_")):
        _tell(f"not seen by a service, unlike what stands in --config: {', '.join(unseen)}")
    if wish.dry_run:
        sys.stdout.write(preview(manager, units))
        return 0
    install(manager, units, _tell)
    _say_what_is_next(wish, account)
    return 0


def _uninstall(wish: _Wish, manager: Manager) -> int:
    if wish.flags or wish.servers or wish.config is not None:
        raise SettingError("--uninstall", "removes all that was installed, and takes only --system and --dry-run")
    if wish.dry_run:
        sys.stdout.write(preview_of_uninstall(manager))
    else:
        uninstall(manager, _tell)
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingError("install-service", f"{message}; --help says more")


def _parse(argv: Sequence[str]) -> _Wish:
    parser = _Parser(
        prog="interject-satellite install-service",
        description="Run the satellite as a service of systemd, now and after each boot: as one of your own, which "
        "hears and speaks by your PipeWire or PulseAudio, or with --system as one of the machine's.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--system", action="store_true", help="a service of the machine, by ALSA; needs sudo")
    parser.add_argument("--run-as", metavar="USER", help="with --system: who runs it (default: who calls sudo)")
    parser.add_argument(
        "--servers", metavar="NAMES", default="", help="run these beside it, and tell it where: stt,llm,tts or some"
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="TOML file with settings, read at each start")
    parser.add_argument("--uninstall", action="store_true", help="stop and remove what was installed")
    parser.add_argument("--dry-run", action="store_true", help="print what would be written and run, and do nothing")
    known, flags = parser.parse_known_args(list(argv))
    return _Wish(
        system=known.system,
        run_as=known.run_as,
        servers=_servers(known.servers),
        config=None if known.config is None else known.config.expanduser().absolute(),
        uninstall=known.uninstall,
        dry_run=known.dry_run,
        flags=tuple(flags),
    )


def _servers(names: str) -> tuple[Part, ...]:
    given = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := given - {part.value for part in _SERVERS}:
        raise SettingError("--servers", f"{', '.join(sorted(unknown))!r} is no server; give some of stt,llm,tts")
    return tuple(part for part in _SERVERS if part.value in given)


def _account(wish: _Wish) -> Account:
    """Return whom the service runs as; raises SettingError."""
    by_sudo = os.environ.get("SUDO_USER")
    if not wish.system:
        if wish.run_as is not None:
            raise SettingError("--run-as", "goes with --system; a service of your own runs as you")
        if by_sudo and os.getuid() == 0:
            raise SettingError("install-service", "leave sudo out: the service is your own; or give --system")
        return _look_up(_own_name())
    if os.getuid() != 0 and not wish.dry_run:
        raise SettingError("--system", f"needs root: sudo {_program(Part.SATELLITE)} install-service --system …")
    if wish.uninstall:
        return Account("root", 0)
    name = wish.run_as or by_sudo or _own_name()
    if name == "root":
        raise SettingError("--run-as", "name the user whom the service runs as; it needs none of root's rights")
    return _look_up(name)


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise SettingError("install-service", f"the user with the number {os.getuid()} has no name here") from None


def _look_up(name: str) -> Account:
    try:
        return Account(name, pwd.getpwnam(name).pw_uid)
    except KeyError:
        raise SettingError("--run-as", f"there is no user {name!r}") from None


def _home(account: Account) -> Path:
    home = Path(pwd.getpwnam(account.name).pw_dir)
    if not home.is_dir():
        raise SettingError("--run-as", f"{account.name} has no home folder ({home}), where the room is remembered")
    return home


def _units(wish: _Wish, account: Account) -> list[Unit]:
    """Check everything that was given, and say which units that makes; raises InterjectError."""
    shared = () if wish.config is None else ("--config", str(wish.config))
    addresses = {part: _address(part, shared) for part in wish.servers}
    given = _load(SatelliteSettings, Part.SATELLITE, (*shared, *wish.flags))
    missing = [part for part in wish.servers if getattr(given, f"{part.value}_uri") is None]
    told = [word for part in missing for word in (f"--{part.value}-uri", addresses[part])]
    flags = (*shared, *wish.flags, *told)
    asyncio.run(_check(_load(SatelliteSettings, Part.SATELLITE, flags)))
    runs_as = account if wish.system else None
    return [
        *(Unit(part, (_program(part), *shared), runs_as) for part in wish.servers),
        Unit(Part.SATELLITE, (_program(Part.SATELLITE), *flags), runs_as, after=wish.servers),
    ]


def _load(schema: type[_S], part: Part, flags: Sequence[str]) -> _S:
    # A service is given no variables of ours.
    settings = load(schema, prefix=part.value, argv=flags, environ={}, description="")
    for field in fields_of(schema):
        value = getattr(settings, field.name)
        for path in value if isinstance(value, tuple) else (value,):
            if isinstance(path, Path) and not path.is_absolute():
                raise SettingError(f"--{field.key} {path}", f"a service starts elsewhere; give {path.absolute()}")
    return settings


def _address(part: Part, flags: Sequence[str]) -> str:
    """Check a server as far as can be without starting it, and say where this machine reaches it."""
    settings = _load(_SERVERS[part], part, flags)
    # The bridge's own responder needs no package.
    if not isinstance(settings, LlmSettings) or settings.backend is LlmEngine.OPENAI:
        require(_BROUGHT[part], part.value)
    uri = settings.uri
    address = parse_uri(uri)
    if isinstance(address, TcpAddress):
        return tcp_uri(_ANY_HOST.get(address.host, address.host), address.port)
    return uri


async def _check(settings: SatelliteSettings) -> None:
    """Build what the satellite is built of; nothing listens, sounds or connects. Raises InterjectError."""
    for name in ("text", "list_devices"):
        if getattr(settings, name):
            raise SettingError(f"--{name.replace('_', '-')}", "makes no sense for a service; leave it out")
    await transport_parts(settings, state=None)
    await reactions_to(settings)
    await room_sounds(settings, _ANY_RATE_HZ)


def _program(part: Part) -> str:
    """Return the whole path of a program of this installation; raises SettingError."""
    path = Path(sysconfig.get_path("scripts")) / part.program
    if not path.exists():
        raise SettingError("install-service", f"there is no {path}; install the project, or run script/setup")
    return str(path)


def _say_what_is_next(wish: _Wish, account: Account) -> None:
    if not wish.system and not _may_use_sound_cards(account):
        _tell(
            f"{account.name} is not in the group {_SOUND_GROUP}, and hears nothing without a login at this machine: "
            f"sudo usermod -aG {_SOUND_GROUP} {account.name}, and restart"
        )
    journal = "journalctl -fu" if wish.system else "journalctl --user -fu"
    _tell(f"Started, and it starts again at each boot. What it says: {journal} {Part.SATELLITE.program}")


def _may_use_sound_cards(account: Account) -> bool:
    numbers = os.getgrouplist(account.name, pwd.getpwnam(account.name).pw_gid)
    return account.uid == 0 or _SOUND_GROUP in {grp.getgrgid(number).gr_name for number in numbers}


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
