"""systemd itself reads the units that are written: without a complaint, and with the arguments that were meant."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from interject.satellite.systemd.units import Account, Part, Unit, unit_text
from tools.testing.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

ANALYZE = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed (Debian: systemd)")
ACCOUNT = Account("daemon", 1)
AWKWARD = (
    "plain",
    "two words",
    "arecord -D plughw:CARD=x,DEV=0 -t raw",
    "$HOME ${HOME} 100%h",
    '"',
    "'",
    "\\n",
    "a\tb\nc",
    ";",
    "",
)


def read_by_systemd(units: list[Unit], folder: Path) -> str:
    """Return all that systemd says of units, with the command lines as it has understood them."""
    assert ANALYZE is not None
    for unit in units:
        (folder / unit.part.unit).write_text(unit_text(unit), encoding="utf-8")
    run = folder / "run"
    run.mkdir(mode=0o700)
    manager = "--user" if units[0].account is None else "--system"
    done = subprocess.run(
        [ANALYZE, manager, "verify", "--man=no", *(str(folder / unit.part.unit) for unit in units)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(run)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr + done.stdout


@with_systemd
@pytest.mark.parametrize("account", [None, ACCOUNT], ids=["user", "system"])
def test_systemd_has_nothing_to_say_against_them(account: Account | None, tmp_path: Path) -> None:
    units = [Unit(part, (sys.executable, "-m", part.value), account) for part in Part]
    assert read_by_systemd(units, tmp_path) == ""


@with_systemd
def test_each_argument_arrives_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEMD_LOG_LEVEL", "debug")
    said = read_by_systemd([Unit(Part.SATELLITE, (sys.executable, *AWKWARD))], tmp_path)
    (line,) = [line for line in said.splitlines() if "Command Line:" in line]
    understood = shlex.split(line.partition("Command Line:")[2].replace("\\$", "$"))
    # It shows control characters by their names, and doubled what stands for a dollar when the program is run.
    shown = [word.replace("$$", "$").replace("\\t", "\t").replace("\\n", "\n") for word in understood]
    assert shown == [sys.executable, *(word.replace("\\n", "\n") for word in AWKWARD)]


def test_a_satellite_of_the_user_starts_after_the_sound_servers_and_one_of_the_system_finds_them() -> None:
    own = unit_text(Unit(Part.SATELLITE, ("/x/interject-satellite",), after=(Part.STT,)))
    (after,) = [line for line in own.splitlines() if line.startswith("After=")]
    assert {"pipewire.service", "pipewire-pulse.service", "sound.target", "interject-stt.service"} <= set(
        after.removeprefix("After=").split()
    )
    assert "User=" not in own
    assert "WantedBy=default.target" in own
    system = unit_text(Unit(Part.SATELLITE, ("/x/interject-satellite",), ACCOUNT)).splitlines()
    assert {
        "Wants=network-online.target user-runtime-dir@1.service",
        "User=daemon",
        "SupplementaryGroups=audio",
        "Environment=XDG_RUNTIME_DIR=/run/user/1",
        "WantedBy=multi-user.target",
    } <= set(system)


@pytest.mark.parametrize("account", [None, ACCOUNT], ids=["user", "system"])
def test_nothing_keeps_a_satellite_from_its_sound_card(account: Account | None) -> None:
    text = unit_text(Unit(Part.SATELLITE, ("/x/interject-satellite",), account))
    for breaks in ("PrivateDevices", "DevicePolicy", "RestrictRealtime", "MemoryDenyWriteExecute", "ProtectClock"):
        assert breaks not in text
    assert "Restart=always" in text
    assert "NoNewPrivileges=yes" in text
