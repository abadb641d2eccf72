"""Settings that only one engine has choose it, and are never ignored in silence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

import pytest

from interject.wire.errors import SettingError
from interject.wire.settings import load, option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Engine(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class Shared:
    engine: Engine | None = option(None, "which one")
    language: str | None = option(None, "all have it")


@dataclass(frozen=True)
class Small:
    ENGINE: ClassVar[Engine] = Engine.SMALL

    rate: int = option(175, "words a minute")


@dataclass(frozen=True)
class Large:
    ENGINE: ClassVar[Engine] = Engine.LARGE

    model: str = option("auto", "its name")
    cuda: bool = option(False, "on a GPU")


@dataclass(frozen=True)
class Settings(Large, Small, Shared):
    pass


def loaded(*argv: str, environ: Mapping[str, str] | None = None) -> Settings:
    return load(Settings, prefix="stt", argv=argv, environ=environ or {}, description="tests")


def test_a_setting_chooses_its_engine() -> None:
    assert loaded("--model", "m").engine is Engine.LARGE
    assert loaded("--cuda").engine is Engine.LARGE
    assert loaded(environ={"INTERJECT_STT_RATE": "100"}).engine is Engine.SMALL
    assert loaded("--language", "de").engine is None
    assert loaded("--engine", "large", "--model", "m").engine is Engine.LARGE


def test_a_default_that_is_written_down_chooses_nothing() -> None:
    """As in a file for compose that lists every variable."""
    written = {"INTERJECT_STT_CUDA": "false", "INTERJECT_STT_MODEL": "auto"}
    assert loaded(environ=written).engine is None
    assert loaded("--engine", "small", environ=written).engine is Engine.SMALL


def test_a_flag_goes_before_what_weaker_sources_say_for_another_engine(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("[stt]\nmodel = 'm'\n")
    config = ("--config", str(tmp_path / "f.toml"))
    assert loaded(*config).engine is Engine.LARGE
    assert loaded(*config, "--engine", "small").engine is Engine.SMALL
    assert loaded(*config, "--rate", "100").engine is Engine.SMALL
    assert loaded(*config, environ={"INTERJECT_STT_RATE": "100"}).engine is Engine.SMALL


@pytest.mark.parametrize(
    ("argv", "environ", "told"),
    [
        (
            ("--engine", "small", "--model", "m"),
            {},
            "--model: it is for large, and --engine for small; .*--engine large",
        ),
        (("--model", "m"), {"INTERJECT_STT_ENGINE": "small"}, "--model: it is for large, and INTERJECT_STT_ENGINE for"),
        (("--rate", "9", "--cuda"), {}, "--cuda: it is for large, and --rate for small"),
        ((), {"INTERJECT_STT_ENGINE": "small", "INTERJECT_STT_CUDA": "1"}, "INTERJECT_STT_CUDA: it is for large"),
    ],
)
def test_settings_of_two_engines_are_an_error_that_names_both(
    argv: tuple[str, ...], environ: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingError, match=told):
        loaded(*argv, environ=environ)
