"""What servers send, checked before anything is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk

from interject.wire.errors import PeerGoneError

if TYPE_CHECKING:
    from wyoming.event import Event

# What speech comes in; anything else is garbage.
_WIDTHS = (1, 2, 4)
_CHANNELS = (1, 2)
_RATES_HZ = range(8_000, 192_001)


def text_of(event: Event, uri: str) -> str:
    """Return the text of an event that must have one; raises PeerGoneError."""
    text = event.data.get("text")
    if not isinstance(text, str):
        raise PeerGoneError(uri, f"its {event.type} is malformed: text is {text!r:.40}")
    return text


def optional_text_of(event: Event, uri: str) -> str:
    """Return the text of an event that may have none; raises PeerGoneError."""
    return "" if event.data.get("text") is None else text_of(event, uri)


def speech_of(event: Event, uri: str) -> AudioChunk:
    """Return an audio chunk of whole samples in a format that speech comes in; raises PeerGoneError."""
    try:
        chunk = AudioChunk.from_event(event)
    except (KeyError, TypeError) as error:
        raise PeerGoneError(uri, f"its {event.type} is malformed: {error!r}") from None
    # JSON's 2.0 equals 2, and no audio library takes it.
    whole = all(type(number) is int for number in (chunk.rate, chunk.width, chunk.channels))
    if not whole or chunk.width not in _WIDTHS or chunk.channels not in _CHANNELS or chunk.rate not in _RATES_HZ:
        raise PeerGoneError(uri, f"its audio has {chunk.rate} Hz, {chunk.width} bytes, {chunk.channels} channels")
    if len(chunk.audio) % (chunk.width * chunk.channels):
        raise PeerGoneError(uri, "an audio chunk ends inside a sample")
    return chunk
