"""Latencies of a demo, from the recorded loudspeaker and the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tools.harness.checks import Evidence

_WINDOW_S = 0.02
_AUDIBLE_PEAK = 2


def demo_metrics(evidence: Evidence) -> dict[str, float]:
    """Return named latencies in seconds, as far as the scene has them."""
    metrics: dict[str, float] = {}
    speaks, stops = evidence.of("room", "user-speaks"), evidence.of("room", "user-stops")
    starts = evidence.of("satellite", "reply-started")
    if stops and starts:
        last_before = [event["t"] for event in stops if event["t"] < starts[0]["t"]]
        if last_before:
            metrics["end of the question -> first sound of the reply"] = starts[0]["t"] - last_before[-1]
    interrupts = evidence.of("satellite", "interrupt")
    if len(speaks) > 1 and interrupts and starts and starts[0]["t"] < interrupts[0]["t"]:
        metrics |= barge_in_metrics(evidence, speaks[-1], interrupts[0])
    return metrics


def barge_in_metrics(evidence: Evidence, speaks: dict[str, Any], interrupt: dict[str, Any]) -> dict[str, float]:
    """Return what the user's onset led to, and when."""
    onset = float(speaks["onset_t"])
    metrics: dict[str, float] = {}
    for kind in ("duck", "pause"):
        after = [event["t"] for event in evidence.of("satellite", kind) if event["t"] >= onset]
        if after:
            metrics[f"user's onset -> {kind}"] = after[0] - onset
    metrics["user's onset -> commit"] = interrupt["t"] - onset
    silent_at = last_sound(evidence, onset, interrupt["t"] + 1.0)
    if silent_at is not None:
        metrics["user's onset -> silence"] = silent_at - onset
        decided = min(
            [event["t"] for event in evidence.of("satellite", "pause") if event["t"] >= onset] or [interrupt["t"]]
        )
        metrics["decision -> silence"] = silent_at - decided
    return metrics


def last_sound(evidence: Evidence, onset: float, until: float) -> float | None:
    """Return when the loudspeaker gave its last sound after an onset; None if it did not fall silent by `until`."""
    start, end = int(onset * evidence.rate_hz), int(until * evidence.rate_hz)
    audible = np.flatnonzero(np.abs(evidence.loudspeaker[start:end].astype(np.int32)) > _AUDIBLE_PEAK)
    if not len(audible):
        return onset
    last = int(audible[-1])
    quiet = end - start - last
    # What sounds to the end of the stretch has not stopped.
    return None if quiet < int(_WINDOW_S * evidence.rate_hz) else (start + last + 1) / evidence.rate_hz
