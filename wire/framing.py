"""Wyoming frames read with bounds.

A frame is a JSON header line, then `data_length` bytes of JSON, then `payload_length` bytes (Wyoming 1.10). The
reader of the `wyoming` package accepts any size and turns a bad frame into an end of stream; a listening socket needs
a cap for each part, a deadline for a frame once it has begun, and an error that says what was wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from wyoming.event import Event
from wyoming.event import write_event as wyoming_write_event

from interject.wire.errors import FrameMalformedError, FrameTimeoutError, FrameTooLargeError, FrameTruncatedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """Caps of one frame, in bytes, and how long a frame that has begun may take.

    json_items: what may separate or open something in one part of JSON; it is what makes parsing slow. json_depth: how
    many objects and lists may lie in one another.
    """

    # Older clients put the data inline in the header: an info with hundreds of voices is some 300 kB.
    header_bytes: int = 1 << 20
    data_bytes: int = 4 << 20
    # 4 MiB is 95 s of 22,050 Hz speech; senders use chunks of some 2 kB.
    payload_bytes: int = 4 << 20
    # A frame of ordinary size takes milliseconds; a slow link may need seconds for the largest.
    frame_timeout_s: float = 10.0
    # Such an info has some 20,000.
    json_items: int = 100_000
    # Such an info has six. What only just fits on the stack that reads it would not fit on one that sends it on.
    json_depth: int = 64


DEFAULT_LIMITS = FrameLimits()
# Data of this size take less time to parse than reading and writing an event takes.
_QUICK_BYTES = 1 << 12
# Frames of ordinary size wait for nobody: a chunk of a second of speech is 44 kB.
_SMALL_BYTES = 1 << 16


class ByteBudget:
    """Bounds the bytes of large frames that are being received, or held, at the same time."""

    def __init__(self, size: int) -> None:
        """`size` must be as much as the largest frame has, or more."""
        self._left = size
        self._freed = asyncio.Event()

    @contextmanager
    def holding(self, source: asyncio.Transport | None = None) -> Iterator[Holding]:
        """Give something that holds bytes until the context ends; `source` is where they come from, if it can pause."""
        held = Holding(self, source)
        try:
            yield held
        finally:
            self._left += held.size
            self._freed.set()

    def has(self, size: int) -> bool:
        """Tell whether there are so many bytes now."""
        return self._left >= size

    async def take(self, size: int) -> None:
        """Wait until there are so many bytes."""
        while not self.has(size):
            self._freed.clear()
            await self._freed.wait()
        self._left -= size


@dataclass(slots=True)
class Holding:
    """What one connection holds of a budget."""

    budget: ByteBudget
    source: asyncio.Transport | None = None
    size: int = 0

    async def take(self, size: int) -> None:
        """Hold the bytes of a frame, if they are many, as soon as there are as many; nothing is received until then."""
        if size <= _SMALL_BYTES:
            return
        if self.source is None or self.budget.has(size):
            await self.budget.take(size)
        else:
            # What the reader buffers of a frame nobody has room for is memory too, and many connections may wait.
            self.source.pause_reading()
            try:
                await self.budget.take(size)
            finally:
                self.source.resume_reading()
        self.size += size


class Turns(Protocol):
    """Tells when JSON may be parsed; a seam, for services that have other things to do."""

    async def turn(self, size: int) -> None:
        """Wait for a turn in which so many bytes are parsed."""


async def read_event(
    reader: asyncio.StreamReader,
    limits: FrameLimits = DEFAULT_LIMITS,
    held: Holding | None = None,
    turns: Turns | None = None,
) -> Event | None:
    """Read one event; None when the peer closed its end between two frames.

    `reader` must have been made with `limit=limits.header_bytes`. Waiting for a frame to begin has no deadline; held:
    where the bytes of a frame are counted before they are read. To wait for that, and for `turns`, is a part of the
    frame's time.
    A cancelled call may have taken a part of a frame: read no more from that connection.
    Raises FrameTooLargeError, FrameMalformedError, FrameTruncatedError, FrameTimeoutError; OSError as it comes.
    """
    first = await reader.read(1)
    if not first:
        return None
    try:
        async with asyncio.timeout(limits.frame_timeout_s) as deadline:
            return await _read_rest(first, reader, limits, held, turns)
    except TimeoutError:
        # The operating system's own timeout (ETIMEDOUT) is a broken connection, not a slow peer.
        if not deadline.expired():
            raise
        # It would be there as long as the connection is, and what was held for it goes to another one before that.
        await _drop_received(reader, limits.data_bytes + limits.payload_bytes)
        raise FrameTimeoutError(limits.frame_timeout_s) from None


async def _drop_received(reader: asyncio.StreamReader, size: int) -> None:
    """Throw away what was received and not read, at most so many bytes; waits for nothing."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await reader.read(size)


