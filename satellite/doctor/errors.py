"""What can go wrong in a check-up."""

from __future__ import annotations

from wire.errors import InterjectError


class NotMeasuredError(InterjectError):
    """The check-up could not be carried through."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"nothing could be measured: {reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy
