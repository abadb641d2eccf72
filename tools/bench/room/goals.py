"""What the satellite is asked to reach in the room."""

from __future__ import annotations

from tools.bench.report import Goal
from tools.simulator.scene import Kind

DUCK_MS = (Goal(50, 150),)
SILENCE_MS = (Goal(50, 400), Goal(90, 500))
# Percent of the sounds of a kind; None: no goal is set.
YIELDS = {Kind.LONG: 98.0, Kind.SHORT: 98.0, Kind.WORD: 95.0, Kind.DOUBLE_TALK: 98.0}
ALL_YIELDS = 98.0
DUCKS_PER_H = 6.0
LEFT_ALONE = {Kind.BACKCHANNEL: 90.0, Kind.COUGH: 80.0, Kind.SIDE_TALK: 60.0, Kind.TV: None}
