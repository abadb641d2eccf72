"""Settings of what the satellite plays and runs when something happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from interject.satellite.audio.sounds import SHIPPED
from interject.satellite.settings.wake import WakeSource
from interject.wire.setting_field import Derived, Words
from interject.wire.settings import option

_MAX_REPEATS = 1000
_MAX_DELAY_S = 60


@dataclass(frozen=True, slots=True)
class Repeat(Words):
    """How often a sound is played, and how much silence is between; the delay in seconds."""

    WORDS: ClassVar[tuple[str, ...]] = ("N", "DELAY")
    REQUIRED: ClassVar[int] = 2

    times: int
    delay_s: float

    def __str__(self) -> str:
        return f"{self.times} {self.delay_s:g}"

    @classmethod
    def from_words(cls, *words: str) -> Self:
        """Make one of N, from 1 to 1000, and DELAY, from 0 to 60."""
        times, delay_s = words
        if not 1 <= int(times) <= _MAX_REPEATS or not 0 <= float(delay_s) <= _MAX_DELAY_S:
            raise ValueError
        return cls(int(times), float(delay_s))


def _shipped(name: str) -> Derived:
    return Derived(None, lambda _: SHIPPED / f"{name}.wav")


def _done_wav(given: Mapping[str, Any]) -> Path | None:
    # Where any speech begins a turn, so does much that nobody said to us.
    return None if given["wake_word"] is WakeSource.NONE else SHIPPED / "done.wav"


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class SignalSettings:
    """Sounds that tell somebody in the room what the satellite does."""

    GROUP: ClassVar[str] = "Sounds that it makes"
    TABLE: ClassVar[str] = "sounds"

    awake_wav: Path | None = option(
        _shipped("awake"), "WAV file to play when a wake word was heard (default: one that is shipped)"
    )
    done_wav: Path | None = option(
        Derived(None, _done_wav),
        "WAV file to play when the user has finished speaking (default: a shipped one; none with --wake-word none)",
    )
    timer_finished_wav: Path | None = option(
        _shipped("timer_finished"), "WAV file to play when a timer has finished (default: one that is shipped)"
    )
    # Ten times a second apart is a ring that is heard in the next room.
    timer_finished_wav_repeat: Repeat = option(
        Repeat(10, 1.0), "how many times to play it, 1 to 1000, and seconds of silence between, 0 to 60"
    )
    mic_seconds_to_mute_after_awake_wav: float = option(
        0.5, "how long after --awake-wav has ended its echo is kept from STT", minimum=0, maximum=10
    )
    mic_no_mute_during_awake_wav: bool = option(False, "let STT hear --awake-wav")


@dataclass(frozen=True)
class HookSettings:
    """Programs and a service that are told what happens; programs are run without a shell."""

    GROUP: ClassVar[str] = "Hooks: who is told what happens"
    TABLE: ClassVar[str] = "hooks"

    event_uri: str | None = option(None, "event service that is sent what happens")
    startup_command: str | None = option(None, "program to run when the satellite has started")
    detect_command: str | None = option(None, "program to run when it begins to wait for a wake word")
    detection_command: str | None = option(None, "program to run when a wake word was heard; gets its name")
    transcript_command: str | None = option(None, "program to run when the user was understood; gets the text")
    stt_start_command: str | None = option(None, "program to run when the user begins to speak")
    stt_stop_command: str | None = option(None, "program to run when the user has finished speaking")
    synthesize_command: str | None = option(None, "program to run when the reply is known; gets its text")
    tts_start_command: str | None = option(None, "program to run when the first audio of a reply has come")
    tts_stop_command: str | None = option(None, "program to run when all audio of a reply has come")
    tts_played_command: str | None = option(None, "program to run when a reply was played")
    streaming_start_command: str | None = option(None, "program to run when audio begins to leave the satellite")
    streaming_stop_command: str | None = option(None, "program to run when audio no longer leaves the satellite")
    error_command: str | None = option(None, "program to run when something failed; gets what")
    connected_command: str | None = option(None, "program to run when Home Assistant has connected")
    disconnected_command: str | None = option(None, "program to run when Home Assistant is gone")
    timer_started_command: str | None = option(None, "program to run when a timer was started; gets it as JSON")
    timer_updated_command: str | None = option(None, "program to run when a timer was changed; gets it as JSON")
    timer_cancelled_command: str | None = option(None, "program to run when a timer was cancelled; gets its id")
    timer_finished_command: str | None = option(None, "program to run when a timer has finished; gets its id")
