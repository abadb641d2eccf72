"""From what was measured in the rooms to the figures that are printed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tools.bench.report import Figure, Goal, Share
from tools.bench.trials import WORDS_PER_SECOND, measure_backchannels, measure_interruptions, measure_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tools.bench.run_room import Recording
    from tools.bench.trials import Interruption, Turn

_MS = 1000.0


def interruption_figures(recordings: Sequence[Recording]) -> list[Figure | Share]:
    """Numbers 1 to 3."""
    tried = [trial for recording in recordings for trial in measure_interruptions(recording)]
    trials = _interruptions(recordings)
    yields = [trial.onset_to_yield_s for trial in trials if trial.onset_to_yield_s is not None]
    return [
        Share(
            "1-3 an interruption interrupts, and can be measured",
            [trial is not None for trial in tried],
            "the trials of the rows below: an interrupt followed the voice, and the reply's speech, kept as it left "
            "the TTS server, was found sample for sample in the recorded loudspeaker",
        ),
        Figure(
            "1 detection -> silence at the loudspeaker",
            "ms",
            [trial.detection_to_silence_s * _MS for trial in trials],
            "pause effect (the trace, room's sample clock) -> last sample of the recorded loudspeaker above 1 step, "
            "fade included; 0 where the reply itself was silent just then",
            [Goal(99, 60)],
        ),
        Figure(
            "2a user onset -> audible yield",
            "ms",
            [value * _MS for value in yields],
            "first sample of the voice within 40 dB of its peak -> the recorded loudspeaker is 10 dB below the same "
            "speech as the TTS server sent it (5 ms windows, least squares; those in which the reply is silent do not "
            "count)",
            [Goal(50, 150)],
        ),
        Figure(
            "2b user onset -> silence",
            "ms",
            [trial.onset_to_silence_s * _MS for trial in trials],
            "the same onset -> last sample of the recorded loudspeaker above 1 step",
            [Goal(50, 400), Goal(90, 500)],
        ),
        _heard(trials),
    ]


def _interruptions(recordings: Sequence[Recording]) -> list[Interruption]:
    return [trial for recording in recordings for trial in measure_interruptions(recording) if trial is not None]


def _heard(trials: Iterable[Interruption]) -> Share:
    return Share(
        "3 heard text within 1 word of what was played",
        [abs(trial.words_heard - trial.words_played) <= 1 for trial in trials],
        "words of the interrupt event's `heard` against the TTS server's own word times at the last sample that left "
        "the recorded loudspeaker",
        99,
    )


def first_word_figures(recordings: Sequence[Recording]) -> list[Figure | Share]:
    """The rest of number 4: what STT got of an interruption."""
    trials = _interruptions(recordings)
    return [
        Share(
            "4b first word of the interruption: in the STT audio",
            [trial.audio_has_first_word for trial in trials],
            "audio_from of the stream that took it <= the onset in the room",
            100,
        ),
        Share(
            "4b first word of the interruption: in the transcript",
            [trial.transcript_has_first_word for trial in trials],
            "the question that was asked contains it (as much the engine's matter as ours)",
        ),
    ]


def backchannel_figures(recordings: Sequence[Recording]) -> list[Figure | Share]:
    """Number 4: what an "uh-huh" costs."""
    trials = [trial for recording in recordings for trial in measure_backchannels(recording)]
    kept = [abs(trial.lost_frames) for trial in trials if trial.lost_frames is not None]
    paused = sum(trial.outcome == "paused" and trial.lost_frames is not None for trial in trials)
    figures: list[Figure | Share] = [
        Share(
            'an "uh-huh" does not cut the reply off',
            [trial.outcome != "cut" for trial in trials],
            "no interrupt followed it; whether the engine understands it is what decides",
        )
    ]
    if kept:
        figures.insert(
            0,
            Figure(
                "4a resume: samples lost or repeated beyond the rewind",
                "samples",
                kept,
                f"place of the reply's speech in the recorded loudspeaker before and after an uh-huh, exact to the "
                f"sample; {paused} times it had paused and resumed, else only ducked; silence between checked",
                [Goal(99, 0)],
            ),
        )
    return figures


def turn_figures(recordings: Sequence[Recording]) -> list[Figure | Share]:
    """Number 5: what a turn takes beyond its engines."""
    measured: list[Turn] = [turn for recording in recordings for turn in measure_turns(recording)]
    if not measured:
        return []
    return [
        Figure(
            "5 end of speech -> first reply audio",
            "ms",
            [turn.end_to_audio_s * _MS for turn in measured],
            "last sample of the voice within 40 dB of its peak -> first sample of the reply at the recorded "
            "loudspeaker: all of it, with the embedded engines",
        ),
        Figure(
            "  of that: the silence that ends the turn",
            "ms",
            [turn.silence_s * _MS for turn in measured],
            "as the words so far say: the records turn-ended",
        ),
        Figure(
            "  of that: without engines and silence",
            "ms",
            [turn.beyond_s * _MS for turn in measured],
            "last sample of the voice within 40 dB of its peak -> first sample of the reply at the recorded "
            "loudspeaker, minus the silence of the turn's end, the traces' STT took_s after the end of the audio, "
            f"LLM first token and rest of the first clause at {WORDS_PER_SECOND:g} words/s, TTS first-audio took_s",
            [Goal(50, 60)],
        ),
        Figure(
            "  of that: until the VAD hears the end",
            "ms",
            [turn.vad_s * _MS for turn in measured],
            "end of turn in the trace - its silence - last sample of the voice within 40 dB of its peak",
        ),
        Figure(
            "  of that: the four processes and the loudspeaker",
            "ms",
            [(turn.beyond_s - turn.vad_s) * _MS for turn in measured],
            "the rest: TCP, event loops, block of 10 ms, loudspeaker latency of 10 ms",
        ),
    ]


def load_figures(recordings: Sequence[Recording], front_end: Sequence[Figure]) -> list[Figure | Share]:
    """Number 6: what the satellite uses."""
    loads = [load for recording in recordings for load in recording.loads]
    return [
        Figure(
            "6 satellite, whole process: CPU per second of audio",
            "ms",
            [load.cpu * _MS for load in loads],
            "user + system time of the process in each second of the room with the interruptions (recording included)",
            [Goal(50, 60)],
        ),
        Figure(
            "6 satellite: resident memory",
            "MB",
            [load.rss_mb for load in loads],
            "once a second, all through the room with the interruptions (MB of 10^6 bytes)",
            [Goal(99, 150)],
        ),
        *(replace(figure, name=f"6 {figure.name}") for figure in front_end),
    ]


def upstream_figure(seconds: Sequence[float]) -> Figure:
    """Number 7: how soon the model stops."""
    return Figure(
        "7 interrupt -> upstream HTTP stream closed",
        "ms",
        [value * _MS for value in seconds],
        "interrupt sent to the bridge's process -> a local OpenAI-compatible server sees the end of its SSE stream",
        [Goal(99, 50)],
        decimals=1,
    )
