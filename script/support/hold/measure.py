"""What an attack did to the processes of a house, as the difference of two looks at them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from script.support.hold.bystander import Pings, bystander, together
from script.support.hold.caller import is_up
from script.support.hold.house import open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from script.support.hold.bystander import Bystander
    from script.support.hold.house import House, Wanted


@dataclass(slots=True)
class Damage:
    """Filled in when the attack is over; by listener where it is a dictionary."""

    rss_mb: dict[str, tuple[float, float]] = field(default_factory=dict)
    log_kb: dict[str, float] = field(default_factory=dict)
    pings: dict[str, Pings] = field(default_factory=dict)
    tracebacks: int = 0
    deaf: list[str] = field(default_factory=list)

    @property
    def harmless(self) -> bool:
        """Whether all live and answer, nobody's ping was lost, and nothing failed that nobody had foreseen."""
        return not (self.deaf or self.tracebacks or together(self.pings.values()).unanswered)

    @property
    def grown_mb(self) -> float:
        """How much memory the process took that took most."""
        return max((after - before for before, after in self.rss_mb.values()), default=0.0)

    @property
    def logged_kb(self) -> float:
        """How much the process logged that logged most."""
        return max(self.log_kb.values(), default=0.0)

    def told(self) -> str:
        """Say what is the matter."""
        everybody = together(self.pings.values())
        deaf = f"{', '.join(self.deaf)} answer nobody any more" if self.deaf else "all answer"
        return f"{deaf}, {self.tracebacks} tracebacks, {everybody.unanswered} pings of a bystander unanswered"

    def memory(self) -> str:
        """Say how much memory the processes have."""
        return ", ".join(f"{name} {before:.0f}→{after:.0f}" for name, (before, after) in self.rss_mb.items()) + " MB"


class Watch:
    """Looks at a house, with a bystander in it."""

    def __init__(self, house: House, watching: Bystander) -> None:
        self.house = house
        self._watching = watching

    @contextlib.asynccontextmanager
    async def during(self) -> AsyncIterator[Damage]:
        """Note what an attack does; the damage is known when the context has ended."""
        house = self.house
        damage = Damage()
        await self._watching.report()
        rss = {name: house.rss_mb(name) for name in house.uris}
        logged = {name: len(house.log(name)) for name in house.uris}
        tracebacks = house.tracebacks()
        yield damage
        damage.deaf = [name for name, uri in house.uris.items() if not (house.alive(name) and await is_up(uri))]
        alive = [name for name in house.uris if house.alive(name)]
        damage.pings = await self._watching.report()
        damage.rss_mb = {name: (rss[name], house.rss_mb(name)) for name in alive}
        damage.log_kb = {name: (len(house.log(name)) - logged[name]) / 1000 for name in house.uris}
        damage.tracebacks = house.tracebacks() - tracebacks


@contextlib.asynccontextmanager
async def open_watched(folder: Path, wanted: Wanted) -> AsyncIterator[Watch]:
    """Run a house with a bystander in it; raises ProcessDiedError."""
    async with open_house(folder, wanted) as house, bystander(house.uris) as watching:
        yield Watch(house, watching)
