"""Errors of the satellite as a whole; devices and hearing have their own."""

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
