"""The figures of the sound card path, and how each was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import Convergence
from interject.wire.errors import InterjectError
from tools.bench.report import Figure, Goal, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.satellite.aec.base import EchoReport
    from tools.sound_card.pauses import Running, Trial, Truth
    from tools.sound_card.talk import Talk
    from tools.sound_card.truth import Answered, Judged

# The device's period: no count of samples that are handed over in periods is finer.
_PERIOD_MS = 20
# A period that has just been fetched, two that the sound server holds, and the fade of the player: 20 ms each.
_PAUSE_MS = 85
# The project's goals for an echo of 0 to 20 dB.
_DUCK_P50_MS, _SILENCE_P50_MS, _SILENCE_P90_MS = 150, 400, 500
_HEARD_PERCENT, _DUCKS_PER_HOUR = 98, 6


class NothingSaidError(InterjectError):
    """The satellite kept silent in every talk."""

    def __init__(self) -> None:
        super().__init__("the satellite heard no question in the room and said nothing; try again on an idle machine")


@dataclass(frozen=True, slots=True)
class JudgedTalk:
    """A talk and what is known of it from outside; slips are the room's own, and move the echo."""

    talk: Talk
    judged: Judged
    delays_ms: Sequence[float]
    slips: int


def pause_figures(trials: Sequence[Trial], truths: Sequence[Truth], rate_hz: int) -> list[Figure | Share]:
    """Give what the device and the player do when a reply is paused."""
    ms = 1000 / rate_hz
    pairs = list(zip(trials, truths, strict=True))
    return [
        Figure(
            "output latency, true",
            "ms",
            [truth.latency_ms for truth in truths],
            "from the device fetching a period to its first sample at the loudspeaker sink, by the sink's own clock",
            decimals=1,
        ),
        Figure(
            "output latency, reported",
            "ms",
            [trial.latency_frames * ms for trial, _ in pairs],
            "the device's output_latency_frames when the reply was paused",
            decimals=1,
        ),
        Figure(
            "latency report, error",
            "ms",
            [abs(trial.latency_frames * ms - truth.latency_ms) for trial, truth in pairs],
            "reported - true, without its sign",
            [Goal(90, _PERIOD_MS)],
            1,
        ),
        Figure(
            "position counter at pause(), error",
            "ms",
            [abs(trial.position - truth.position) * ms for trial, truth in pairs],
            "Player.position() against the reply's samples that had been played by then, without its sign; the counter "
            f"moves in periods of {_PERIOD_MS} ms",
            [Goal(90, _PERIOD_MS)],
            1,
        ),
        Figure(
            "position counter at pause(), ahead by",
            "ms",
            [(trial.position - truth.position) * ms for trial, truth in pairs],
            "the same with its sign: what was told before it was played",
            decimals=1,
        ),
        Figure(
            "pause() -> silence",
            "ms",
            [truth.silent_ms for truth in truths],
            "to the last audible sample at the loudspeaker sink; 20 ms of it are the fade",
            [Goal(90, _PAUSE_MS)],
            1,
        ),
        Figure(
            "samples lost or altered before the pause point",
            "",
            [truth.altered for truth in truths],
            "the reply is noise; each sample of it up to the pause point is compared with the loudspeaker sink's",
            [Goal(99, 0)],
        ),
        Figure(
            "audible after the pause point",
            "ms",
            [truth.beyond * ms for truth in truths],
            "the fade, and nothing else",
            [Goal(99, _PERIOD_MS)],
            1,
        ),
        Share(
            "position once silent = pause point",
            [trial.settled == trial.pause_point for trial in trials],
            "Player.position() 0.4 s after pause() against Player.paused_at()",
            100,
        ),
    ]