async def write_event(event: Event, writer: asyncio.StreamWriter) -> None:
    """Write one event and wait until the transport accepts more; what cannot be sent is as `encoded` says."""
    await write_frame(encoded(event), writer)


async def write_frame(frame: bytes, writer: asyncio.StreamWriter) -> None:
    """Write a frame in one piece, which is one system call, and wait until the transport accepts more."""
    writer.write(frame)
    await writer.drain()


def encoded(event: Event) -> bytes:
    """Return an event as a frame; half a surrogate pair, which JSON can carry and UTF-8 cannot, is a question mark."""
    frame = io.BytesIO()
    try:
        wyoming_write_event(event, frame)
    except UnicodeEncodeError:
        # wyoming encodes all text before it writes the first byte.
        wyoming_write_event(Event(_encodable(event.type), _encodable(event.data), event.payload), frame)
    return frame.getvalue()


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


async def _read_rest(
    first: bytes, reader: asyncio.StreamReader, limits: FrameLimits, held: Holding | None, turns: Turns | None
) -> Event:
    line = first
    if first != b"\n":
        try:
            line += await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise FrameTooLargeError("header", None, limits.header_bytes) from None
        except asyncio.IncompleteReadError:
            raise FrameTruncatedError("header") from None
    if turns is not None:
        await turns.turn(len(line))
    header = _parse_object(line, "header", limits)
    event_type = header.get("type")
    if not isinstance(event_type, str) or not event_type:
        raise FrameMalformedError("header", "it has no type")
    data = header.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise FrameMalformedError("header", f"data is a {type(data).__name__}, not an object")
    data_length = _length(header, "data_length", "data", limits.data_bytes)
    payload_length = _length(header, "payload_length", "payload", limits.payload_bytes)
    if held is not None:
        await held.take(data_length + payload_length)
    if data_length:
        more = await _exactly(reader, data_length, "data")
        if turns is not None and data_length > _QUICK_BYTES:
            await turns.turn(data_length)
        data = {**data, **_parse_object(more, "data", limits)}
    payload = await _exactly(reader, payload_length, "payload") if payload_length else None
    return Event(type=event_type, data=data, payload=payload)


async def _exactly(reader: asyncio.StreamReader, size: int, part: str) -> bytes:
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        raise FrameTruncatedError(part) from None


def _parse_object(raw: bytes, part: str, limits: FrameLimits) -> dict[str, Any]:
    # Counting takes a tenth of the time that parsing takes.
    opened = raw.count(b"[") + raw.count(b"{")
    if len(raw) > limits.json_items and (items := raw.count(b",") + opened) > limits.json_items:
        raise FrameMalformedError(part, f"it has {items} items, the limit is {limits.json_items}")
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FrameMalformedError(part, f"no JSON ({error})") from None
    if not isinstance(parsed, dict):
        raise FrameMalformedError(part, f"a JSON {type(parsed).__name__}, not an object")
    if opened > limits.json_depth and _is_deeper(parsed, limits.json_depth):
        raise FrameMalformedError(part, f"it is nested deeper than {limits.json_depth}")
    return parsed


def _is_deeper(outer: dict[str, Any], most: int) -> bool:
    # The parser makes these two types and no subclasses; to ask isinstance takes twice as long.
    level: list[Any] = [outer]
    for _ in range(most):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _length(header: Mapping[str, Any], key: str, part: str, limit: int) -> int:
    value = header.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FrameMalformedError("header", f"{key} is {value!r}, not a count of bytes")
    if value > limit:
        raise FrameTooLargeError(part, value, limit)
    return value
