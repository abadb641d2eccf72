"""Every error that this project raises on purpose; docs/architecture.md has them as a tree."""

from __future__ import annotations


class InterjectError(Exception):
    """Base of all errors raised on purpose; `str()` is a sentence for the person who runs the program."""

    @property
    def brief(self) -> str:
        """What of it helps somebody who needs no addresses and codes."""
        return str(self)

    def __reduce__(self) -> tuple[object, ...]:
        """Let another process have it as it is: by default it would be made anew, with its sentence as the data."""
        return _unchanged, (type(self), self.args, self.__dict__)


def _unchanged(kind: type[InterjectError], sentence: tuple[object, ...], data: dict[str, object]) -> InterjectError:
    error = kind.__new__(kind, *sentence)
    error.__dict__.update(data)
    return error


class WireError(InterjectError):
    """Something went wrong between two processes."""


class FrameError(WireError):
    """The peer sent bytes that are no acceptable Wyoming frame; its connection cannot go on.

    `code` is what the `error` event to the peer carries.
    """

    code = "bad-frame"


class FrameTooLargeError(FrameError):
    """A part of a frame is over its cap."""

    code = "frame-too-large"

    def __init__(self, part: str, size: int | None, limit: int) -> None:
        """`size` is None where the end of the part was never seen."""
        told = "more" if size is None else f"{size}"
        super().__init__(f"the frame's {part} has {told} bytes, the limit is {limit}")
        self.part = part
        self.size = size
        self.limit = limit


class FrameMalformedError(FrameError):
    """A frame does not parse."""

    code = "frame-malformed"

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"the frame's {part} is malformed: {reason}")
        self.part = part
        self.reason = reason


class FrameTruncatedError(FrameError):
    """The peer closed its end inside a frame."""

    code = "frame-truncated"

    def __init__(self, part: str) -> None:
        super().__init__(f"the connection ended inside a frame's {part}")
        self.part = part


class FrameTimeoutError(FrameError):
    """A frame was begun and not finished in time (a slow-loris peer)."""

    code = "frame-timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"a frame was begun and not finished within {seconds:g} s")
        self.seconds = seconds


class RequestError(WireError):
    """A request that cannot be served; the peer gets an `error` event, its connection stays open."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class PeerError(WireError):
    """The peer answered with an `error` event."""

    def __init__(self, uri: str, code: str | None, text: str) -> None:
        super().__init__(f"{uri} answered with an error{f' ({code})' if code else ''}: {text}")
        self.uri = uri
        self.code = code
        self.text = text

    @property
    def brief(self) -> str:
        """What the peer said."""
        return self.text


class PeerUnreachableError(WireError):
    """No connection could be made."""

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(f"cannot connect to {uri}: {reason}")
        self.uri = uri
        self.reason = reason


class PeerGoneError(WireError):
    """The peer closed the connection, or it broke, before it had answered."""

    def __init__(self, uri: str, reason: str = "the connection was closed") -> None:
        super().__init__(f"{uri}: {reason}")
        self.uri = uri
        self.reason = reason


class PeerSilentError(WireError):
    """The peer said nothing for longer than it may."""

    def __init__(self, uri: str, waited_for: str, seconds: float) -> None:
        super().__init__(f"{uri} sent no {waited_for} within {seconds:g} s")
        self.uri = uri
        self.waited_for = waited_for
        self.seconds = seconds


class BadUriError(InterjectError):
    """A URI that cannot be served or connected to."""

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(f"{uri!r}: {reason}; write tcp://HOST:PORT or unix:///PATH")
        self.uri = uri


class CannotListenError(InterjectError):
    """The address that a service should listen at is taken, forbidden or not this machine's."""

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(f"cannot listen at {uri}: {reason}; choose another address with --uri")
        self.uri = uri
        self.reason = reason


class SettingError(InterjectError):
    """A flag, an environment variable or a key of the configuration file is unknown or has a bad value."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason
