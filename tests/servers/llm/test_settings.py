"""Settings: which engine, whose key, and mistakes told in one line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.engines import open_engine
from interject.servers.llm.service import make_info
from interject.servers.llm.settings import LlmEngine, LlmSettings, default_store, find_api_key
from interject.wire.errors import SettingError
from interject.wire.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "sk-very-secret"
LOCAL = "http://127.0.0.1:1/v1"


def settings(*argv: str, environ: Mapping[str, str] | None = None) -> LlmSettings:
    return load(LlmSettings, prefix="llm", argv=argv, environ=environ or {}, description="")


def test_the_backend_follows_from_the_other_settings() -> None:
    assert settings().backend is None
    for argv in (("--model", "m"), ("--base-url", LOCAL), ("--api-key-file", "/nowhere"), ("--temperature", "1")):
        assert settings(*argv).backend is LlmEngine.OPENAI
    with pytest.raises(SettingError, match="--base-url: it is for openai, and --backend for offline"):
        settings("--base-url", LOCAL, "--backend", "offline")


def test_where_the_key_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    both = {"INTERJECT_LLM_API_KEY": "ours", "OPENAI_API_KEY": "theirs"}
    assert find_api_key(settings(environ=both), both).value == "ours"
    assert find_api_key(settings("--api-key-file", str(file), environ=both), both).value == "from-file"
    theirs = {"OPENAI_API_KEY": "theirs"}
    assert find_api_key(settings(environ=theirs), theirs).value == "theirs"
    assert find_api_key(settings(), {}).value is None


def test_a_key_is_no_flag_and_never_shown() -> None:
    with pytest.raises(SettingError) as caught:
        settings("--api-key", KEY)
    assert KEY not in str(caught.value)
    environ = {"INTERJECT_LLM_API_KEY": KEY}
    assert KEY not in repr(find_api_key(settings(environ=environ), environ))
    assert KEY not in repr(settings(environ=environ))


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\x00"])
def test_a_bad_key_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingError, match="--api-key-file"):
        find_api_key(settings("--api-key-file", str(file)), {})


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (("--backend", "openai"), "--model"),
        (("--model", "m"), "OPENAI_API_KEY"),
        (("--api-key-file", "/nowhere"), "--model"),
        (("--system-prompt", "You are a pirate."), "--model"),
        (("--base-url", "localhost:1"), "--base-url"),
        (("--base-url", "http:"), "--base-url"),
        (("--base-url", LOCAL, "--system-prompt-file", "/nowhere"), "/nowhere"),
        (("--base-url", LOCAL, "--system-prompt-file", "/nowhere", "--system-prompt", "x"), "exclude each other"),
    ],
)
async def test_mistakes_name_the_setting(argv: tuple[str, ...], named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingError, match=named):
        await open_engine(await asyncio.to_thread(settings, *argv))


def test_the_store_is_in_the_users_data_directory() -> None:
    assert default_store({"XDG_DATA_HOME": "/data"}) == Path("/data/interject/conversations.sqlite3")
    home = Path.home() / ".local/share/interject/conversations.sqlite3"
    assert default_store({}) == default_store({"XDG_DATA_HOME": "not/absolute"}) == home


async def test_info_says_what_answers() -> None:
    (program,) = make_info((await open_engine(await asyncio.to_thread(settings))).info).handle
    assert "no language model" in (program.description or "")
    assert program.models[0].languages == ["en"]
    engine = await open_engine(await asyncio.to_thread(settings, "--base-url", LOCAL, "--model", "m"))
    (program,) = make_info(engine.info).handle
    await engine.close()
    assert program.models[0].name == "m"
    # A model takes any language, and every one has to be named: older Home Assistants offer no others.
    assert {"en", "de", "nb", "zh", "gsw"} <= set(program.models[0].languages)
    assert program.supports_handled_streaming
    assert not program.supports_home_control
