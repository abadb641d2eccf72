"""install-service: what it writes, what it has systemd do, and that a mistake is told before anything happens.

systemctl and loginctl are programs that write down how they were called.
"""

from __future__ import annotations

import os
import pwd
import sysconfig
from pathlib import Path

import pytest

from interject.satellite.systemd.command import run_install_service
from interject.satellite.systemd.installation import (
    CommandFailedError,
    ForeignUnitError,
    Manager,
    NoSystemdError,
    install,
)
from interject.satellite.systemd.units import Account, Part, Unit
from interject.wire.errors import SettingError
from interject.wire.extras import ExtraMissingError

ME = pwd.getpwuid(os.getuid()).pw_name
SOMEBODY = next(entry.pw_name for entry in pwd.getpwall() if entry.pw_uid and Path(entry.pw_dir).is_dir())


class Machine:
    """A home folder, and programs of systemd's that are on PATH."""

    def __init__(self, folder: Path) -> None:
        self.units = folder / ".config" / "systemd" / "user"
        self.log = folder / "calls"
        self._bin = folder / "bin"
        self._bin.mkdir()
        for program in ("systemctl", "loginctl"):
            self.program(program)

    def program(self, name: str, *, ends_with: str = "exit 0") -> None:
        """Install a program; it notes its arguments, then does this in a shell."""
        path = self._bin / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >>{self.log}\n{ends_with}\n', encoding="utf-8")
        path.chmod(0o755)

    @property
    def path(self) -> str:
        return str(self._bin)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []

    @property
    def written(self) -> set[str]:
        return {path.name for path in self.units.glob("*")}

    def command(self, part: str = "satellite") -> str:
        """Return what a unit runs, without the folder of the program."""
        text = (self.units / f"interject-{part}.service").read_text(encoding="utf-8")
        (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
        return line.removeprefix(f"ExecStart={sysconfig.get_path('scripts')}/")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{machine.path}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("SUDO_USER", raising=False)
    return machine


def test_a_service_of_ones_own_is_written_enabled_and_started(machine: Machine) -> None:
    assert run_install_service(["--name", "Living room", "--wake-word-name", "okay_nabu"]) == 0
    assert machine.written == {"interject-satellite.service"}
    assert machine.command() == 'interject-satellite --name "Living room" --wake-word-name okay_nabu'
    assert machine.calls == [
        f"loginctl enable-linger {ME}",
        "systemctl --user daemon-reload",
        "systemctl --user enable interject-satellite.service",
        "systemctl --user restart interject-satellite.service",
    ]


def test_servers_beside_it_are_told_to_the_satellite_where_their_settings_say(machine: Machine, tmp_path: Path) -> None:
    config = tmp_path / "interject.toml"
    config.write_text(
        '[satellite]\nname = "Kitchen"\ntts-uri = "tcp://192.0.2.1:10200"\n[stt]\nuri = "tcp://0.0.0.0:10301"\n'
        '[llm]\nuri = "unix:///run/llm.sock"\n',
        encoding="utf-8",
    )
    assert run_install_service(["--config", str(config), "--servers", "tts,stt,llm"]) == 0
    assert machine.written == {f"interject-{part}.service" for part in ("satellite", "stt", "llm", "tts")}
    assert machine.command("stt") == f"interject-stt --config {config}"
    # What somebody chose another server for stays with it.
    assert machine.command() == (
        f"interject-satellite --config {config} --stt-uri tcp://127.0.0.1:10301 --llm-uri unix:///run/llm.sock"
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("--barge-in loudly", "speech | wake-word"),
        ("--nmae Kitchen", "did you mean --name"),
        ("--barge-in wake-word", "--wake-word-name"),
        ("--wake-word-name nobody_has_it", "there is no such model"),
        ("--transcript-command /nowhere/program", "/nowhere/program"),
        ("--text", "makes no sense for a service"),
        ("--zeroconf", "give --home-assistant"),
        ("--awake-wav beep.wav", "give /"),
        ("--config /nowhere/file.toml", "/nowhere/file.toml"),
        ("--servers stt,sst", "'sst' is no server"),
        ("--run-as nobody", "goes with --system"),
        ("--uninstall --name Kitchen", "takes only"),
        ("--uninstall --servers", "--help"),
    ],
)
def test_a_mistake_is_told_before_anything_happens(machine: Machine, given: str, told: str) -> None:
    with pytest.raises(SettingError) as mistake:
        run_install_service(given.split())
    assert told in str(mistake.value)
    assert machine.calls == []
    assert machine.written == set()


