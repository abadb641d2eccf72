"""Where the control socket is, and how a satellite is found by it."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from wyoming.info import Describe, Info

from interject.satellite.control.place import (
    ControlSocketError,
    NoSatelliteError,
    SeveralSatellitesError,
    file_name,
    find_socket,
    usable_folder,
)
from interject.satellite.control.service import serve_controls
from interject.satellite.settings import SatelliteSettings
from interject.wire.client import connect
from tests.satellite.control.test_session import Desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The two places where sockets may lie, as a user has them; the names are short, as a socket's path must be."""
    homes = {"XDG_RUNTIME_DIR": str(tmp_path / "r"), "XDG_STATE_HOME": str(tmp_path / "s")}
    for variable, value in homes.items():
        monkeypatch.setenv(variable, value)
    return homes


def listening(path: Path, stack: ExitStack) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    server = stack.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(str(path))
    server.listen()
    return path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Interject satellite", "interject-satellite.sock"),
        ("../../etc/passwd", "etc-passwd.sock"),
        ("Küche", "k-che.sock"),
        ("客厅", "satellite.sock"),
        ("x" * 200, f"{'x' * 40}.sock"),
    ],
)
def test_a_socket_has_the_satellite_s_name_as_far_as_a_file_can(name: str, file: str) -> None:
    assert file_name(name) == file


def test_without_a_runtime_directory_sockets_lie_with_the_state(homes: dict[str, str], tmp_path: Path) -> None:
    assert usable_folder(homes) == tmp_path / "r" / "interject"
    assert usable_folder({**homes, "XDG_RUNTIME_DIR": ""}) == tmp_path / "s" / "interject"
    assert usable_folder({**homes, "XDG_RUNTIME_DIR": "/proc/none"}) == tmp_path / "s" / "interject"
    assert (tmp_path / "s" / "interject").stat().st_mode & 0o777 == 0o700


def test_the_only_satellite_is_found_by_itself_and_several_by_name(homes: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NoSatelliteError, match="no satellite runs here"):
        find_socket(None, None, homes)
    with ExitStack() as stack:
        hall = listening(tmp_path / "s" / "interject" / "hall.sock", stack)
        with ExitStack() as dead:
            listening(tmp_path / "r" / "interject" / "dead.sock", dead)
        assert find_socket(None, None, homes) == hall
        kitchen = listening(tmp_path / "r" / "interject" / "kitchen.sock", stack)
        with pytest.raises(SeveralSatellitesError, match="kitchen, hall; say which one with --name"):
            find_socket(None, None, homes)
        assert find_socket(None, "Kitchen", homes) == kitchen
        with pytest.raises(NoSatelliteError, match=r"dead\.sock"):
            find_socket(None, "dead", homes)


async def test_the_socket_is_the_user_s_alone_and_that_of_a_living_satellite_is_left(
    homes: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = SatelliteSettings(name="Kitchen")
    path = tmp_path / "r" / "interject" / "kitchen.sock"
    with ExitStack() as dead:
        listening(path, dead)
    first = await serve_controls(settings, Desk().controls, Info)
    assert first is not None, "what a dead satellite left is replaced"
    try:
        assert path.stat().st_mode & 0o777 == 0o600
        assert await serve_controls(settings, Desk().controls, Info) is None
        assert "another service listens there" in caplog.text
        assert "--name" in caplog.text
        connection = await connect(f"unix://{path}")
        await connection.send(Describe().event())
        assert Info.is_type((await connection.receive()).type), "the first goes on"
        await connection.close()
    finally:
        await first.stop()
    assert not path.exists()


async def test_a_socket_that_was_asked_for_is_made_or_it_is_an_error(homes: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ControlSocketError, match="give --control-socket another path, or none"):
        await serve_controls(SatelliteSettings(control_socket="/no/such/folder/s"), Desk().controls, Info)
    service = await serve_controls(SatelliteSettings(control_socket=str(tmp_path / "x")), Desk().controls, Info)
    assert service is not None
    await service.stop()


@pytest.mark.parametrize(
    "settings",
    [SatelliteSettings(control_socket="none"), SatelliteSettings(control_socket=""), SatelliteSettings(text=True)],
)
async def test_who_wants_no_socket_gets_none(homes: dict[str, str], settings: SatelliteSettings) -> None:
    assert await serve_controls(settings, Desk().controls, Info) is None
