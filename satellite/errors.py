"""Errors of the satellite as a whole and of its frontend; devices have their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError, WireError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ServerNotFoundError(WireError):
    """No URI was given for a server and none answered on the network, or none of the name that was given."""

    def __init__(self, kind: str, wanted: str | None = None, answered: Sequence[str] = ()) -> None:
        if wanted is None:
            what = f"no {kind} server answered on this network"
        else:
            others = f"those that did are named {', '.join(answered)}" if answered else "nor did any other"
            what = f"no {kind} server named {wanted} answered on this network, {others}"
        super().__init__(
            f"{what}; start one with --zeroconf, or name it with --{kind}-uri; "
            "where Home Assistant has the servers, give --pipeline home-assistant"
        )
        self.kind = kind
        self.wanted = wanted
        self.answered = tuple(answered)


class NoKeyboardError(InterjectError):
    """Text mode has nothing to read from."""

    def __init__(self) -> None:
        super().__init__("--text: standard input is closed; start it from a terminal, or with a pipe or file as input")


class HearingError(InterjectError):
    """The microphone's signal cannot be processed."""


class VadModelError(HearingError):
    """The voice activity model is missing or cannot be loaded."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"the voice activity model {path} {reason}; it comes with wyoming-interject: install that again"
        )
        self.path = path
        self.reason = reason


class NoiseGainError(HearingError):
    """The noise suppressor gave back something else than it was given."""

    def __init__(self, given_bytes: int, got_bytes: int) -> None:
        super().__init__(
            f"webrtc-noise-gain returned {got_bytes} bytes for {given_bytes}; "
            "start with --mic-noise-suppression 0 --mic-auto-gain 0"
        )
        self.given_bytes = given_bytes
        self.got_bytes = got_bytes
