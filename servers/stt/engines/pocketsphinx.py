"""PocketSphinx: English, embedded (its wheel brings a model), quick on small machines, good at commands.

Two decoders hear the same audio: one with an open language model, one with a grammar of what is said at home.
Measured on 285 words of commands and sentences, with the silence around them that a satellite sends: a second pass with
the whole utterance's cepstral mean gained nothing that could be told from chance and cost 0.2 to 0.5 s at the end; the
flat second search gained nothing and cost 0.08 s. Without them the text is final 10 to 70 ms after the last sample.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from wyoming.info import AsrModel, AsrProgram, Attribution

from interject.servers.stt.agreement import Hypothesis
from interject.servers.stt.audio import BYTES_PER_S
from interject.servers.stt.engines.base import Recognition, Request, Transcription
from interject.servers.stt.engines.fifo_lock import FifoLock
from interject.servers.stt.engines.idle_pool import IdlePool, give_back_freed
from interject.servers.stt.engines.readings import Reading, choose, choose_so_far, confidence, figures
from interject.servers.stt.engines.sphinx_decoder import SphinxDecoder
from interject.servers.stt.errors import EngineMissingError
from interject.servers.stt.grammar import EXTRA_PRONUNCIATIONS, Phrases, extend, home_grammar, sort_phrases, words_of
from interject.servers.worker_thread import start_in_thread
from interject.wire.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from interject.servers.stt.settings import SttSettings

_LOGGER = logging.getLogger(__name__)

NAME = "pocketsphinx"
_LANGUAGE = "en"
# Cepstral mean to subtract, between those of our loud and quiet recordings. With the library's own, 40,3,-1, which is
# that of quiet ones, loud speech has 26 % word errors rather than 8 %; the quietest voices lose a few words by it.
_MEAN = "50,0,8,8"
# States that a search follows at a time. With the library's 30,000 a small machine falls behind its user where nothing
# fits well. Side by side on 459 s of people and rooms: 203 s of CPU time instead of 374, and 209 wrong words instead of
# 205 of the 410 that people said; only long sentences lost any.
_MAX_STATES = 3_000
# The library holds Python's lock while it decodes, so utterances take turns by short slices, and the event loop waits
# for one of them at most: 20 ms in both decoders take some 3 ms.
_SLICE_BYTES = BYTES_PER_S // 50
# Loading a decoder holds it for 0.1 to 0.3 s and cannot be cut up; so long the event loop has it to itself afterwards,
# or seven loads in a row, when many speak at once for the first time, would keep it from answering for seconds.
_LOAD_PAUSE_S = 0.03
# Extending the grammar by a thousand words holds it for 0.3 s; so much of the time at most, for lists that differ from
# one request to the next, that others are still heard in between.
_EXTENDING_SHARE = 0.2
# As many take 0.04 s: they need not wait for that.
_QUICK_WORDS = 300
# How often it is seen to what nobody needs any more.
_TIDY_S = 60.0
# Phrases that were logged as unknown; what comes after so many says nothing new.
_MOST_TOLD = 1000
# How far apart hypotheses lie; twice this is how long a word takes to be stable.
_HYPOTHESIS_BYTES = BYTES_PER_S // 10
# A pause inside a word, before a stop's release, is 50 to 120 ms.
_SETTLE_S = 0.15


class _Pair:
    """The two decoders, and which phrases the grammar has been extended by."""

    def __init__(self, library: Any) -> None:
        common = {"loglevel": "FATAL", "fwdflat": False, "cmninit": _MEAN, "maxhmmpf": _MAX_STATES}
        self.open = SphinxDecoder(library.Decoder(**common))
        time.sleep(_LOAD_PAUSE_S)
        # A lattice of the grammar's sentences holds nothing new, and searching it took up to a second.
        self.grammar = SphinxDecoder(library.Decoder(lm=None, bestpath=False, **common))
        for word, phones in EXTRA_PRONUNCIATIONS:
            self.grammar.add_word(word, phones)
        time.sleep(_LOAD_PAUSE_S)
        self.expected: tuple[str, ...] | None = None

    def expect(self, phrases: tuple[str, ...]) -> Phrases:
        """Extend the grammar by phrases; returns which it could not take."""
        sorted_phrases = sort_phrases(phrases, self.grammar.knows)
        self.grammar.use_grammar(extend(home_grammar(), sorted_phrases.known))
        self.expected = phrases
        return sorted_phrases


async def open_engine(_: SttSettings) -> PocketSphinxEngine:
    """Make the engine, which has no settings of its own."""
    return await asyncio.to_thread(PocketSphinxEngine)


class PocketSphinxEngine:
    """Transcribes with pairs of decoders, as many as there were utterances at a time lately (130 MB each)."""

    settle_s = _SETTLE_S

    def __init__(self) -> None:
        try:
            import pocketsphinx  # noqa: PLC0415 - no wheel for every Python
        except ImportError:
            raise EngineMissingError(
                NAME, "install the extra 'stt' with Python 3.13 or older, or give --engine faster-whisper"
            ) from None
        self._library = pocketsphinx
        self.decode_lock = FifoLock()
        self._lock = threading.Lock()
        self._pairs: IdlePool[_Pair] = IdlePool()
        self._extending = FifoLock()
        self._extends_at_s = 0.0
        self._has_garbage = False
        self._unpronounceable: set[str] = set()
        self._loading: Future[None] | None = None
        self._version = version("pocketsphinx")

    def info(self) -> AsrProgram:
        """Describe the engine and its model."""
        attribution = Attribution(name="Carnegie Mellon University", url="https://github.com/cmusphinx/pocketsphinx")
        return AsrProgram(
            name=NAME,
            description="PocketSphinx: an open language model, and a grammar of home commands",
            attribution=attribution,
            installed=True,
            version=self._version,
            models=[
                AsrModel(
                    name="en-us",
                    description="US English, in the package",
                    attribution=attribution,
                    installed=True,
                    version=self._version,
                    languages=[_LANGUAGE],
                )
            ],
            supports_transcript_streaming=True,
            requires_external_vad=True,
        )

    async def start(self) -> None:
        """Load the first pair in the background."""
        self._loading = start_in_thread(lambda: self._leave(self._make()), "decoder loader")

    async def ready(self) -> None:
        """Wait for the first pair; the model is in the package, so this takes no longer than 0.4 s."""
        if self._loading is not None:
            await asyncio.shield(asyncio.wrap_future(self._loading))

    async def keep(self) -> None:
        """Give back the memory of decoders that nobody needs any more; never returns."""
        while True:
            await asyncio.sleep(_TIDY_S)
            await asyncio.to_thread(self.tidy, time.monotonic())

    def tidy(self, now_s: float) -> None:
        """Drop the decoders that nobody has needed lately; one pair stays."""
        with self._lock:
            dropped = self._pairs.drop_unused(now_s)
            if not (dropped or self._has_garbage):
                return
            self._has_garbage = False
        give_back_freed()
        _LOGGER.debug("dropped %d pairs of decoders", dropped)

    def open(self, request: Request) -> Recognition:
        """Begin an utterance; raises RequestError for any language but English."""
        language = (request.language or _LANGUAGE).lower()
        if not (language == _LANGUAGE or language.startswith(("en-", "en_"))):
            raise RequestError(
                "unsupported-language",
                f"pocketsphinx knows no {request.language!r}, only en; start the server with --engine faster-whisper",
            )
        phrases = (*request.names, *request.terms)
        with self._lock:
            pair = self._pairs.take(lambda pair: pair.expected == phrases)
        pair = pair or self._make()
        if pair.expected != phrases:
            self._extend(pair, phrases)
        return _SphinxRecognition(self, pair)

    def _extend(self, pair: _Pair, phrases: tuple[str, ...]) -> None:
        if sum(len(words_of(phrase)) for phrase in phrases) <= _QUICK_WORDS:
            with self.decode_lock:
                unknown = pair.expect(phrases).unknown
        else:
            with self._extending:
                time.sleep(max(0.0, self._extends_at_s - time.monotonic()))
                with self.decode_lock:
                    began_s = time.monotonic()
                    unknown = pair.expect(phrases).unknown
                    ended_s = time.monotonic()
                self._extends_at_s = ended_s + (ended_s - began_s) * (1 / _EXTENDING_SHARE - 1)
                self._has_garbage = True
        self._tell(unknown)

    def _tell(self, unknown: Iterable[str]) -> None:
        """Log once for each phrase that cannot be expected."""
        with self._lock:
            fresh = [phrase for phrase in unknown if phrase not in self._unpronounceable]
            fresh = fresh[: _MOST_TOLD - len(self._unpronounceable)]
            self._unpronounceable.update(fresh)
        if fresh:
            _LOGGER.warning("not in the pronunciation dictionary, so not expected in commands: %s", ", ".join(fresh))

    def _make(self) -> _Pair:
        with self.decode_lock:
            return _Pair(self._library)

    def _leave(self, pair: _Pair) -> None:
        with self._lock:
            self._pairs.leave(pair, time.monotonic())

    def give_back(self, pair: _Pair) -> None:
        """Take a pair back for the next utterance."""
        with self.decode_lock:
            pair.open.end()
            pair.grammar.end()
        self._leave(pair)


class _SphinxRecognition:
    """One utterance in both decoders."""

    def __init__(self, engine: PocketSphinxEngine, pair: _Pair) -> None:
        self._engine = engine
        self._decode_lock = engine.decode_lock
        self._pair = pair
        self._aborted = threading.Event()
        self._bytes = 0
        self._since_hypothesis = 0
        with self._decode_lock:
            pair.open.begin()
            pair.grammar.begin()

    def hear(self, pcm: bytes) -> Hypothesis | None:
        """Take more audio."""
        for start in range(0, len(pcm), _SLICE_BYTES):
            if self._aborted.is_set():
                return None
            part = pcm[start : start + _SLICE_BYTES]
            with self._decode_lock:
                self._pair.open.feed(part)
                self._pair.grammar.feed(part)
        self._bytes += len(pcm)
        self._since_hypothesis += len(pcm)
        if self._since_hypothesis < _HYPOTHESIS_BYTES:
            return None
        self._since_hypothesis = 0
        with self._decode_lock:
            words = choose_so_far(_reading(self._pair.grammar), _reading(self._pair.open))
        return Hypothesis(words, self._bytes / BYTES_PER_S)

    def finish(self, rest: bytes = b"") -> Transcription:
        """Take the rest and return the best text."""
        self.hear(rest)
        with self._decode_lock:
            self._pair.open.end()
            self._pair.grammar.end()
            expected = _reading(self._pair.grammar)
            finished = self._pair.grammar.accepts(word.text for word in expected.words)
            readings = (expected if finished else None, _reading(self._pair.open))
            words, measured = choose(*readings), figures(*readings)
        return Transcription(" ".join(word.text for word in words), _LANGUAGE, confidence(measured), measured)

    def abort(self) -> None:
        """Stop within a slice."""
        self._aborted.set()

    def close(self) -> None:
        """Leave the decoders to the next utterance."""
        self._engine.give_back(self._pair)


def _reading(decoder: SphinxDecoder) -> Reading:
    return Reading(decoder.words(), decoder.phones())
