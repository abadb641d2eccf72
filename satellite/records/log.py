"""Which records stand in the log, and in which words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar, cast

from interject.satellite.duplex.monitor import log_duplex_mode
from interject.satellite.records import conversation as talk
from interject.satellite.records import device, home_assistant
from interject.wire.trace import Record

_LOGGER = logging.getLogger(__name__)

R = TypeVar("R", bound=Record)
_Sentence = Callable[[R], str]


def _as(record: type[R], sentence: _Sentence[R]) -> tuple[type[Record], _Sentence[Record]]:
    return record, cast("_Sentence[Record]", sentence)


_SENTENCES: dict[type[Record], _Sentence[Record]] = dict(
    (
        _as(talk.PhaseChanged, lambda it: f"{it.was} -> {it.phase}"),
        _as(talk.WordDetected, lambda it: f"heard the {it.role} word: {it.phrase}"),
        _as(talk.QuestionAsked, lambda it: f"heard the question: {it.text}"),
        _as(talk.ReplyInterrupted, lambda it: f"interrupted ({it.reason}) after {it.heard!r}"),
        _as(talk.AnnouncementBegun, lambda _: "makes way for an announcement"),
        _as(talk.ListenRequested, lambda _: "asked to listen"),
        _as(talk.StopRequested, lambda _: "asked to stop"),
        # Whatever caused it has warned of the first of a row.
        _as(talk.SttFailed, lambda it: f"{it.stage} failed: {it.error}"),
        _as(talk.ReplyFailed, lambda it: f"{it.stage} failed: {it.error}"),
        _as(home_assistant.Connected, lambda it: f"Home Assistant connected: {it.uri}"),
        _as(home_assistant.Disconnected, lambda it: f"Home Assistant disconnected: {it.uri}"),
        _as(home_assistant.ErrorReported, lambda it: f"Home Assistant reports {it.code}: {it.text}"),
        _as(device.Muted, lambda it: f"the microphone is off (by {it.by})"),
        _as(device.Unmuted, lambda it: f"the microphone is on (by {it.by})"),
        _as(device.StillMuted, lambda it: f"the microphone stays off; {it.by} switched it {it.switched}"),
        _as(device.VolumeChanged, lambda it: f"the volume is {it.percent} %"),
        _as(device.TimerFinished, lambda it: f"a timer has finished: {it.name or 'it has no name'}"),
        _as(
            device.EmptyInterruption,
            lambda _: "a voice cut a reply off and said nothing; it may have been the satellite's own",
        ),
    )
)


class LogTrace:
    """Logs what a person who runs the satellite wants to follow."""

    def emit(self, record: Record, _t: float | None = None, /) -> None:
        """Record that something happened now."""
        if isinstance(record, device.DuplexModeChanged):
            log_duplex_mode(record)
        elif type(record) in _SENTENCES:
            _LOGGER.info("%s", _SENTENCES[type(record)](record))
