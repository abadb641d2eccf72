"""What can go wrong in hearing."""

from __future__ import annotations

from interject.wire.errors import InterjectError


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
