"""All parts of `script/test-hold`, in the order in which they are tried."""

from __future__ import annotations

from script.support.hold.frames import FRAMES
from script.support.hold.strangers import STRANGERS

PARTS = (STRANGERS, FRAMES)
