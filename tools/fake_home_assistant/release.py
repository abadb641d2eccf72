"""What Home Assistant's versions differ in, and every time that it keeps.

Measured with Home Assistant 2026.11.0 and 2026.2.3, and the same in their sources.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds."""

    # From a pong (or the start) to the next ping.
    ping: float = 2.0
    # Without any event from the satellite the link is dropped.
    silence: float = 5.0
    # From a link that broke to the next attempt.
    restart: float = 3.0
    # From an attempt that failed to the next; the first after the satellite closed fails, which makes 13 s.
    retry: float = 10.0
    # Between the connections that only ask for the info.
    describe: float = 30.0
    # An announcement waits so much longer than its audio lasts for `played`.
    played_grace: float = 0.5
    # The same wake word again within this time is taken for another room's.
    wake_cooldown: float = 2.0
    # From an invalid run to the error that says so; 1 to 8 ms were measured.
    validation: float = 0.002
    # From a run's cancellation to its end: its connections are closed first.
    winding_up: float = 0.001


@dataclass(frozen=True, slots=True)
class Release:
    """One version's ways."""

    # A run that fails its validation is answered with an error; 2026.2 says nothing at all.
    says_validation_error: bool = True
    # Opens a connection of its own for `describe` now and then; 2026.2 does so once, when it is set up.
    describes_again: bool = True
    # Audio after a `detection` begins a run even if none was asked for.
    detection_begins_run: bool = True
    # A failed run that was to restart on its end is not restarted.
    gives_up_failing_runs: bool = True
    times: Times = Times()


V2026_11 = Release()
V2026_2 = Release(
    says_validation_error=False, describes_again=False, detection_begins_run=False, gives_up_failing_runs=False
)
