"""What is said in the demo's room, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

CLIPS = Path(__file__).resolve().parents[2] / "tests" / "clips"


class Expected(Enum):
    """What must have happened at the end."""

    ANSWERED = "the question is answered"
    BARGED_IN = "the reply is cut off, the second question is answered"
    PLAYED_ON = "the reply is played to its end"
    SILENCED = "the reply is cut off, and nothing follows"
    MERGED = "both parts are answered as one question"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the user says: a recording, when it starts (the keys of a room script's `start`), and its gain."""

    clip: Path
    trigger: str
    seconds: float
    gain_db: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return the clip as a room script has it."""
        return {"path": str(self.clip), "start": {self.trigger: self.seconds}, "gain_db": self.gain_db}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A short scene."""

    name: str
    summary: str
    lines: tuple[Line, ...]
    expected: Expected
    # Where the built-in voices speak, what STT must make of them; empty for a person's own recordings.
    texts: tuple[str, ...] = ()
    llm_arguments: tuple[str, ...] = ()
    # Some scenes are proven before a long reply has ended.
    stop_after_reply_s: float | None = None


_FIRST = "at_s"
_INTO_REPLY = "after_loudspeaker_s"
_AFTER_LINE = "after_clip_s"
# The VAD and the noise suppression want a moment of room noise first.
_QUIET_S = 1.0


def _line(name: str, trigger: str, seconds: float) -> Line:
    return Line(CLIPS / f"{name}.wav", trigger, seconds)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "barge-in",
            "a question, a long answer, another question into the middle of it",
            (_line("tell_me_a_long_story", _FIRST, _QUIET_S), _line("what_time_is_it", _INTO_REPLY, 4.0)),
            Expected.BARGED_IN,
            ("tell me a long story", "what time is it"),
        ),
        Scenario(
            "backchannel",
            'the listener says "uh-huh"; the reply ducks and goes on',
            (_line("count_to_twenty", _FIRST, _QUIET_S), _line("uh_huh", _INTO_REPLY, 3.0)),
            Expected.PLAYED_ON,
            ("count to twenty",),
        ),
        Scenario(
            "cough",
            "the listener coughs; the reply pauses at most and goes on",
            (_line("count_to_twenty", _FIRST, _QUIET_S), _line("cough", _INTO_REPLY, 3.0)),
            Expected.PLAYED_ON,
            ("count to twenty",),
        ),
        Scenario(
            "stop",
            'the listener says "stop"; silence, and no new turn',
            (_line("tell_me_a_long_story", _FIRST, _QUIET_S), _line("stop", _INTO_REPLY, 4.0)),
            Expected.SILENCED,
            ("tell me a long story",),
        ),
        Scenario(
            "early",
            "the user goes on before any of the reply was heard; one question is answered",
            (_line("tell_me_a_story", _FIRST, _QUIET_S), _line("about_a_lighthouse", _AFTER_LINE, 1.5)),
            Expected.MERGED,
            ("tell me a story", "about a lighthouse"),
            # The model thinks long enough for the user to go on.
            ("--offline-think-ms", "2500"),
            stop_after_reply_s=4.0,
        ),
        Scenario(
            "plain",
            "a question and its answer",
            (_line("what_time_is_it", _FIRST, _QUIET_S),),
            Expected.ANSWERED,
            ("what time is it",),
        ),
    )
}


def named(expected: Expected) -> str:
    """Return the scenario that shows this."""
    return next(scenario.name for scenario in SCENARIOS.values() if scenario.expected is expected)


def with_recordings(
    scenario: Scenario, question: Path | None, interruption: Path | None, after_s: float | None
) -> Scenario:
    """Put a person's own recordings into a scenario; raises ValueError for an interruption where there is none."""
    lines = list(scenario.lines)
    if (interruption is not None or after_s is not None) and len(lines) == 1:
        raise ValueError(f"--interruption and --after: nobody interrupts in the scenario {scenario.name}")
    if question is not None:
        lines[0] = replace(lines[0], clip=question)
    if interruption is not None:
        lines[1] = replace(lines[1], clip=interruption)
    if after_s is not None:
        lines[1] = replace(lines[1], seconds=after_s)
    own = question is not None or interruption is not None
    return replace(scenario, lines=tuple(lines), texts=() if own else scenario.texts)
