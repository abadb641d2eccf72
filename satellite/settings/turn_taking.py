"""Settings of turn-taking: when somebody speaks, has finished, or takes the floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from interject.satellite.turn.settings import BargeIn, Endpointing, TurnSettings
from interject.wire.setting_field import Derived
from interject.wire.settings import option, refused

_TURN = TurnSettings()


def _like_vad_threshold(name: str) -> Callable[[Mapping[str, Any]], float]:
    """Let who sets one threshold have set them all."""
    return lambda given: float(given.get("vad_threshold", getattr(_TURN, name)))


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class TurnTakingSettings:
    """Settings of turn-taking: what takes the floor, and when a turn has ended."""

    GROUP: ClassVar[str] = "Turn-taking"
    TABLE: ClassVar[str] = "turn"
    FIRST: ClassVar[tuple[str, ...]] = ("barge_in",)

    barge_in: BargeIn = option(
        _TURN.barge_in, "what interrupts a reply: any speech, a wake word or stop word, a stop word only, or nothing"
    )
    vad_threshold: float = option(
        _TURN.vad_threshold, "speech probability that counts in an idle room", minimum=0.01, maximum=0.99
    )
    endpoint_silence_ms: float = option(
        _TURN.endpoint_silence_ms, "silence that ends the user's turn", minimum=100, maximum=10_000
    )
    endpointing: Endpointing = option(
        _TURN.endpointing,
        "what says that the user has finished; evidence: a silence, longer where the words so far ask for more, "
        "shorter where they are a whole command or answer; silence: always the same; home-assistant: its own detector",
    )
    follow_up_seconds: float = option(
        _TURN.follow_up_seconds,
        "how long after an answer a voice needs no wake word, 0 is off",
        minimum=0,
        maximum=300,
    )
    side_speech_db: float = option(
        _TURN.side_speech_db,
        "how much softer than the user a voice is that speaks to somebody else",
        minimum=0,
        maximum=60,
    )
    vad_wake_word_timeout: float = option(
        _TURN.vad_wake_word_timeout, "seconds to wait for speech after a wake word", minimum=1, maximum=60
    )
    listen_max_s: float = option(_TURN.listen_max_s, "longest turn of the user", minimum=1, maximum=300)

    vad: bool = option(True, "voice activity detection, which is always on")
    vad_trigger_level: None = refused("use --trigger-windows: how many voiced windows of 32 ms make a voice")
    vad_buffer_seconds: None = refused("use --pre-roll-ms: how much audio from before the voice STT gets")


@dataclass(frozen=True)
class TurnNumberSettings:
    """All other numbers of when to duck, pause, commit and resume."""

    GROUP: ClassVar[str] = "Turn-taking, number by number"
    TABLE: ClassVar[str] = "turn-numbers"
    EXPERT: ClassVar[bool] = True

    listening_threshold: float = option(
        Derived(_TURN.listening_threshold, _like_vad_threshold("listening_threshold")),
        "the same while the user has the floor (default: that of --vad-threshold where it is given)",
        minimum=0.01,
        maximum=0.99,
    )
    speaking_threshold: float = option(
        Derived(_TURN.speaking_threshold, _like_vad_threshold("speaking_threshold")),
        "the same during a reply (default: that of --vad-threshold where it is given)",
        minimum=0.01,
        maximum=0.99,
    )
    vad_hysteresis: float = option(
        _TURN.vad_hysteresis, "how much less counts once speech has begun", minimum=0, maximum=0.9
    )
    trigger_windows: int = option(
        _TURN.trigger_windows, "voiced windows of 32 ms in a row that are a voice", minimum=1, maximum=30
    )
    speaking_trigger_windows: int = option(
        _TURN.speaking_trigger_windows, "the same during a reply: they duck it", minimum=1, maximum=30
    )
    utterance_gap_ms: float = option(_TURN.utterance_gap_ms, "silence that ends an utterance", minimum=32, maximum=2000)
    confirm_speech_ms: float = option(
        _TURN.confirm_speech_ms, "speech within --confirm-within-ms that pauses the reply", minimum=32, maximum=5000
    )
    confirm_within_ms: float = option(
        _TURN.confirm_within_ms, "time in which --confirm-speech-ms must be reached", minimum=32, maximum=5000
    )
    min_speech_ms: float = option(_TURN.min_speech_ms, "speech shorter than this is a knock", minimum=0, maximum=2000)
    word_speech_ms: float = option(
        _TURN.word_speech_ms, "speech after which a stable word takes the floor", minimum=32, maximum=10_000
    )
    word_confidence: float = option(
        _TURN.word_confidence,
        "how likely words must be to have been said to take the floor, for a recogniser that tells",
        minimum=0,
        maximum=1,
    )
    commit_speech_ms: float = option(
        _TURN.commit_speech_ms, "speech that takes the floor whatever it says", minimum=32, maximum=10_000
    )
    commit_backchannel_ms: float = option(
        _TURN.commit_backchannel_ms, "the same while it sounds like a backchannel", minimum=32, maximum=10_000
    )
    commit_unheard_ms: float = option(
        _TURN.commit_unheard_ms,
        "speech that takes the floor where nobody can say what it says: Home Assistant's pipeline without --stt-uri",
        minimum=32,
        maximum=10_000,
    )
    whisper_brighter_db: float = option(
        _TURN.whisper_brighter_db,
        "how much brighter than the user's voice a soft one is that whispers to the satellite",
        minimum=0,
        maximum=60,
    )
    undecided_ms: float = option(
        _TURN.undecided_ms, "how long a reply stays paused before it goes on", minimum=100, maximum=10_000
    )
    verdict_ms: float = option(
        _TURN.verdict_ms,
        "how much longer it stays paused at most while the words of an utterance that is over are awaited",
        minimum=0,
        maximum=10_000,
    )
    hold_max_s: float = option(
        _TURN.hold_max_s, 'how long a reply waits after "wait", until "go on"', minimum=1, maximum=3600
    )
    endpoint_complete_ms: float = option(
        _TURN.endpoint_complete_ms,
        "silence that ends a turn whose words are a whole command, or an answer (--endpointing evidence)",
        minimum=100,
        maximum=10_000,
    )
    endpoint_unfinished_ms: float = option(
        _TURN.endpoint_unfinished_ms,
        "silence that ends a turn whose last word asks for another one (--endpointing evidence)",
        minimum=100,
        maximum=10_000,
    )
    pre_roll_ms: float = option(
        _TURN.pre_roll_ms, "audio before the first voiced window that STT gets", minimum=100, maximum=2500
    )
    reply_pre_roll_ms: float = option(_TURN.reply_pre_roll_ms, "the same into a reply", minimum=100, maximum=2500)
    vad_release_ms: float = option(
        _TURN.vad_release_ms, "how much later than a voice its last voiced window ends", minimum=0, maximum=500
    )
    stt_timeout_s: float = option(_TURN.stt_timeout_s, "longest wait for a transcript", minimum=1, maximum=300)
    reply_timeout_s: float = option(_TURN.reply_timeout_s, "longest wait for a reply", minimum=1, maximum=3600)
    stt_failures_to_text: int = option(
        _TURN.stt_failures_to_text, "failures of the STT server in a row until text mode is offered", minimum=1
    )