def test_a_server_that_nobody_else_could_reach_is_not_installed_to_be_announced(
    machine: Machine, tmp_path: Path
) -> None:
    config = tmp_path / "interject.toml"
    config.write_text('[stt]\nzeroconf = "kitchen"\n', encoding="utf-8")
    with pytest.raises(SettingError, match=r"zeroconf: .*--uri tcp://0\.0\.0\.0:10300"):
        run_install_service(["--config", str(config), "--servers", "stt"])
    assert machine.written == set()


def test_a_mistake_in_the_servers_part_of_the_file_is_told_too(machine: Machine, tmp_path: Path) -> None:
    config = tmp_path / "interject.toml"
    config.write_text('[stt]\nengin = "pocketsphinx"\n', encoding="utf-8")
    assert run_install_service(["--config", str(config), "--dry-run"]) == 0
    with pytest.raises(SettingError, match=r"\[stt\] engin: no such setting; did you mean engine"):
        run_install_service(["--config", str(config), "--servers", "stt"])
    assert machine.written == set()


def test_a_server_without_its_packages_is_not_installed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ExtraMissingError, match=r"wyoming-interject\[stt\]"):
        run_install_service(["--servers", "stt"])
    # The bridge's own responder needs none.
    assert run_install_service(["--servers", "llm"]) == 0


def test_a_dry_run_shows_it_all_and_does_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_install_service(["--dry-run", "--name", "Kitchen", "--servers", "tts"]) == 0
    shown = capsys.readouterr().out
    for expected in (
        str(machine.units / "interject-tts.service"),
        "--name Kitchen --tts-uri tcp://127.0.0.1:10200",
        f"loginctl enable-linger {ME}",
        "systemctl --user restart interject-tts.service interject-satellite.service",
    ):
        assert expected in shown
    assert machine.calls == []
    assert machine.written == set()


def test_what_was_installed_is_removed_and_nothing_else(machine: Machine) -> None:
    run_install_service(["--servers", "llm"])
    foreign = machine.units / "interject-tts.service"
    foreign.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    installed = len(machine.calls)
    assert run_install_service(["--uninstall"]) == 0
    assert machine.written == {foreign.name}
    assert machine.calls[installed:] == [
        "systemctl --user disable --now interject-satellite.service interject-llm.service",
        "systemctl --user daemon-reload",
    ]


