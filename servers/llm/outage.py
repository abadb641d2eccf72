"""When a file that failed is tried again or begun anew, and when turns expire; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from interject.servers.llm.errors import Fault

# Nobody waits for the disk meanwhile; a person who makes room on it sees within this time that it helped.
TRY_AGAIN_S = 30.0
# Damage that comes back sooner is the disk's, and another new file would be damaged as well.
_ANEW_EVERY_S = 600.0
# What has expired is gone at most this much later.
EXPIRE_EVERY_S = 600.0
# More than a clock is ever slewed in that time; less than a wrong date.
_STEADY_WITHIN_S = 60.0


class Step(Enum):
    """What to do about a file that failed."""

    # The file is set aside, and a new one takes what is in memory.
    BEGIN_ANEW = "begin anew"
    # Conversations are kept in memory alone.
    USE_MEMORY = "use memory"


@dataclass(frozen=True, slots=True)
class Disk:
    """Whether the file is in use; times of a monotonic clock, in s.

    `out_since`: since when only memory is used, None while the file is; `try_at`: when the file is tried again.
    """

    out_since: float | None = None
    try_at: float = 0.0
    anew_at: float | None = None

    def is_due(self, now: float) -> bool:
        """Tell whether the file is to be tried again."""
        return self.out_since is not None and now >= self.try_at


def after_fault(disk: Disk, fault: Fault, now: float) -> tuple[Disk, Step]:
    """Return the state after a fault of a file in use, and what to do about it."""
    if fault is Fault.DAMAGED and disk.out_since is None and _may_begin_anew(disk, now):
        return replace(disk, anew_at=now), Step.BEGIN_ANEW
    return put_off(disk, now), Step.USE_MEMORY


def put_off(disk: Disk, now: float) -> Disk:
    """Return the state with the file out of use until it is tried again, TRY_AGAIN_S from now."""
    return replace(disk, out_since=now if disk.out_since is None else disk.out_since, try_at=now + TRY_AGAIN_S)


def after_success(disk: Disk) -> Disk:
    """Return the state with the file in use."""
    return replace(disk, out_since=None)


def _may_begin_anew(disk: Disk, now: float) -> bool:
    return disk.anew_at is None or now - disk.anew_at >= _ANEW_EVERY_S


@dataclass(frozen=True, slots=True)
class Clocks:
    """What both clocks said at one moment: in s since 1970, and of the monotonic clock."""

    wall_s: float
    mono_s: float


def is_expiry_due(last: Clocks | None, now: Clocks) -> bool:
    """Tell whether it is time to look for what has expired."""
    return last is None or now.mono_s - last.mono_s >= EXPIRE_EVERY_S


def may_expire(last: Clocks | None, now: Clocks) -> bool:
    """Tell whether the date can be trusted: it has gone on as the monotonic clock did since the last look.

    After a jump, forwards or back, one look is passed over; a wrong date that is soon corrected deletes nothing.
    """
    if last is None:
        return True
    return abs((now.wall_s - last.wall_s) - (now.mono_s - last.mono_s)) <= _STEADY_WITHIN_S
