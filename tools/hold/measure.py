"""What an attack did to the processes of a house, as the difference of two looks at them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.hold.bystander import Pings, bystander, together
from tools.hold.caller import is_up
from tools.hold.house import open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tools.hold.bystander import Bystander
    from tools.hold.house import House, Wanted

_LOOK_EACH_S = 0.1


@dataclass(slots=True)
class Damage:
    """Filled in when the attack is over; by listener where it is a dictionary.

    rss_mb: before it, and the most while it went on and after.
    """

    rss_mb: dict[str, tuple[float, float]] = field(default_factory=dict)
    log_kb: dict[str, float] = field(default_factory=dict)
    pings: dict[str, Pings] = field(default_factory=dict)
    tracebacks: int = 0
    deaf: list[str] = field(default_factory=list)

    @property
    def harmless(self) -> bool:
        """Whether all live and answer, nobody's ping was lost, and nothing failed that nobody had foreseen."""
        return not (self.deaf or self.tracebacks or together(self.pings.values()).unanswered)

    def grown(self, most_mb: Mapping[str, float]) -> list[str]:
        """Return who took more memory than it may."""
        return [name for name, (before, most) in self.rss_mb.items() if most - before > most_mb[name]]

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
        """Say how much memory the processes had, and have."""
        return "RSS " + ", ".join(f"{name} {was:.0f}→{most:.0f}" for name, (was, most) in self.rss_mb.items()) + " MB"


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
        logged = {name: len(house.log(name)) for name in house.uris}
        tracebacks = house.tracebacks()
        damage.rss_mb = {name: (house.rss_mb(name), 0.0) for name in house.uris}
        looking = asyncio.create_task(self._look(damage), name="looks at memory")
        try:
            yield damage
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        damage.deaf = [name for name, uri in house.uris.items() if not (house.alive(name) and await is_up(uri))]
        damage.pings = await self._watching.report()
        damage.log_kb = {name: (len(house.log(name)) - logged[name]) / 1000 for name in house.uris}
        damage.tracebacks = house.tracebacks() - tracebacks

    async def _look(self, damage: Damage) -> None:
        while True:
            for name, (before, most) in damage.rss_mb.items():
                if self.house.alive(name):
                    damage.rss_mb[name] = before, max(most, self.house.rss_mb(name))
            await asyncio.sleep(_LOOK_EACH_S)


@contextlib.asynccontextmanager
async def open_watched(folder: Path, wanted: Wanted) -> AsyncIterator[Watch]:
    """Run a house with a bystander in it; raises ProcessDiedError."""
    async with open_house(folder, wanted) as house, bystander(house.uris) as watching:
        yield Watch(house, watching)
