"""What can go wrong in cancelling."""

from __future__ import annotations

from interject.satellite.frontend.errors import HearingError


class CancellerMissingError(HearingError):
    """The package of an optional canceller is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"the echo canceller of {package} is not installed; install it with: pip install {package}")
        self.package = package
