"""Errors of the satellite as a whole; devices and hearing have their own."""

from __future__ import annotations

from wire.errors import InterjectError, WireError


class ServerNotFoundError(WireError):
    """No URI was given for a server and none answered on the network."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"no {kind} server answered on this network; start one with --zeroconf, or name it with --{kind}-uri; "
            "where Home Assistant has the servers, give --pipeline home-assistant"
        )
        self.kind = kind


class NoKeyboardError(InterjectError):
    """Text mode has nothing to read from."""

    def __init__(self) -> None:
        super().__init__("--text: standard input is closed; start it from a terminal, or with a pipe or file as input")