def test_removing_it_can_be_tried_and_removing_nothing_is_no_mistake(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_install_service(["--uninstall"]) == 0
    assert machine.calls == []
    run_install_service([])
    installed = machine.calls
    assert run_install_service(["--uninstall", "--dry-run"]) == 0
    assert "systemctl --user disable --now interject-satellite.service" in capsys.readouterr().out
    assert machine.calls == installed
    assert machine.written == {"interject-satellite.service"}


def test_a_unit_that_somebody_else_wrote_is_not_overwritten(machine: Machine) -> None:
    machine.units.mkdir(parents=True)
    foreign = machine.units / "interject-satellite.service"
    foreign.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    with pytest.raises(ForeignUnitError, match=r"interject-satellite\.service was not written by install-service"):
        run_install_service(["--servers", "llm"])
    assert machine.written == {foreign.name}
    assert foreign.read_text(encoding="utf-8").endswith("/bin/true\n")
    assert machine.calls == []


def test_installing_it_again_takes_the_new_flags(machine: Machine) -> None:
    run_install_service(["--name", "Kitchen"])
    run_install_service(["--name", "Attic"])
    assert machine.command().endswith("--name Attic")
    assert machine.calls[-1] == "systemctl --user restart interject-satellite.service"


def test_where_lingering_is_refused_the_rest_is_done_and_it_is_said(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.program("loginctl", ends_with="echo 'Access denied' >&2; exit 1")
    assert run_install_service([]) == 0
    assert machine.calls[-1] == "systemctl --user restart interject-satellite.service"
    said = capsys.readouterr().err
    assert "Access denied" in said
    assert f"until {ME} logs in" in said


def test_a_manager_that_is_only_starting_is_waited_for(machine: Machine) -> None:
    """As where nobody has logged in: it begins to start when it is told to linger."""
    twice_before = f'[ "$(grep -c daemon-reload {machine.log})" -gt 2 ] || {{ echo no bus yet >&2; exit 1; }}'
    machine.program("systemctl", ends_with=twice_before)
    assert run_install_service([]) == 0
    reloads = [call for call in machine.calls if call.endswith("daemon-reload")]
    assert len(reloads) == 3
    assert machine.calls[-1] == "systemctl --user restart interject-satellite.service"


def test_a_masked_unit_is_left_alone(machine: Machine) -> None:
    machine.units.mkdir(parents=True)
    (machine.units / "interject-satellite.service").symlink_to("/dev/null")
    with pytest.raises(ForeignUnitError):
        run_install_service([])


def test_what_systemd_refuses_is_told_in_its_words(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interject.satellite.systemd.installation.MANAGER_STARTS_S", 0.0)
    machine.program("systemctl", ends_with="echo 'Failed to connect to bus' >&2; exit 1")
    with pytest.raises(CommandFailedError, match=r"systemctl --user daemon-reload.*Failed to connect to bus"):
        run_install_service([])


def test_without_systemd_nothing_is_written(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSystemdError, match="systemctl is not found"):
        run_install_service([])
    assert machine.written == set()


def test_variables_of_the_shell_are_named_as_a_service_does_not_see_them(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTERJECT_SATELLITE_NAME", "Kitchen")
    run_install_service([])
    assert "INTERJECT_SATELLITE_NAME" in capsys.readouterr().err
    assert machine.command() == "interject-satellite"


def test_a_service_of_the_system_runs_as_a_user_with_the_groups_of_sound(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUDO_USER", SOMEBODY)
    assert run_install_service(["--system", "--dry-run", "--name", "Kitchen"]) == 0
    shown = capsys.readouterr().out
    assert "/etc/systemd/system/interject-satellite.service" in shown
    assert f"User={SOMEBODY}\n" in shown
    assert f"XDG_RUNTIME_DIR=/run/user/{pwd.getpwnam(SOMEBODY).pw_uid}\n" in shown
    assert "systemctl enable interject-satellite.service" in shown
    assert "linger" not in shown
    assert machine.calls == []


@pytest.mark.parametrize(("user", "told"), [("root", "none of root's rights"), ("no-such-user", "no user")])
def test_a_service_of_the_system_needs_a_user(machine: Machine, user: str, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        run_install_service(["--system", "--dry-run", "--run-as", user])


def test_units_of_the_system_are_started_by_its_manager(machine: Machine, tmp_path: Path) -> None:
    manager = Manager(tmp_path / "system", ("systemctl",))
    unit = Unit(Part.SATELLITE, ("/opt/interject-satellite",), Account("pi", 1000))
    told: list[str] = []
    install(manager, [unit], told.append)
    assert "User=pi" in (tmp_path / "system" / "interject-satellite.service").read_text(encoding="utf-8")
    assert [call.split()[:2] for call in machine.calls] == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable"],
        ["systemctl", "restart"],
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="sudo makes one root")
def test_sudo_is_not_for_a_service_of_ones_own(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", SOMEBODY)
    with pytest.raises(SettingError, match="leave sudo out"):
        run_install_service([])
    assert machine.written == set()


@pytest.mark.skipif(os.getuid() == 0, reason="root may")
def test_a_service_of_the_system_is_refused_to_others(machine: Machine) -> None:
    with pytest.raises(SettingError, match="needs root"):
        run_install_service(["--system"])
