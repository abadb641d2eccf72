from __future__ import annotations

import pytest

from interject.satellite.turn.machine import TRANSITIONS
from interject.satellite.turn.settings import TurnSettings
from tools.generators.diagram import PAGE, MissingRegionError, diagram, number_table, render


def test_the_page_shows_what_the_code_does() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == render(page), "run: python -m tools.generators.diagram"


def test_every_declared_transition_is_an_arrow() -> None:
    drawn = diagram()
    for (phase, event), row in TRANSITIONS.items():
        for to in row.to:
            (arrow,) = [line for line in drawn.splitlines() if line.startswith(f"    {phase.name} --> {to.name}: ")]
            assert event.__name__ in arrow


def test_every_number_is_told_with_its_unit() -> None:
    table = number_table()
    assert "| `--endpoint-silence-ms` | 600 | ms |" in table
    assert "| `--listen-max-s` | 30 | s |" in table
    assert table.count("\n") == 2 + len(TurnSettings.__slots__)


def test_a_page_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(MissingRegionError, match="diagram"):
        render("# Turn-taking\n")
