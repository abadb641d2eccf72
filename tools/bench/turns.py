"""When a turn is taken for over: how often too early, and how long after its end.

People pause within a turn: mostly where they look for a word (after "the", "and", "um"), and between the parts of what
they want. Sentences below have both kinds of places marked; each is said without a pause, and with one of each length
at each place, in the rhythm of espeak-ng. The satellite's own turn machine listens: a voice is heard to its end, and
each word is known so long after it ended as --lag-ms says, as a recogniser with stable partial results has it. What a
recogniser mishears, and what a VAD makes of breath and noise, is not in it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.turn.events import Partial, Tick, VoiceWindow
from interject.satellite.turn.machine import deadline, step
from interject.satellite.turn.settings import Endpointing, TurnSettings
from interject.satellite.turn.state import Phase, State
from interject.servers.tts.engines.espeak_library import EspeakLibrary
from tools.bench.table import table
from tools.commit import commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.servers.tts.marks import WordStart

# "|": where people look for a word; "/": between two parts of what they want.
SENTENCES = (
    "turn on the | light in the kitchen",
    "turn off the light / in the bedroom",
    "set a timer for ten | minutes",
    "what is the | weather like tomorrow",
    "what time is it / in new york",
    "remind me to call my | mother / in the evening",
    "i would like to know if | the shop is open today",
    "play some music in the | living room and | turn off the lamp",
    "can you tell me um | how far it is to the moon",
    "add milk and | bread to the shopping list",
    "how long does it take / to boil an egg",
    "tell me a story about a | lighthouse",
    "close the blinds / and dim the lights",
    "wake me up at | seven tomorrow",
    "who wrote the | book about the old man and the sea",
    "i think we should um | leave at noon",
    "make it a little | warmer in here",
    "what did you say about the | second one",
    "lower the volume of the | television / please",
    "start the | dishwasher when the sun shines",
    "the one that i like is the | blue one",
    "he wants to come with his | brother but | not with the dog",
    "is there any | milk left",
    "call the | doctor / and ask for an appointment",
)
# A pause of 250 ms is that of a comma; people who look for a word take up to two seconds and more.
PAUSES_S = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.3, 1.7)
RATES_WPM = (140, 175, 210)
_VOICE = "en-us"
_WINDOW_S = 0.032
# Plain silences to stand beside, in ms.
_PLAIN_MS = (350.0, 450.0, 600.0, 800.0, 1000.0, 1500.0)
_END_S = 4.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn: its words, when each of them ends, and the stretches of voice (s)."""

    words: tuple[str, ...]
    word_ends_s: tuple[float, ...]
    voice_s: tuple[tuple[float, float], ...]

    @property
    def end_s(self) -> float:
        """When the last word ends."""
        return self.voice_s[-1][1]


@dataclass(frozen=True, slots=True)
class Ended:
    """When a turn was taken for over; early: before it was."""

    early: bool
    after_s: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="script/bench turns", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lag-ms", type=float, default=150.0, help="from the end of a word to its being known")
    wanted = parser.parse_args(argv)
    whole, paused = spoken_turns()
    rows = [_row("by evidence, as shipped", TurnSettings(), whole, paused, wanted.lag_ms)]
    for silence_ms in _PLAIN_MS:
        plain = TurnSettings(endpointing=Endpointing.SILENCE, endpoint_silence_ms=silence_ms)
        rows.append(_row(f"silence of {silence_ms:.0f} ms", plain, whole, paused, wanted.lag_ms))
    head = ("", "cut too early, %", "after the end, ms: P50", "P90", "P99")
    sys.stdout.write(
        table(f"{len(whole)} turns without a pause, {len(paused)} with one", head, rows)
        + f"\nCut too early: of the turns with a pause. After the end: from the end of the last word to the end of the "
        f"turn, of those without. Words are known {wanted.lag_ms:.0f} ms after their end. Commit {commit()}.\n"
    )
    return 0


