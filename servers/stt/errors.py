"""What can go wrong in the speech-to-text server."""

from __future__ import annotations

from interject.wire.errors import InterjectError, RequestError


class EngineMissingError(InterjectError):
    """The engine asked for is not installed here."""

    def __init__(self, engine: str, remedy: str) -> None:
        super().__init__(f"--engine {engine}: it is not installed here; {remedy}")
        self.engine = engine


class ModelError(RequestError):
    """The engine's model is not there to transcribe with, and why; each request gets this until it is."""

    def __init__(self, model: str, reason: str, remedy: str) -> None:
        super().__init__("model-unavailable", f"the model {model!r} {reason}; {remedy}")
        self.model = model
        self.reason = reason


class ModelUnusableError(ModelError):
    """The model will not be there however long one waits: what is wrong is its name, or on this machine."""


class DeviceError(InterjectError):
    """CUDA was asked for and cannot be had."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"--device cuda: {reason}; {remedy}, or give --device cpu")
        self.reason = reason


class BusyError(RequestError):
    """Too many utterances wait already."""

    def __init__(self, sessions: int, waiting: int) -> None:
        super().__init__(
            "busy",
            f"{sessions} utterances are being transcribed and {waiting} wait; try again, or start the server with "
            "more --max-sessions or --max-waiting",
        )
        self.sessions = sessions
        self.waiting = waiting


class AudioTooLongError(RequestError):
    """An utterance is over its cap."""

    def __init__(self, limit_s: float) -> None:
        super().__init__("audio-too-long", f"an utterance may last {limit_s:g} s (--max-audio-s); this one was dropped")
        self.limit_s = limit_s


class NoAudioError(RequestError):
    """An utterance was begun and no audio comes of it, nor its end."""

    def __init__(self, silent_s: float) -> None:
        super().__init__("no-audio", f"no audio came for {silent_s:g} s, nor audio-stop; the utterance was dropped")
        self.silent_s = silent_s


class AudioFormatError(RequestError):
    """Audio of a format that cannot be converted."""

    def __init__(self, field: str, value: object, accepted: str) -> None:
        super().__init__("bad-audio-format", f"{field} is {value!r}; give {accepted}")
        self.field = field
        self.value = value
