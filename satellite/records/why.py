"""`interject-satellite why`: the last decisions of a satellite in words, and upon which evidence it took them.

They are kept for a day in the state folder, readable by their owner alone: the words that were said, and no audio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interject.satellite.control.place import plain_name
from interject.satellite.records.conversation import Decided, PlaybackResumed, ReplyInterrupted
from interject.satellite.records.device import DuplexModeChanged, EmptyInterruption
from interject.satellite.state_file import StateFile
from interject.wire.errors import InterjectError
from interject.wire.trace import line_of
from interject.wire.xdg import our_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from interject.wire.trace import Record

KEPT = 50
# As long as the bridge keeps a conversation, unless it is told otherwise (--history-hours); looked after so often.
KEPT_S = 24 * 3600.0
_TIDIED_EVERY_S = 600.0
_KEY = "decisions"
_PREFIX, _SUFFIX = "why-", ".json"
# As much of an utterance, or of what was heard of a reply, as tells which one it was.
_SHOWN_CHARACTERS = 120
# A decision and what is done about it are told one after the other.
_SAME_MOMENT_S = 0.5

_TAKEN = {
    "stop-word": "that is a stop phrase, so the reply was cut",
    "words": "those are words to answer, so the reply was cut",
    "length": "nobody murmurs for so long, so the reply was cut",
    "hold": 'so the reply waits, until "go on"',
    "go-on": "so the reply that waited went on",
    "say-again": "so its last sentence was said again",
}
_REFUSED = {
    "backchannel": 'that only means "I am listening", so the reply went on',
    "sound": "that is a sound and no word, so the reply went on",
    "no-words": "no words came of it, so the reply went on",
    "too-short": "that is too short for words, so the reply went on",
    "unsure": "the recogniser hardly believes it, so it did not count",
    "side-speech": "that was said too softly to be meant for the satellite, so the reply went on",
    "late-word": "that came after the reply had gone on, and one late word is not worth a second cut",
    "stop-words-only": "only stop words may interrupt here now, so the reply went on",
}
_CUT = {
    "wake-word": "the wake word was heard",
    "stop-word": "a stop word or the stop button said so, or it had waited for too long",
    "announcement": "something was announced",
    "text": "something was typed",
    "failed": "the rest of it could not be made",
}


class DecisionLog:
    """Keeps the last decisions of a satellite over a restart, for `why`."""

    def __init__(self, file: StateFile) -> None:
        self._file = file
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        self._is_writing = False

    @property
    def unwritten(self) -> bool:
        """Whether there is a decision that the file does not have yet."""
        return self._changed.is_set() or self._is_writing

    def emit(self, record: Record, _t: float | None = None, /) -> None:
        """Keep a record that tells of a decision."""
        if record.KIND not in _SENTENCES or not _tells(record):
            return
        now = time.time()
        last = self._kept[-1] if self._kept else {}
        if isinstance(record, ReplyInterrupted) and last.get("takes_floor") and now - last["at"] < _SAME_MOMENT_S:
            # The words that cut it are told already.
            return
        self._kept.append({"at": now, **line_of(record)})
        self._changed.set()

    async def run(self) -> None:
        """Write what is new to the file, until cancelled, and then what is left."""
        before = _decisions(await self._file.read())
        self._kept = deque([*before, *self._kept], maxlen=KEPT)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_TIDIED_EVERY_S):
                        await self._changed.wait()
                if self._changed.is_set() or _is_old(next(iter(self._kept), None)):
                    await self._write()
        finally:
            if self._changed.is_set():
                await self._write()

    async def _write(self) -> None:
        self._changed.clear()
        while self._kept and _is_old(self._kept[0]):
            self._kept.popleft()
        self._is_writing = True
        try:
            await self._file.put(_KEY, list(self._kept))
        finally:
            self._is_writing = False


class NoDecisionsError(InterjectError):
    """No satellite of this machine has decided anything yet."""

    def __init__(self, folder: Path, name: str | None) -> None:
        whose = "no satellite" if name is None else f"no satellite called {name!r}"
        super().__init__(
            f"{whose} has kept a decision in {folder}; run this as the user who runs the satellite, and --name says "
            "which one is meant"
        )
        self.folder = folder


def decisions_file(folder: Path, name: str) -> StateFile:
    """Return where a satellite's decisions are kept."""
    return StateFile(folder / f"{_PREFIX}{plain_name(name)}{_SUFFIX}", "why replies were cut, and why they were not")