def _row(
    name: str, settings: TurnSettings, whole: Sequence[Spoken], paused: Sequence[Spoken], lag_ms: float
) -> tuple[str | float, ...]:
    late = sorted(1000 * listen(turn, settings, lag_ms).after_s for turn in whole)
    early = [listen(turn, settings, lag_ms).early for turn in paused]
    at = (late[min(len(late) - 1, len(late) * percent // 100)] for percent in (50, 90, 99))
    return (name, 100 * sum(early) / len(early), *at)


def spoken_turns() -> tuple[list[Spoken], list[Spoken]]:
    """Say all sentences: without a pause, and with one of each length at each marked place."""
    espeak = EspeakLibrary()
    whole: list[Spoken] = []
    paused: list[Spoken] = []
    try:
        for rate_wpm in RATES_WPM:
            for sentence in SENTENCES:
                words, places = _parsed(sentence)
                rhythm = _rhythm(espeak, words, rate_wpm)
                whole.append(_with_pause(words, rhythm, None, 0.0))
                paused += [_with_pause(words, rhythm, place, pause_s) for place in places for pause_s in PAUSES_S]
    finally:
        espeak.close()
    return whole, paused


def _parsed(sentence: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the words, and before which of them a pause may be."""
    words: list[str] = []
    places: list[int] = []
    for part in sentence.split():
        if part in "|/":
            places.append(len(words))
        else:
            words.append(part)
    return tuple(words), tuple(places)


def _rhythm(espeak: EspeakLibrary, words: Sequence[str], rate_wpm: int) -> tuple[float, ...]:
    """Return when each word begins, and when the last one ends."""
    starts: list[WordStart] = []
    samples = 0

    def take(audio: bytes, begun: list[WordStart]) -> bool:
        nonlocal samples
        starts.extend(begun)
        samples += len(audio) // 2
        return True

    espeak.synthesize(" ".join(words), _VOICE, rate_wpm, take)
    return (*(start.sample / espeak.rate_hz for start in starts), samples / espeak.rate_hz)


def _with_pause(words: tuple[str, ...], rhythm: tuple[float, ...], place: int | None, pause_s: float) -> Spoken:
    shift = [0.0 if place is None or number < place else pause_s for number in range(len(words))]
    # espeak says some words as one; what it has no time for ends with the next one.
    at = [rhythm[min(number, len(rhythm) - 2)] + shift[number] for number in range(len(words))]
    ends = [*(rhythm[min(number + 1, len(rhythm) - 1)] + shift[number] for number in range(len(words)))]
    if place is None:
        return Spoken(words, tuple(ends), ((at[0], ends[-1]),))
    return Spoken(words, tuple(ends), ((at[0], ends[place - 1]), (at[place], ends[-1])))


def listen(turn: Spoken, settings: TurnSettings, lag_ms: float) -> Ended:
    """Let the turn machine hear a turn, until it asks; it has the transcript at once."""
    state, now = State(), 0.0
    known = 0
    for number in range(round((turn.end_s + _END_S) / _WINDOW_S)):
        now = (number + 1) * _WINDOW_S
        voiced = any(begin <= now - _WINDOW_S / 2 < end for begin, end in turn.voice_s)
        events: list[VoiceWindow | Partial | Tick] = [VoiceWindow(0.9 if voiced else 0.02)]
        heard = sum(end + lag_ms / 1000 <= now for end in turn.word_ends_s)
        if heard != known and state.open_segment is not None:
            known = heard
            events.append(Partial(state.open_segment.stream, " ".join(turn.words[:heard])))
        due = deadline(state, settings)
        if due is not None and now >= due:
            events.append(Tick())
        for event in events:
            state, _ = step(state, event, now, settings)
        if state.phase in {Phase.TRANSCRIBING, Phase.THINKING}:
            return Ended(now < turn.end_s, now - turn.end_s)
    raise NeverOverError(turn)


class NeverOverError(Exception):
    """A turn was not taken for over."""

    def __init__(self, turn: Spoken) -> None:
        super().__init__(f"not over {_END_S:g} s after its end: {' '.join(turn.words)}")


if __name__ == "__main__":
    sys.exit(main())
