"""What can go wrong between a satellite and Home Assistant."""

from __future__ import annotations

from interject.wire.errors import InterjectError


class HomeAssistantError(InterjectError):
    """Home Assistant failed a turn; names the stage as it does."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"Home Assistant answered with an error ({code}): {text}")
        self.code = code
        self.text = text


class HomeAssistantSilentError(InterjectError):
    """Home Assistant did not do what comes next."""

    def __init__(self, waited_for: str, seconds: float) -> None:
        super().__init__(f"Home Assistant sent no {waited_for} within {seconds:g} s; its log may say why")
        self.waited_for = waited_for
        self.seconds = seconds


class HomeAssistantAwayError(InterjectError):
    """No Home Assistant is connected."""

    def __init__(self) -> None:
        super().__init__(
            "Home Assistant is not connected to this satellite; add it there (Settings, Devices & services), or wait"
            " until it is back"
        )


class NothingSaidError(InterjectError):
    """A question without audio: Home Assistant takes none from a satellite."""

    def __init__(self) -> None:
        super().__init__("Home Assistant takes no typed question from a satellite; use --pipeline direct to type")


class TooMuchSpeechError(InterjectError):
    """A reply is longer than what is kept of it."""

    def __init__(self, minutes: float) -> None:
        super().__init__(f"Home Assistant sent more than {minutes:g} minutes of speech; the rest is not played")
        self.minutes = minutes