def run_why(argv: Sequence[str]) -> int:
    """Print the last decisions, the newest last, and return the exit status; raises NoDecisionsError."""
    parser = argparse.ArgumentParser(
        prog="interject-satellite why",
        description=f"Say in words what the satellite decided the last {KEPT} times that somebody spoke into a reply, "
        "and upon which evidence.",
    )
    parser.add_argument("--name", help="of the satellite, where several run here (default: the one that decided last)")
    wanted = parser.parse_args(list(argv))
    folder = our_state(os.environ)
    files = sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}"), key=lambda file: file.stat().st_mtime)
    if wanted.name is not None:
        files = [file for file in files if file.name == f"{_PREFIX}{plain_name(wanted.name)}{_SUFFIX}"]
    decisions = _decisions(asyncio.run(StateFile(files[-1], "why").read())) if files else []
    if not decisions:
        raise NoDecisionsError(folder, wanted.name)
    sys.stdout.write("".join(f"{sentence_of(decision)}\n" for decision in decisions))
    return 0


def sentence_of(decision: Mapping[str, Any]) -> str:
    """Put a decision, as the file has it, in words."""
    when = datetime.fromtimestamp(decision["at"]).astimezone()
    return f"{when:%Y-%m-%d %H:%M:%S}  {_SENTENCES[decision['type']](decision)}"


def _decisions(kept: Mapping[str, object]) -> list[dict[str, Any]]:
    found = kept.get(_KEY)
    if not isinstance(found, list):
        return []
    return [each for each in found if _is_readable(each) and not _is_old(each)]


def _is_readable(decision: object) -> bool:
    """Tell whether it is a decision as this version writes them."""
    try:
        return isinstance(decision, dict) and bool(sentence_of(decision))
    except (KeyError, TypeError, ValueError):
        return False


def _is_old(decision: Mapping[str, Any] | None) -> bool:
    return decision is not None and time.time() - decision["at"] > KEPT_S


def _tells(record: Record) -> bool:
    """Tell whether a record is about a decision that no other one tells of."""
    if isinstance(record, ReplyInterrupted):
        return record.reason in _CUT
    # With words, the decision about them says it.
    return not (isinstance(record, PlaybackResumed) and record.text)


def _said(decision: Mapping[str, Any]) -> str:
    text = decision["text"][:_SHOWN_CHARACTERS]
    evidence = [f"{decision['speech_ms']:.0f} ms of voice"]
    if decision["confidence"] is not None:
        evidence.append(f"confidence {decision['confidence']:.2f}")
    if decision["softer_db"] is not None and decision["softer_db"] > 0:
        evidence.append(f"{decision['softer_db']:.0f} dB softer than usual")
    verdict = _TAKEN.get(decision["rule"]) or _REFUSED.get(decision["rule"], decision["rule"])
    said = f'somebody said "{text}"' if text else "somebody made a sound"
    return f"{said} ({', '.join(evidence)}): {verdict} [{decision['rule']}]"


def _cut(decision: Mapping[str, Any]) -> str:
    heard = decision["heard"][-_SHOWN_CHARACTERS:]
    reason = decision["reason"]
    return f'the reply was cut, because {_CUT[reason]}; heard so far: "{heard}" [{reason}]'


def _went_on(decision: Mapping[str, Any]) -> str:
    return (
        f"the reply paused for {decision['speech_ms']:.0f} ms of voice, and went on "
        f"{decision['rewound_ms']:.0f} ms back: no words came [no-words]"
    )


def _changed_mode(decision: Mapping[str, Any]) -> str:
    why = f", because of {decision['reason']}" if decision["reason"] else ""
    echo = f" (echo {decision['echo_db']:.0f} dB)" if decision["echo_db"] is not None else ""
    return f"from now on a reply can be interrupted by {decision['barge_in']}{why}{echo} [duplex-mode]"


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    Decided.KIND: _said,
    ReplyInterrupted.KIND: _cut,
    PlaybackResumed.KIND: _went_on,
    DuplexModeChanged.KIND: _changed_mode,
    EmptyInterruption.KIND: lambda _: (
        "a voice cut the reply off and said nothing: it may have been the satellite's own [empty-interruption]"
    ),
}
