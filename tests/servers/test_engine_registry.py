"""All three servers choose their engine in the same way."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING

import pytest

from interject.servers.engine_registry import EngineEntry, EngineRegistry
from interject.servers.llm import engines as llm
from interject.servers.llm.settings import LlmEngine
from interject.servers.stt import engines as stt
from interject.servers.stt.settings import SttEngine
from interject.servers.tts import engines as tts
from interject.servers.tts.settings import TtsEngine
from interject.wire.extras import ExtraMissingError

if TYPE_CHECKING:
    from pathlib import Path


class Kind(Enum):
    ONLY = "only"


def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> EngineRegistry[str, str]:
    (tmp_path / "engine_of_a_test.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "engine_of_a_test", raising=False)
    return EngineRegistry({Kind.ONLY: EngineEntry("engine_of_a_test", "stt")})


def test_every_engine_that_can_be_chosen_is_registered() -> None:
    assert stt.ENGINES.names == set(SttEngine)
    assert llm.ENGINES.names == set(LlmEngine)
    assert tts.ENGINES.names == set(TtsEngine)


async def test_an_engine_is_made_with_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engines = registry(tmp_path, monkeypatch, "async def open_engine(settings):\n    return f'made of {settings}'\n")
    assert await engines.open(Kind.ONLY, "these") == "made of these"


async def test_a_package_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = registry(tmp_path, monkeypatch, "import no_such_package_at_all.deep\n")
    with pytest.raises(ExtraMissingError, match=r"no_such_package_at_all is missing.*wyoming-interject\[stt\]"):
        await engines.open(Kind.ONLY, "these")


async def test_a_module_of_ours_that_is_missing_is_no_missing_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = registry(tmp_path, monkeypatch, "import interject.no_such_module\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        await engines.open(Kind.ONLY, "these")
