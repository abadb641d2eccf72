"""Peers that send all they can: how late a satellite moves its audio meanwhile, and how long others wait for an answer.

They are some of `script/bench lateness`, for a shorter time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.bench.lateness import GOAL_P99_MS, SAME, SATELLITE, SERVERS, STRANGER, measure
from tools.harness.floods import Flood
from tools.hold.part import Part, Row, Size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.bench.lateness import Measured

_SECONDS = 1.0
# Of an odd number the machine may disturb one.
_PAIRS = 3
# What takes a service most.
_DEAREST = ((Flood.MANY_LISTS, STRANGER), (Flood.DESCRIBES, STRANGER))
_OTHERS = ((Flood.PINGS, SAME), (Flood.CONNECTIONS, STRANGER), (Flood.PAYLOADS, STRANGER))


@dataclass(frozen=True, slots=True)
class _Attack:
    services: Sequence[str]
    floods: Sequence[tuple[Flood, str]]
    pairs: int


_ATTACKS = {
    Size.SHORT: (_Attack((SATELLITE,), _DEAREST, 1),),
    Size.FULL: (_Attack((SATELLITE,), (*_DEAREST, *_OTHERS), _PAIRS), _Attack(SERVERS, _DEAREST, 1)),
}
# A satellite takes a server for hung that answers no ping within 2 s.
_PING_P99_MS = 50.0


async def _run(folder: Path, size: Size) -> Sequence[Row]:
    rows: list[Row] = []
    for attack in _ATTACKS[size]:
        place = folder / attack.services[0]
        place.mkdir()
        measured = await measure(place, _SECONDS, attack.pairs, attack.floods, attack.services)
        rows += [_row(flood, attack.pairs) for flood in measured]
    return rows


def _row(measured: Measured, pairs: int) -> Row:
    quiet, attacked = measured.pong(0), measured.pong(1)
    sent = sum(with_it.sent for _, with_it in measured.pairs)
    ratio = attacked[0] / quiet[0]
    late, goal = "", f"ping at P99 {_PING_P99_MS:g} ms at most"
    if measured.service == SATELLITE:
        late = f"audio late, P99: {measured.audio(0)[2]:.1f} → {measured.audio(1)[2]:.1f} ms; "
        goal = f"audio {GOAL_P99_MS:g} ms later at most, {goal}"
    return Row(
        f"{measured.service}: flood of {measured.flood.value} from {measured.address}",
        f"{pairs} times {_SECONDS:g} s without and {_SECONDS:g} s with it, {sent:,} sent",
        f"{late}ping of a bystander: P50 {ratio:.1f} times, P99 {quiet[2]:.1f} → {attacked[2]:.1f} ms",
        goal,
        held=measured.held and attacked[2] <= _PING_P99_MS,
        timed=True,
    )


FLOODED = Part("floods", _run)
