"""An utterance ends when its client says so, and also when its client says nothing at all any more."""

from __future__ import annotations

import asyncio

import pytest

from interject.servers.stt.errors import NoAudioError
from interject.servers.stt.handler import Utterance
from tools.testing.virtual_clock import elapse, run_virtual


def test_an_utterance_that_was_only_begun_is_given_up() -> None:
    async def scene() -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(NoAudioError, match="no audio came for 30 s"):
            await Utterance(limit_s=120).take()
        assert asyncio.get_running_loop().time() - began == pytest.approx(30)

    run_virtual(scene())


def test_one_whose_audio_comes_slowly_is_not() -> None:
    async def scene() -> None:
        utterance = Utterance(limit_s=120)
        for _ in range(5):
            taking = asyncio.create_task(utterance.take())
            await elapse(20)
            utterance.add(b"\0\0")
            assert await taking == (b"\0\0", False)
        taking = asyncio.create_task(utterance.take())
        await elapse(20)
        utterance.end()
        assert await taking == (b"", True)

    run_virtual(scene())
