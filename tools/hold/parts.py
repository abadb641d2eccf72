"""All parts of `script/test-hold`, in the order in which they are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.hold.crowds import CROWDS
from tools.hold.disk import DISK
from tools.hold.faults import SERVER_FAULTS
from tools.hold.floods import FLOODED
from tools.hold.frames import FRAMES
from tools.hold.kept import KEPT
from tools.hold.lives import FULL_LENGTH, lives
from tools.hold.queues import QUEUES
from tools.hold.strangers import STRANGERS

if TYPE_CHECKING:
    from tools.hold.lives import Length
    from tools.hold.part import Part


def parts(length: Length = FULL_LENGTH) -> tuple[Part, ...]:
    """Return them; `length` is how long the full size lives."""
    return (STRANGERS, FRAMES, CROWDS, QUEUES, FLOODED, SERVER_FAULTS, DISK, KEPT, lives(length))


PARTS = parts()
