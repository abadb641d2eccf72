"""What can go wrong with a hook."""

from __future__ import annotations

from interject.wire.errors import InterjectError


class HookFailedError(InterjectError):
    """The program of a hook could not be run, or did not do what it should."""

    def __init__(self, flag: str, program: str, reason: str) -> None:
        super().__init__(f"{flag}: {program} {reason}; run it by hand to see why")
        self.flag = flag
        self.program = program
        self.reason = reason
