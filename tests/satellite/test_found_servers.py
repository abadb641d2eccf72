"""Whoever announces a server last, or with the first name of all, does not get the user's speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from satellite.errors import ServerNotFoundError
from satellite.found_servers import FoundServers
from wire.discovery import Found, ServiceKind

if TYPE_CHECKING:
    from pathlib import Path

OURS, STRANGER = Found("house-stt", "tcp://192.168.1.10:10300"), Found("a-stt", "tcp://192.168.1.66:10300")


class Network:
    def __init__(self, *answers: Found) -> None:
        self.answers = list(answers)

    async def look(self, kind: ServiceKind, timeout_s: float) -> list[Found]:
        assert timeout_s > 0
        return self.answers if kind is ServiceKind.STT else []


async def found(network: Network, file: Path, wanted: str | None = None) -> str:
    return await FoundServers(file, network.look).locate(ServiceKind.STT, wanted)()


async def test_the_server_that_was_used_last_is_used_again_also_after_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "state" / "servers.json"
    network = Network(OURS)
    assert await found(network, file) == OURS.uri
    network.answers = [STRANGER, OURS]
    assert await found(network, file) == OURS.uri
    moved = Found(OURS.name, "tcp://192.168.1.11:10300")
    network.answers = [STRANGER, moved]
    assert await found(network, file) == moved.uri
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


async def test_a_choice_among_several_is_told_with_the_way_to_make_it_oneself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await found(Network(STRANGER, OURS), tmp_path / "servers.json") == STRANGER.uri
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "house-stt at tcp://192.168.1.10:10300" in warning
    assert "--stt-name" in warning


async def test_the_name_that_is_wanted_is_taken_or_nothing(tmp_path: Path) -> None:
    network = Network(STRANGER, OURS)
    assert await found(network, tmp_path / "servers.json", OURS.name) == OURS.uri
    network.answers = [STRANGER]
    with pytest.raises(ServerNotFoundError, match=r"named house-stt answered .*are named a-stt"):
        await found(network, tmp_path / "servers.json", OURS.name)


async def test_where_nobody_answers_the_ways_out_are_named(tmp_path: Path) -> None:
    with pytest.raises(ServerNotFoundError, match=r"--zeroconf.*--stt-uri.*--pipeline home-assistant"):
        await found(Network(), tmp_path / "servers.json")


@pytest.mark.parametrize("content", ["no json", "[1]", '{"stt": 5}'])
async def test_a_damaged_file_costs_the_preference_and_nothing_else(tmp_path: Path, content: str) -> None:
    file = tmp_path / "servers.json"
    file.write_text(content)
    assert await found(Network(OURS), file) == OURS.uri
    assert await found(Network(STRANGER, OURS), file) == OURS.uri


async def test_a_folder_that_cannot_be_written_costs_the_memory_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    assert await found(Network(OURS), tmp_path / "file" / "servers.json") == OURS.uri
    assert [record for record in caplog.records if "cannot keep which server is used" in record.getMessage()]
