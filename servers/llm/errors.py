"""What goes wrong in the LLM bridge."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from interject.wire.likeness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Fault(Enum):
    """What is wrong with a store, by what has to be done about it."""

    # What it holds cannot be read any more.
    DAMAGED = "damaged"
    # It may be used again when somebody makes room, ends another program, or mends the disk.
    OUTAGE = "outage"
    # The path is no place for a file.
    UNUSABLE = "unusable"


class StoreError(InterjectError):
    """The conversation store cannot be used; says which file and what to do."""

    fault = Fault.UNUSABLE

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"the conversation store {path} {reason}; {remedy}")
        self.path = path
        self.reason = reason


class StoreOutageError(StoreError):
    """The conversation store cannot be used now, for a reason that may pass: its disk is full, or it is locked."""

    fault = Fault.OUTAGE


class StoreDamagedError(StoreError):
    """What the conversation store holds cannot be read any more."""

    fault = Fault.DAMAGED

    def __init__(self, path: Path, reason: str) -> None:
        reason = " ".join(reason.split())
        super().__init__(path, f"is damaged ({reason})", "the server sets it aside when it uses it next")


class UnknownConversationError(InterjectError):
    """The store keeps no such conversation."""

    def __init__(self, conversation_id: str, path: Path, kept: Sequence[str]) -> None:
        meant = did_you_mean(conversation_id, kept, "satellite-") or "`interject-llm forget` lists those that it keeps"
        super().__init__(f"{path} keeps no conversation {conversation_id!r}; {meant}")
        self.conversation_id = conversation_id


class EngineError(InterjectError):
    """A reply could not be generated; `code` is what the `error` event to the client carries."""

    code = "generation-failed"


class UpstreamError(EngineError):
    """The language model's server did not do what was asked of it."""

    def __init__(self, base_url: str, what: str) -> None:
        super().__init__(f"the language model at {base_url} {what}")
        self.base_url = base_url


class UpstreamKeyError(UpstreamError):
    """The server does not accept the API key (401, 403)."""

    code = "upstream-key-refused"

    def __init__(self, base_url: str, status: int, key_source: str) -> None:
        super().__init__(base_url, f"refuses the API key ({status}); it was taken from {key_source}: correct it there")
        self.status = status
        self.key_source = key_source


class UpstreamBusyError(UpstreamError):
    """The server has no capacity for us now, or the quota is used up (429)."""

    code = "upstream-busy"

    def __init__(self, base_url: str, retry_after_s: float | None) -> None:
        when = "later" if retry_after_s is None else f"in {retry_after_s:g} s"
        super().__init__(base_url, f"takes no more requests now (429); try again {when}, or check the account's quota")
        self.retry_after_s = retry_after_s


class UpstreamStatusError(UpstreamError):
    """The server answered with an HTTP status that is neither success nor one of the above."""

    code = "upstream-error"

    def __init__(self, base_url: str, status: int, message: str) -> None:
        remedy = "its own log says why" if status >= 500 else "check --base-url and --model"  # noqa: PLR2004 - HTTP: server errors
        super().__init__(base_url, f"answered {status} ({message}); {remedy}")
        self.status = status


class UpstreamUnreachableError(UpstreamError):
    """No connection to the server could be made."""

    code = "upstream-unreachable"

    def __init__(self, base_url: str, reason: str) -> None:
        super().__init__(base_url, f"cannot be reached ({reason}); start it, or correct --base-url")
        self.reason = reason


class UpstreamTimeoutError(UpstreamError):
    """The server said nothing for longer than it may."""

    code = "upstream-timeout"

    def __init__(self, base_url: str, seconds: float) -> None:
        super().__init__(
            base_url, f"said nothing for {seconds:g} s; choose a faster model or raise --request-timeout-s"
        )
        self.seconds = seconds


class UpstreamBrokenError(UpstreamError):
    """The reply broke off in the middle, or is no chat completion."""

    code = "upstream-broken"

    def __init__(self, base_url: str, reason: str) -> None:
        super().__init__(base_url, f"broke off its reply ({reason}); its own log says why")
        self.reason = reason


class UpstreamEmptyError(UpstreamError):
    """The reply ended properly and holds no text."""

    code = "upstream-empty"

    def __init__(self, base_url: str, finish_reason: str) -> None:
        super().__init__(
            base_url,
            f"answered with no text (finish reason {finish_reason}); if --max-tokens is low, raise it",
        )
        self.finish_reason = finish_reason
