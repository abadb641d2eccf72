"""Did it truly happen? Judged by the wire, the servers' traces and the loudspeaker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.harness.checks import MARK, Check
from tools.home_assistant.actions import TIMER_S
from tools.home_assistant.scenes import Action, Ends
from tools.home_assistant.turns import SILENT_AFTER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.home_assistant.turns import JudgedScene, Turn

# Home Assistant listens again this soon after an interruption, at the latest.
_LISTENS_WITHIN_S = 0.5
# What is played is reported as played when it has been heard: not before, and soon after.
_PLAYED_EARLY_S = 0.1
_PLAYED_LATE_S = 1.0
# A ring ends when a voice is known for one; "stop" alone takes most of a second to say.
_GIVES_WAY_S = 2.5
# Speech may begin and end with some silence.
_SILENT_TAIL_S = 0.6
# Later, and one would look for what is wrong.
_RINGS_WITHIN_S = 1.0
# From the sentence that sets a timer to its start.
_TIMER_LATE_S = 1.5
# In these Home Assistant may connect anew; in all others that would be a link that was lost.
_LINKS = {Action.MUTE: 2, Action.MUTE_BRIEFLY: 2, Action.RESTART_SATELLITE: 2}


def judge(play: JudgedScene) -> list[Check]:
    """Return what the scene promises, and whether it came true."""
    scene = play.evidence.scene
    return [
        Check("everything planned was said", len(play.turns) == len(scene.sayings)),
        *_link(play),
        *(check for turn in play.turns for check in _TURNS[turn.saying.ends](play, turn)),
        *(_ACTS[scene.action](play) if scene.action in _ACTS else ()),
    ]


def _link(play: JudgedScene) -> list[Check]:
    evidence = play.evidence
    links = evidence.passed("satellite", "run-satellite", from_home=True)
    real = [run for run in play.runs if not run.null]
    into_running = [
        after
        for before, after in zip(play.runs, play.runs[1:], strict=False)
        if not after.null and not before.null and not _has_ended(before.answered)
    ]
    expected = _LINKS.get(evidence.scene.action, 1)
    return [
        Check(f"Home Assistant connected at most {expected} times ({len(links)})", 1 <= len(links) <= expected),
        Check("no run was deaf", not any(run.deaf for run in real)),
        Check("no run was asked for into a running one", not into_running),
    ]


def _has_ended(answered: dict[str, float]) -> bool:
    return bool({"synthesize", "error"} & answered.keys())


def _taken(play: JudgedScene, turn: Turn) -> list[Check]:
    """It reached STT whole, soon after it was decided that it is a turn."""
    name = _name(turn)
    run = turn.run
    checks = [
        Check(f"{name}: it became a run", run is not None),
        Check(f"{name}: its first word is in the STT audio", turn.missing_s == 0.0),
        Check(f"{name}: understood", run is not None and _understood(play, turn, run.transcript)),
    ]
    if turn.cut is not None:
        cut = turn.cut["mono"]
        listens = play.evidence.passed("satellite", "transcribe", cut, cut + _LISTENS_WITHIN_S, from_home=True)
        checks.append(Check(f"{name}: Home Assistant listens at once", bool(listens)))
        checks.append(Check(f"{name}: nothing of the old reply is heard after it", turn.stale_frames == 0))
    return checks


def _answered(play: JudgedScene, turn: Turn) -> list[Check]:
    name = _name(turn)
    played = turn.run.at("satellite played") if turn.run else None
    ended = turn.last_sound
    return [
        *_taken(play, turn),
        Check(f"{name}: the answer is heard to its end, as the TTS server spoke it", turn.ended_whole),
        Check(f"{name}: reported as played when it was", _within(played, ended, -_PLAYED_EARLY_S, _PLAYED_LATE_S)),
        Check(f"{name}: nothing else was said", len(_answers(turn)) == 1),
    ]


def _begun(play: JudgedScene, turn: Turn) -> list[Check]:
    return [
        *_taken(play, turn),
        Check(f"{_name(turn)}: its answer is heard, as the TTS server spoke it", turn.replied is not None),
        Check(f"{_name(turn)}: nothing else was said", len(_answers(turn)) == 1),
    ]


def _cut(play: JudgedScene, turn: Turn) -> list[Check]:
    """It was answered, and the next line cuts that off."""
    following = _next(play, turn)
    cut = following.cut if following else None
    silent = following is not None and following.fell_silent is not None
    heard = (cut or {}).get("heard", "")
    checks = [
        *_taken(play, turn),
        Check(f"{_name(turn)}: its answer was heard", turn.sounds is not None),
        Check(
            f"{_name(turn)}: the next line cuts it off, and the loudspeaker falls silent", cut is not None and silent
        ),
    ]
    if "llm" in play.evidence.scene.addresses and play.evidence.scene.agent == "llm":
        said = [message["content"] for message in play.evidence.history if message["role"] == "assistant"]
        checks.append(Check(f"{_name(turn)}: the bridge knows what was heard", f"{heard} {MARK}" in said))
    return checks


def _merged(play: JudgedScene, turn: Turn) -> list[Check]:
    """No answer to it alone was heard; the next line asks both, and our bridge has not doubled what it had."""
    checks = [Check(f"{_name(turn)}: nothing was heard of an answer to it alone", turn.sounds is None)]
    following = _next(play, turn)
    if following is not None:
        asked = [message["content"] for message in play.evidence.history if message["role"] == "user"]
        checks.append(Check("the bridge has both as one question", asked[-1:] == [_joined(turn, following)]))
    return checks


def _expected(play: JudgedScene, turn: Turn) -> str:
    """Return what STT must make of a line: Home Assistant gets a question anew that goes on before its answer."""
    before = play.turns[turn.said.number - 1] if turn.said.number else None
    if before is not None and before.saying.ends is Ends.MERGED:
        return _joined(before, turn)
    return turn.saying.text


def _understood(play: JudgedScene, turn: Turn, transcript: str | None) -> bool:
    return transcript == _expected(play, turn) if play.evidence.scene.word_for_word else bool(transcript)


def _joined(first: Turn, second: Turn) -> str:
    return f"{first.saying.text} {second.saying.text}"


def _ignored(_play: JudgedScene, turn: Turn) -> list[Check]:
    name = _name(turn)
    return [
        Check(f"{name}: it cuts nothing off", turn.cut is None),
        Check(f"{name}: Home Assistant is not asked", not _answers(turn)),
        Check(f"{name}: the answer goes on", turn.sounds is not None),
    ]


def _lost(play: JudgedScene, turn: Turn) -> list[Check]:
    following = _next(play, turn)
    if following is None or following.said.life is not turn.said.life:
        return []
    phases = play.evidence.of("satellite", "phase", turn.said.onset, following.said.onset)
    rests = bool(phases) and bool(phases[-1]["phase"] == "idle")
    return [Check(f"{_name(turn)}: the satellite rests before the next line", rests)]


def _not_heard(play: JudgedScene, turn: Turn) -> list[Check]:
    sent = play.evidence.passed("satellite", "audio-chunk", turn.said.onset, turn.said.until, from_home=False)
    return [
        Check(f"{_name(turn)}: no run is asked for", not turn.runs),
        Check(f"{_name(turn)}: no sound of the room is sent", not sent),
        Check(f"{_name(turn)}: no answer", turn.sounds is None),
    ]


def _silences(_play: JudgedScene, turn: Turn) -> list[Check]:
    last = turn.said.life.last_sound(turn.said.onset)
    return [
        Check(f"{_name(turn)}: something sounded", turn.sounding),
        Check(f"{_name(turn)}: it falls silent", last is None or last < turn.said.onset + _GIVES_WAY_S),
    ]


_TURNS: dict[Ends, Callable[[JudgedScene, Turn], list[Check]]] = {
    Ends.ANSWERED: _answered,
    Ends.BEGUN: _begun,
    Ends.CUT: _cut,
    Ends.MERGED: _merged,
    Ends.IGNORED: _ignored,
    Ends.LOST: _lost,
    Ends.NOT_HEARD: _not_heard,
    Ends.SILENCES: _silences,
}


def _announced(play: JudgedScene) -> list[Check]:
    """Heard to its end, reported then, and the service call has waited for it."""
    evidence = play.evidence
    begun, returned = evidence.seen.get("announce called"), evidence.seen.get("announce returned")
    if begun is None or returned is None:
        return [Check("the announcement was made", passed=False)]
    life = evidence.lives[-1]
    stream = next((s for s in play.streams if not s.timestamped_stop), None)
    length_s = sum(len(audio) for _, audio in stream.chunks) / 44_100 if stream else 0.0
    first, last = life.first_sound(begun, returned), life.last_sound(begun, returned)
    played = evidence.passed("satellite", "played", begun, returned + 0.1, from_home=False)
    told = played[-1].mono if played else None
    return [
        Check("the announcement was heard", first is not None),
        Check("to its end", _within(last, first, length_s - _SILENT_TAIL_S, length_s + _SILENT_TAIL_S)),
        Check("Home Assistant was told at its end", _within(told, last, -_PLAYED_EARLY_S, _PLAYED_LATE_S)),
        Check("the service call waited for it", _within(returned, last, -_PLAYED_EARLY_S, _PLAYED_LATE_S)),
    ]


def _announcement_cut(play: JudgedScene) -> list[Check]:
    evidence = play.evidence
    if not play.turns:
        return [Check("the announcement was interrupted", passed=False)]
    turn = play.turns[0]
    returned = evidence.seen.get("announce returned")
    played = evidence.passed("satellite", "played", turn.said.onset, from_home=False)
    cut = turn.cut["mono"] if turn.cut else None
    return [
        Check("the announcement falls silent", turn.fell_silent is not None and cut is not None),
        Check("`played` goes out at once", _within(played[0].mono if played else None, cut, -0.01, SILENT_AFTER_S)),
        Check("the service call returns at once", _within(returned, cut, 0.0, _LISTENS_WITHIN_S)),
    ]


def _timers(play: JudgedScene) -> list[Check]:
    evidence = play.evidence
    cancelled = evidence.passed("satellite", "timer-cancelled", from_home=True)
    finished = evidence.passed("satellite", "timer-finished", from_home=True)
    rang = evidence.lives[0].first_sound(finished[0].mono) if finished else None
    lasted = finished[0].mono - evidence.seen["timer set"] if finished else 0.0
    return [
        Check("a timer was cancelled", len(cancelled) == 1),
        Check("another one ended in time", len(finished) == 1 and TIMER_S <= lasted < TIMER_S + _TIMER_LATE_S),
        Check("it rings at once", _within(rang, finished[0].mono if finished else None, 0.0, _RINGS_WITHIN_S)),
    ]


def _muted(play: JudgedScene) -> list[Check]:
    paused = play.evidence.passed("satellite", "pause-satellite", from_home=True)
    return [Check("Home Assistant has paused the satellite", len(paused) == 1)]


_ACTS: dict[Action, Callable[[JudgedScene], list[Check]]] = {
    Action.ANNOUNCE: _announced,
    Action.ANNOUNCE_WHILE_THINKING: _announced,
    Action.ANNOUNCE_AT_LENGTH: _announcement_cut,
    Action.SET_TIMERS: _timers,
    Action.MUTE: _muted,
    Action.MUTE_BRIEFLY: _muted,
}


def _name(turn: Turn) -> str:
    return f"{turn.said.number + 1} {turn.saying.text!r}"


def _next(play: JudgedScene, turn: Turn) -> Turn | None:
    number = turn.said.number + 1
    return play.turns[number] if number < len(play.turns) else None


def _answers(turn: Turn) -> list[str]:
    return [run.reply for run in turn.runs if run.reply is not None]


def _within(moment: float | None, reference: float | None, low: float, high: float) -> bool:
    """Tell whether a moment is so far after another, as far as there were both."""
    return moment is not None and reference is not None and low <= moment - reference <= high
