"""The text of unit files: the satellite and the three servers as services of systemd.

A unit of the user's own manager sees the user's sound server, PipeWire or PulseAudio, as any program of that user does.
One of the system's manager runs as a user too, starts without anybody's login, and reaches ALSA by the group audio.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

# By this a file is known to be ours: only such are written anew or removed.
MARK = "# Written by interject-satellite install-service."
_SOUND_SERVERS = ("pipewire.service", "pipewire-pulse.service", "wireplumber.service", "pulseaudio.service")
# No PrivateDevices, which hides /dev/snd; no MemoryDenyWriteExecute, as the engines write the code they run; no
# PrivateTmp, which hides sockets that others put into /tmp. systemd.exec(5)
_HARDENING = ("NoNewPrivileges=yes", "LockPersonality=yes", "RestrictNamespaces=yes", "RestrictSUIDSGID=yes")
# A user's manager may not do these.
_SYSTEM_HARDENING = (
    "ProtectSystem=full",
    "ProtectControlGroups=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
)
# A microphone that is plugged in later is found by then, and a mistake in the settings costs little until it is mended.
_RESTART_S = 5
# All four are gone 2 s after SIGTERM.
_STOP_TIMEOUT_S = 10
_PLAIN = re.compile(r"[\w@+=:,./-]+", re.ASCII)


class Part(Enum):
    """A program that runs as a service; the value is the name of its flags' table."""

    SATELLITE = "satellite"
    STT = "stt"
    LLM = "llm"
    TTS = "tts"

    @property
    def program(self) -> str:
        """The name of the program, and of its unit without the suffix."""
        return f"interject-{self.value}"

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return f"{self.program}.service"


_DESCRIPTIONS = {
    Part.SATELLITE: "Interject voice satellite",
    Part.STT: "Interject speech-to-text server",
    Part.LLM: "Interject LLM bridge",
    Part.TTS: "Interject text-to-speech server",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The user whom a service runs as."""

    name: str
    uid: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A service: what runs, with which command, and after which others.

    command: the whole path of the program, then its arguments.
    account: whom a unit of the system's manager runs as; None: the unit is one of the user's own manager.
    """

    part: Part
    command: tuple[str, ...]
    account: Account | None = None
    after: tuple[Part, ...] = ()


def unit_text(unit: Unit) -> str:
    """Write a unit file."""
    edit = "systemctl --user edit" if unit.account is None else "sudo systemctl edit"
    lines = [
        MARK,
        f"# It is overwritten when that runs again; what you change belongs in `{edit} {unit.part.program}`.",
        "",
        "[Unit]",
        *_order(unit),
        "",
        "[Service]",
        *_service(unit),
        "",
        "[Install]",
        f"WantedBy={'default' if unit.account is None else 'multi-user'}.target",
    ]
    return "".join(f"{line}\n" for line in lines)


def _order(unit: Unit) -> list[str]:
    wants: list[str] = []
    after = [part.unit for part in unit.after]
    if unit.account is not None:
        # The address that is announced is found anew when it changes; this spares a message at each start.
        wants.append("network-online.target")
    if unit.part is Part.SATELLITE:
        after.append("sound.target")
        if unit.account is None:
            after += _SOUND_SERVERS
        else:
            # What XDG_RUNTIME_DIR names, also where this user has not logged in; and the user's sound server, if it
            # runs: the system's manager knows it only by the manager of that user.
            wants.append(f"user-runtime-dir@{unit.account.uid}.service")
            after.append(f"user@{unit.account.uid}.service")
    lines = [f"Description={_DESCRIPTIONS[unit.part]}"]
    if wants:
        lines.append(f"Wants={' '.join(wants)}")
    if wants or after:
        lines.append(f"After={' '.join([*wants, *after])}")
    # It never gives up: a microphone may be plugged in tomorrow.
    return [*lines, "StartLimitIntervalSec=0"]


def _service(unit: Unit) -> list[str]:
    lines = [
        "Type=exec",
        f"ExecStart={command_line(unit.command)}",
        "Restart=always",
        f"RestartSec={_RESTART_S}",
        f"TimeoutStopSec={_STOP_TIMEOUT_S}",
    ]
    if unit.account is not None:
        lines += [f"User={unit.account.name}", "WorkingDirectory=~"]
        if unit.part is Part.SATELLITE:
            # Where this user's sound server listens, if there is one: a service has no session that would say it.
            lines += ["SupplementaryGroups=audio", f"Environment=XDG_RUNTIME_DIR=/run/user/{unit.account.uid}"]
        lines += _SYSTEM_HARDENING
    return [*lines, *_HARDENING]


def command_line(command: tuple[str, ...]) -> str:
    """Quote a command as systemd.service(5) reads it: neither specifiers nor variables are replaced in it."""
    program, *arguments = command
    # Variables are not replaced in the program's own path.
    return " ".join([_quoted(program), *(_quoted(argument.replace("$", "$$")) for argument in arguments)])


def _quoted(word: str) -> str:
    word = word.replace("%", "%%")
    if _PLAIN.fullmatch(word):
        return word
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        word = word.replace(raw, escaped)
    return f'"{word}"'
