"""A health check is passed by a service of the right kind that has something to work with, and by nothing else."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from wyoming.info import AsrModel, AsrProgram, Attribution, HandleModel, HandleProgram, Info, Satellite

from interject.wire.discovery import ServiceKind
from interject.wire.errors import PeerUnreachableError
from interject.wire.health import CannotWorkError, NotOfThisKindError, ask_health, report_health
from interject.wire.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_NOBODY = Attribution(name="", url="")


def recogniser(*, installed: bool) -> Info:
    model = AsrModel("small", _NOBODY, installed=installed, description=None, version=None, languages=["en"])
    program = AsrProgram("whisper", _NOBODY, installed=True, description=None, version=None, models=[model])
    return Info(asr=[program])


def bridge() -> Info:
    model = HandleModel("rules", _NOBODY, installed=True, description=None, version=None, languages=["en"])
    program = HandleProgram("bridge", _NOBODY, installed=True, description=None, version=None, models=[model])
    return Info(handle=[program])


def satellite() -> Info:
    return Info(satellite=Satellite("kitchen", _NOBODY, installed=True, description=None, version=None))


@contextlib.asynccontextmanager
async def serving(info: Info, uri: str = "tcp://127.0.0.1:0") -> AsyncIterator[str]:
    class Silent:
        async def handle(self, event: object) -> None:
            pass

    service = Service(uri, lambda: info, lambda _: Silent())
    listening = await service.start()
    try:
        yield listening
    finally:
        await service.stop()


@pytest.mark.parametrize(
    ("info", "kind", "name"),
    [
        (recogniser(installed=True), ServiceKind.STT, "whisper"),
        (bridge(), ServiceKind.LLM, "bridge"),
        (satellite(), ServiceKind.SATELLITE, "kitchen"),
    ],
)
async def test_a_service_of_the_right_kind_is_healthy(info: Info, kind: ServiceKind, name: str) -> None:
    async with serving(info) as uri:
        assert await ask_health(uri, kind) == name


async def test_one_that_listens_at_all_addresses_is_asked_at_loopback() -> None:
    async with serving(bridge(), "tcp://0.0.0.0:0") as uri:
        assert uri.startswith("tcp://0.0.0.0:")
        assert await ask_health(uri, ServiceKind.LLM) == "bridge"


async def test_another_service_at_the_address_is_not_it() -> None:
    async with serving(bridge()) as uri:
        with pytest.raises(NotOfThisKindError, match="offers llm, not tts"):
            await ask_health(uri, ServiceKind.TTS)


async def test_a_service_whose_model_cannot_be_had_is_not_healthy() -> None:
    async with serving(recogniser(installed=False)) as uri:
        with pytest.raises(CannotWorkError, match="small"):
            await ask_health(uri, ServiceKind.STT)


async def test_where_nobody_listens_nobody_is_healthy() -> None:
    async with serving(bridge()) as uri:
        pass
    with pytest.raises(PeerUnreachableError):
        await ask_health(uri, ServiceKind.LLM)


def test_what_is_wrong_is_a_line_and_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_health("udp://127.0.0.1:1", ServiceKind.LLM) == 1
    told = capsys.readouterr().out
    assert told.startswith("not healthy: 'udp://127.0.0.1:1'")
    assert told.count("\n") == 1
