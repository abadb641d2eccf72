"""What happens between a user, a satellite and Home Assistant, scene by scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from tools.harness.scenarios import CLIPS, Line

# The satellite is up and Home Assistant has found it by then; the front end has had its moment of room noise.
START_S = 5.0
# A server is up again by then, and the satellite has given up waiting for speech that Home Assistant never mentions.
_AFTER_A_CRASH_S = 22.0
# After a link that was closed Home Assistant stays away for 13 s.
_AFTER_A_RESTART_S = 18.0


class Action(Enum):
    """What happens besides talking; see `actions`."""

    NOTHING = "nothing"
    ANNOUNCE = "an announcement"
    ANNOUNCE_AT_LENGTH = "a long announcement"
    ANNOUNCE_WHILE_THINKING = "an announcement while the agent thinks"
    SET_TIMERS = "a timer that ends, another that is cancelled"
    MUTE = "the mute switch on, and off again"
    MUTE_BRIEFLY = "the mute switch on, and off before Home Assistant itself notices"
    KILL_STT = "the STT server killed while it listens"
    KILL_LLM = "the bridge killed while it thinks"
    KILL_TTS = "the TTS server killed as it begins to speak"
    FORGET_SPEECH = "everything is spoken anew, however often it was said"
    RESTART_SATELLITE = "the satellite restarted while it speaks"


class Ends(Enum):
    """What becomes of each thing that is said."""

    ANSWERED = "answered to the end"
    BEGUN = "answered at length; the scene is over before the answer"
    CUT = "answered, and cut off by the next"
    MERGED = "joined to the next before any answer was heard"
    IGNORED = "taken for what it is, and no turn"
    LOST = "lost with what was killed"
    NOT_HEARD = "not heard at all"
    SILENCES = "ends what sounds, and is no turn of its own"


@dataclass(frozen=True, slots=True)
class Saying:
    """One line of a scene, what STT should make of it, and what becomes of it."""

    line: Line
    text: str
    ends: Ends


@dataclass(frozen=True, slots=True)
class Scene:
    """One scenario; `addresses` are the servers of ours whose URI the satellite is given."""

    name: str
    summary: str
    sayings: tuple[Saying, ...]
    action: Action = Action.NOTHING
    agent: str = "llm"
    addresses: tuple[str, ...] = ("llm",)
    satellite_flags: tuple[str, ...] = ()
    llm_flags: tuple[str, ...] = ()
    # Seconds of speech that TTS gives in one second; None: as fast as it can.
    tts_pace: float | None = None
    # Whether each line must be understood word for word: of a hundred, an STT engine may get one wrong.
    word_for_word: bool = True

    @property
    def interruptions(self) -> int:
        """How many replies are cut off."""
        return sum(saying.ends is Ends.CUT for saying in self.sayings)


def _say(name: str, trigger: str, seconds: float, ends: Ends) -> Saying:
    return Saying(Line(CLIPS / f"{name}.wav", trigger, seconds), name.replace("_", " "), ends)


def first(name: str, ends: Ends) -> Saying:
    """Return the line that begins a scene."""
    return _say(name, "at_s", START_S, ends)


def into_reply(name: str, seconds: float, ends: Ends) -> Saying:
    """Return a line that is said so long into what sounds."""
    return _say(name, "after_loudspeaker_s", seconds, ends)


def after_previous(name: str, seconds: float, ends: Ends) -> Saying:
    """Return a line that is said so long after the previous one."""
    return _say(name, "after_clip_s", seconds, ends)


_SLOW_AGENT = ("--offline-think-ms", "2500")
_LONG = "tell_me_a_long_story"
_SHORT = "what_time_is_it"
# All of them are answered at length, so that the next one finds something to interrupt.
_AT_LENGTH = ("count_to_twenty", "about_a_lighthouse", "turn_on_the_kitchen_light", "tell_me_a_story", _LONG)
_SIX = 6
# About what piper does on a Raspberry Pi 4: the old reply is still coming while the new one is.
_SLOW_TTS = 2.0
# Into the reply: from a few words to a sentence and more; steps of the golden ratio visit all of the range.
_EARLIEST_S, _LATEST_S = 1.5, 5.0
_GOLDEN = 0.618034


def barge_ins(count: int) -> tuple[Saying, ...]:
    """Return a question and so many others, each into the reply to the one before; the last is answered at length."""
    sayings = [first(_LONG, Ends.CUT)]
    for number in range(count):
        seconds = round(_EARLIEST_S + (_LATEST_S - _EARLIEST_S) * (number * _GOLDEN % 1.0), 3)
        sayings.append(into_reply(_AT_LENGTH[number % len(_AT_LENGTH)], seconds, Ends.CUT))
    return (*sayings[:-1], replace(sayings[-1], ends=Ends.BEGUN))


def _crash(name: str, summary: str, action: Action) -> Scene:
    next_one = after_previous(_SHORT, _AFTER_A_CRASH_S, Ends.ANSWERED)
    return Scene(name, summary, (first(_LONG, Ends.LOST), next_one), action)


SCENES = {
    scene.name: scene
    for scene in (
        Scene("ordinary", "a question and its answer", (first(_SHORT, Ends.ANSWERED),)),
        Scene(
            "barge-in",
            "another question into the middle of a long answer",
            (first(_LONG, Ends.CUT), into_reply(_SHORT, 4.0, Ends.ANSWERED)),
        ),
        Scene(
            "thinking",
            "the user goes on while the agent thinks: Home Assistant gets all of the question again",
            (first("tell_me_a_story", Ends.MERGED), after_previous("about_a_lighthouse", 1.5, Ends.BEGUN)),
            llm_flags=_SLOW_AGENT,
        ),
        Scene(
            "thinking-any-agent",
            "the same where the satellite does not know our bridge",
            (first("tell_me_a_story", Ends.MERGED), after_previous("about_a_lighthouse", 1.5, Ends.BEGUN)),
            addresses=(),
            llm_flags=_SLOW_AGENT,
        ),
        Scene("six", "six interruptions in a row", barge_ins(_SIX)),
        Scene(
            "slow-speech",
            "the same with a TTS at twice real time: the old replies' audio comes between that of the new ones",
            barge_ins(_SIX),
            Action.FORGET_SPEECH,
            tts_pace=_SLOW_TTS,
        ),
        Scene(
            "backchannel",
            'with our STT server the satellite knows an "uh-huh": the answer goes on',
            (first("count_to_twenty", Ends.ANSWERED), into_reply("uh_huh", 3.0, Ends.IGNORED)),
            addresses=("llm", "stt"),
        ),
        Scene("announcement", "an announcement is played to its end, and Home Assistant told so", (), Action.ANNOUNCE),
        Scene(
            "announcement-cut",
            "a question into a long announcement",
            (into_reply(_SHORT, 3.0, Ends.ANSWERED),),
            Action.ANNOUNCE_AT_LENGTH,
        ),
        Scene(
            "announcement-thinking",
            "an announcement while the agent thinks: that turn is lost, the next one is not",
            (first(_LONG, Ends.LOST), after_previous(_SHORT, _AFTER_A_CRASH_S, Ends.ANSWERED)),
            Action.ANNOUNCE_WHILE_THINKING,
            llm_flags=_SLOW_AGENT,
        ),
        Scene(
            "timer",
            "a timer rings until the user says something; another one is cancelled",
            (into_reply("stop", 2.0, Ends.SILENCES),),
            Action.SET_TIMERS,
        ),
        Scene(
            "mute",
            "what is said while the mute switch is on reaches nobody; what is said after does",
            (
                _say(_LONG, "at_s", START_S + 3.0, Ends.NOT_HEARD),
                _say(_SHORT, "at_s", START_S + 12.0, Ends.ANSWERED),
            ),
            Action.MUTE,
        ),
        Scene(
            "mute-briefly",
            "the mute switch on and off within a second, of which Home Assistant tells only the first: it hears again",
            (_say(_SHORT, "at_s", START_S + 10.0, Ends.ANSWERED),),
            Action.MUTE_BRIEFLY,
        ),
        _crash("stt-killed", "the STT server dies while it listens; the next turn works", Action.KILL_STT),
        _crash("tts-killed", "the TTS server dies as it begins; the next turn works", Action.KILL_TTS),
        _crash("bridge-killed", "the bridge dies while it thinks; the next turn works", Action.KILL_LLM),
        Scene(
            "satellite-restarted",
            "the satellite restarts in the middle of an answer; Home Assistant finds it again",
            (first(_LONG, Ends.LOST), _say(_SHORT, "at_s", _AFTER_A_RESTART_S, Ends.ANSWERED)),
            Action.RESTART_SATELLITE,
        ),
        Scene(
            "streaming",
            "an agent that speaks as it thinks, interrupted",
            (first(_LONG, Ends.CUT), into_reply(_SHORT, 4.0, Ends.ANSWERED)),
            agent="streaming",
        ),
    )
}


def many(count: int) -> Scene:
    """Return the scene of the measurement: as hard as it gets."""
    summary = f"{count} interruptions in a row, with a TTS at twice real time"
    return Scene("barge-ins", summary, barge_ins(count), Action.FORGET_SPEECH, tts_pace=_SLOW_TTS, word_for_word=False)
