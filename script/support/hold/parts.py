"""All parts of `script/test-hold`, in the order in which they are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from script.support.hold.crowds import CROWDS
from script.support.hold.disk import DISK
from script.support.hold.faults import SERVER_FAULTS
from script.support.hold.floods import FLOODED
from script.support.hold.frames import FRAMES
from script.support.hold.kept import KEPT
from script.support.hold.lives import FULL_LENGTH, lives
from script.support.hold.queues import QUEUES
from script.support.hold.strangers import STRANGERS

if TYPE_CHECKING:
    from script.support.hold.lives import Length
    from script.support.hold.part import Part


def parts(length: Length = FULL_LENGTH) -> tuple[Part, ...]:
    """Return them; `length` is how long the full size lives."""
    return (STRANGERS, FRAMES, CROWDS, QUEUES, FLOODED, SERVER_FAULTS, DISK, KEPT, lives(length))


PARTS = parts()