def talk_figures(judged_talks: Sequence[JudgedTalk]) -> list[Figure | Share]:
    """Give what the whole satellite does."""
    answered = [answer for judged_talk in judged_talks for answer in judged_talk.judged.answered]
    hours = sum(judged_talk.judged.playback_s for judged_talk in judged_talks) / 3600
    if not hours:
        raise NothingSaidError
    minutes = f"{60 * hours:.1f} min of SPEAKING, at an echo 10 dB louder than a user's voice"
    figures: list[Figure | Share] = [
        Figure(
            "self-interrupts per hour",
            "",
            [sum(judged_talk.judged.self_interrupts for judged_talk in judged_talks) / hours],
            f"pauses and commits while nobody else spoke, in {minutes}",
            [Goal(50, 0)],
            1,
        ),
        Figure(
            "own ducks per hour",
            "",
            [sum(judged_talk.judged.self_ducks for judged_talk in judged_talks) / hours],
            f"ducks while nobody else spoke, in {minutes}",
            [Goal(50, _DUCKS_PER_HOUR)],
            1,
        ),
        Share(
            "interruptions heard",
            [answer.decided_ms is not None for answer in answered],
            "paused or committed within 2 s of the onset, of those that began while the satellite spoke",
            _HEARD_PERCENT,
        ),
        *_latencies(answered),
        *_echo_figures(judged_talks),
        Figure(
            "losses of the device",
            "",
            [len(judged_talk.talk.failures) for judged_talk in judged_talks],
            "how often the supervisor had to open it anew; a talk each",
            [Goal(99, 0)],
        ),
        Figure(
            "slips of the room",
            "",
            [judged_talk.slips for judged_talk in judged_talks],
            "how often the room itself was late: a fault of the measurement that moves the echo; a talk each",
        ),
    ]
    return [figure for figure in figures if len(figure.values)]


def running_figures(runs: Sequence[Running]) -> list[Figure | Share]:
    """Give what got lost while the device ran."""
    periods = sum(run.blocks for run in runs)
    return [
        Figure(
            "microphone frames lost",
            "",
            [run.lost_frames for run in runs],
            f"as the device reported, in {periods} periods of {_PERIOD_MS} ms; an opening each",
            [Goal(99, 0)],
        ),
        Figure(
            "stalls of the device",
            "",
            [run.stalls for run in runs],
            "waits of more than 60 ms between two periods; an opening each",
            [Goal(99, 0)],
        ),
    ]


def _latencies(answered: Sequence[Answered]) -> list[Figure | Share]:
    def of(take: Callable[[Answered], float | None]) -> list[float]:
        return [value for answer in answered if (value := take(answer)) is not None]

    onset = "from the onset in the microphone's own recording, by the system's clock"
    return [
        Figure("onset -> duck", "ms", of(lambda answer: answer.duck_ms), onset, [Goal(50, _DUCK_P50_MS)]),
        Figure("onset -> pause or commit", "ms", of(lambda answer: answer.decided_ms), onset),
        Figure(
            "onset -> silence",
            "ms",
            of(lambda answer: answer.silent_ms),
            f"{onset}, to the last audible sample at the loudspeaker sink",
            [Goal(50, _SILENCE_P50_MS), Goal(90, _SILENCE_P90_MS)],
        ),
    ]


def _echo_figures(judged_talks: Sequence[JudgedTalk]) -> list[Figure | Share]:
    known = [_known(judged_talk.talk.reports) for judged_talk in judged_talks]
    reports = [report for part in known for report in part]
    found = [[report.delay_ms for report in part if report.delay_ms is not None] for part in known]
    strayed = [abs(delay - float(np.median(part))) for part in found for delay in part]
    beside = [
        abs(float(np.median(part)) - float(np.median(judged_talk.delays_ms)))
        for part, judged_talk in zip(found, judged_talks, strict=True)
        if part and judged_talk.delays_ms
    ]
    each = "as the canceller told it each second of playback once converged"
    return [
        Figure("echo delay, found", "ms", [delay for part in found for delay in part], each, decimals=1),
        Figure(
            "echo delay, truth",
            "ms",
            [delay for judged_talk in judged_talks for delay in judged_talk.delays_ms],
            "strongest path in the whitened cross-correlation of ten seconds of played and microphone, every 30 s",
            decimals=1,
        ),
        Figure("echo delay, found - truth", "ms", beside, "medians, without the sign; a talk each", decimals=1),
        Figure("echo delay, unrest", "ms", strayed, "distance from the talk's median", decimals=1),
        Figure(
            "drift found",
            "ppm",
            [abs(report.drift_ppm) for report in reports if report.drift_ppm is not None],
            f"{each}, without its sign; both directions have one clock here: the truth is 0",
            decimals=1,
        ),
        Figure("ERLE", "dB", [report.erle_db for report in reports if report.erle_db is not None], each, decimals=1),
    ]


def _known(reports: Sequence[EchoReport]) -> list[EchoReport]:
    return [report for report in reports if report.playing and report.convergence is Convergence.CONVERGED]
