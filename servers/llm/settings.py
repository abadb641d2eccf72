"""The settings of the LLM bridge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from interject.servers.common import WHERE_TO_LISTEN, ServerSettings
from interject.wire.errors import SettingError
from interject.wire.settings import option
from interject.wire.xdg import our_data

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where the openai SDK sends requests when nothing else is said.
OPENAI_BASE_URL = "https://api.openai.com/v1"


class LlmEngine(Enum):
    """What writes the replies."""

    OFFLINE = "offline"
    OPENAI = "openai"


def default_store(environ: Mapping[str, str]) -> Path:
    """Return where conversations are kept: in the user's data directory."""
    return our_data(environ) / "conversations.sqlite3"


@dataclass(frozen=True)
class ReplySettings:
    """What every engine has that writes replies, and how conversations are kept."""

    GROUP: ClassVar[str] = "Replies"
    TABLE: ClassVar[str] = "replies"
    FIRST: ClassVar[tuple[str, ...]] = ("uri",)

    uri: str = option("tcp://127.0.0.1:10800", WHERE_TO_LISTEN)
    backend: LlmEngine | None = option(
        None,
        "what writes the replies (default: openai with --base-url, --model or another setting of its own, else the "
        "built-in offline responder)",
    )
    store: Path | None = option(
        None,
        "file that keeps the conversations, SQLite (default: interject/conversations.sqlite3 in XDG_DATA_HOME or "
        "~/.local/share)",
    )
    history_messages: int = option(
        20, "how many of a conversation's last messages the model is sent", minimum=1, maximum=200
    )
    history_idle_minutes: float = option(
        5.0,
        "silence after which a conversation begins anew, in minutes; as long as in Home Assistant",
        minimum=0.1,
        maximum=527_040,
    )
    history_hours: float = option(24.0, "how long what was said is kept, in hours", minimum=0.01, maximum=8784)
    max_requests: int = option(32, "how many replies may be generated at the same time", minimum=1, maximum=1000)


@dataclass(frozen=True)
class OpenAiSettings:
    """What a chat API as OpenAI's alone has."""

    GROUP: ClassVar[str] = "Replies by a chat API"
    TABLE: ClassVar[str] = LlmEngine.OPENAI.value
    FIRST: ClassVar[tuple[str, ...]] = ("base_url", "model", "api_key_file", "system_prompt")
    ENGINE: ClassVar[LlmEngine] = LlmEngine.OPENAI

    base_url: str | None = option(
        None, f"URL of an OpenAI-compatible chat API, up to and with its /v1 (default: {OPENAI_BASE_URL})"
    )
    model: str | None = option(None, "name of the model (default: the first one that --base-url lists)")
    api_key: str | None = option(None, "key for the chat API", secret=True)
    api_key_file: Path | None = option(
        None, "file that holds the key for the chat API; it may also be in INTERJECT_LLM_API_KEY or OPENAI_API_KEY"
    )
    system_prompt: str | None = option(None, "what the model is told beforehand, in place of the built-in text")
    system_prompt_file: Path | None = option(None, "file with what the model is told beforehand")
    temperature: float | None = option(None, "how freely the model chooses its words", minimum=0, maximum=2)
    max_tokens: int | None = option(None, "longest reply, in the model's tokens", minimum=1)
    request_timeout_s: float = option(
        30.0, "longest wait for the first word, and between two words, in seconds", minimum=0.1, maximum=600
    )


@dataclass(frozen=True)
class OfflineSettings:
    """What the built-in responder alone has."""

    GROUP: ClassVar[str] = "Replies by the built-in responder"
    TABLE: ClassVar[str] = LlmEngine.OFFLINE.value
    ENGINE: ClassVar[LlmEngine] = LlmEngine.OFFLINE

    offline_words_per_second: float = option(
        12.0, "how fast it writes, so that it can be interrupted", minimum=0.5, maximum=10_000
    )
    offline_think_ms: float = option(0.0, "how long it waits before its first word, in ms", minimum=0, maximum=60_000)


# The fields of the last base class come first.
@dataclass(frozen=True)
class LlmSettings(OfflineSettings, OpenAiSettings, ReplySettings, ServerSettings):
    """Where to listen, what writes the replies, and how conversations are kept."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and where it comes from, so that an error can name the place and never the key."""

    value: str | None
    source: str

    def __repr__(self) -> str:
        return f"ApiKey(source={self.source!r})"


def find_api_key(settings: LlmSettings, environ: Mapping[str, str]) -> ApiKey:
    """Return the key: the file's, else INTERJECT_LLM_API_KEY's, else OPENAI_API_KEY's; blocking.

    Raises SettingError.
    """
    if settings.api_key_file is not None:
        key = read_text_file("--api-key-file", settings.api_key_file)
        return ApiKey(key, f"the file {settings.api_key_file}")
    if settings.api_key:
        return ApiKey(settings.api_key, "INTERJECT_LLM_API_KEY or api-key in the configuration file")
    if key := environ.get("OPENAI_API_KEY", "").strip():
        return ApiKey(key, "OPENAI_API_KEY")
    return ApiKey(None, "nowhere, as none is set in OPENAI_API_KEY, INTERJECT_LLM_API_KEY or --api-key-file")


def read_text_file(flag: str, path: Path) -> str:
    """Return a file's text without the white space around it; blocking. Raises SettingError."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(f"{flag} {path}", f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingError(f"{flag} {path}", "is not text in UTF-8") from None
    if not text:
        raise SettingError(f"{flag} {path}", "is empty")
    return text
