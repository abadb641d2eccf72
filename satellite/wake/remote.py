"""Words that a Wyoming wake word service listens for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk, AudioStart
from wyoming.wake import Detect, Detection

from interject.satellite.wake.base import RATE_HZ, Role, WakeWord, WordModel, phrase_of
from interject.satellite.wake.engine import Refractory
from interject.wire.errors import PeerGoneError, PeerSilentError, WireError
from interject.wire.outage import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.event import Event
    from wyoming.info import Info

    from interject.satellite.audio.base import Samples
    from interject.satellite.transports.direct.server import Server
    from interject.wire.client import Connection

_LOGGER = logging.getLogger(__name__)

_WIDTH = 2
_CHANNELS = 1
_SAMPLES_PER_MS = RATE_HZ // 1000
# What was said while the service was away for longer is of no interest any more.
_WAITING_S = 1.0
# A service that takes no audio for so long hears nothing, and is left for a new connection.
_SEND_TIMEOUT_S = 5.0
# A service that is being restarted is soon back; one that is gone costs a connection every ten seconds.
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 10.0
# A connection that held for so long was a good one: after it the pauses begin anew.
_GOOD_AFTER_S = 10.0
# How long after the end of its word a service hears it. Nobody knows what engine runs there; openWakeWord is the
# slowest of the usual ones (open_ww.USUAL_END_LAG_S).
END_LAG_S = 0.40
# A timestamp further back than this counts something else than the audio that the service was sent.
_CREDIBLE_S = 5.0


class RemoteWake:
    """Streams to a service, reconnecting when it is gone; a WakeDetector.

    words: those to listen for. With no wake word among them the service chooses, and what it chooses are wake words;
    else what it was not asked for is no word: some services tell of all that they know.
    """

    def __init__(self, server: Server, words: tuple[WordModel, ...], refractory_s: float) -> None:
        self._server = server
        self._words = words
        self._refractory_samples = round(refractory_s * RATE_HZ)
        self._refractory: dict[str, Refractory] = {}
        self._waiting: deque[tuple[Samples, int]] = deque()
        self._waiting_samples = 0
        self._arrived = asyncio.Event()
        self._end = 0
        self._warned = False

    @property
    def words(self) -> tuple[WordModel, ...]:
        """What is listened for; the phrases are the service's, once it has told them."""
        return self._words

    async def run(self, heard: Callable[[WakeWord], None]) -> None:
        """Work until cancelled; calls `heard` on the event loop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._server.watch(), name="watch wake")
            tasks.create_task(self._stay_connected(heard), name="wake words")

    def push(self, samples: Samples, end_index: int) -> None:
        """Take the next 16 kHz samples; `end_index` is one past the last."""
        self._end = end_index
        self._waiting.append((samples, end_index))
        self._waiting_samples += len(samples)
        while self._waiting_samples > _WAITING_S * RATE_HZ:
            dropped, _ = self._waiting.popleft()
            self._waiting_samples -= len(dropped)
        self._arrived.set()

    async def _stay_connected(self, heard: Callable[[WakeWord], None]) -> None:
        clock = asyncio.get_running_loop().time
        backoff = Backoff(_FIRST_RETRY_S, _LAST_RETRY_S)
        while True:
            began_s = clock()
            try:
                await self._listen(heard)
            except WireError as error:
                self._server.note_failure(error)
            if clock() - began_s > _GOOD_AFTER_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def _listen(self, heard: Callable[[WakeWord], None]) -> None:
        self._learn(await self._server.info())
        connection = await self._server.connect()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(connection), name="wake audio")
                tasks.create_task(self._receive(connection, heard), name="wake detections")
        except BaseExceptionGroup as group:
            # Not `except*`: before Python 3.11.4 what is raised in there comes out as a group again.
            failures, others = group.split(WireError)
            if failures is None or others is not None:
                raise
            # Both directions fail together; either tells what happened.
            raise failures.exceptions[0] from None
        finally:
            await connection.close()

    def _learn(self, info: Info) -> None:
        models = [model for program in info.wake for model in program.models]
        phrases = {_key(model.name): model.phrase for model in models}
        missing = [word.name for word in self._words if models and _key(word.name) not in phrases]
        if missing and not self._warned:
            self._warned = True
            known = ", ".join(model.name for model in models)
            _LOGGER.warning("the wake word service has no %s; it has: %s", ", ".join(missing), known)
        self._words = tuple(replace(word, phrase=phrases.get(_key(word.name)) or word.phrase) for word in self._words)

    async def _send(self, connection: Connection) -> None:
        names = [word.name for word in self._words] if self._asks() else None
        await connection.send(Detect(names=names).event())
        await connection.send(AudioStart(rate=RATE_HZ, width=_WIDTH, channels=_CHANNELS).event())
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                samples, end_index = self._waiting.popleft()
                self._waiting_samples -= len(samples)
                await self._send_chunk(connection, samples, end_index)

    async def _send_chunk(self, connection: Connection, samples: Samples, end_index: int) -> None:
        start_ms = (end_index - len(samples)) // _SAMPLES_PER_MS
        chunk = AudioChunk(RATE_HZ, _WIDTH, _CHANNELS, samples.astype("<i2").tobytes(), timestamp=start_ms)
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await connection.send(chunk.event())
        except TimeoutError:
            raise PeerSilentError(connection.uri, "sign of taking audio", _SEND_TIMEOUT_S) from None

    async def _receive(self, connection: Connection, heard: Callable[[WakeWord], None]) -> None:
        while True:
            event = await connection.receive()
            if Detection.is_type(event.type):
                word = self._word(event, connection.uri)
                if word is not None:
                    heard(word)

    def _asks(self) -> bool:
        return any(word.role is Role.WAKE for word in self._words)

    def _word(self, event: Event, uri: str) -> WakeWord | None:
        name, timestamp_ms = _read(event, uri)
        word = self._model(name)
        if word is None:
            _LOGGER.debug("%s heard %s, which it was not asked for", uri, name)
            return None
        told_at = self._index(timestamp_ms)
        refractory = self._refractory.setdefault(word.name, Refractory(self._refractory_samples))
        if not refractory.allows(self._end if told_at is None else told_at):
            return None
        end_index = None if told_at is None else max(0, told_at - round(END_LAG_S * RATE_HZ))
        return WakeWord(word.name, word.phrase, word.role, end_index, word.pipeline)

    def _model(self, name: str | None) -> WordModel | None:
        if name is None and self._asks():
            # A service that does not say what it heard has one word only.
            return next(word for word in self._words if word.role is Role.WAKE)
        name = name or ""
        asked = next((word for word in self._words if _key(word.name) == _key(name)), None)
        return asked if asked is not None or self._asks() else WordModel(name, phrase_of(name), Role.WAKE)

    def _index(self, timestamp_ms: int | None) -> int | None:
        if timestamp_ms is None:
            return None
        index = timestamp_ms * _SAMPLES_PER_MS
        return index if self._end - _CREDIBLE_S * RATE_HZ <= index <= self._end else None


def _key(name: str) -> str:
    # Asked for hey_jarvis, openWakeWord's service tells of hey_jarvis_v0.1.
    return phrase_of(name).lower()


def _read(event: Event, uri: str) -> tuple[str | None, int | None]:
    name, timestamp = event.data.get("name"), event.data.get("timestamp")
    if not isinstance(name, str | None) or not isinstance(timestamp, int | float | None):
        raise PeerGoneError(uri, f"it sent garbage: a detection of {name!r} at {timestamp!r}")
    return name, None if timestamp is None else round(timestamp)
