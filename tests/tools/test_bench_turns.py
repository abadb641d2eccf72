"""The bench of the end of a turn tells evidence from plain silence, and hears what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.turn.settings import Endpointing, TurnSettings
from tools.bench.turns import Spoken, listen, main

if TYPE_CHECKING:
    import pytest

TURN = Spoken(("turn", "on", "the", "light"), (0.2, 0.4, 0.5, 2.0), ((0.0, 0.5), (1.6, 2.0)))


def test_a_pause_after_an_article_is_waited_out_with_words_and_not_without() -> None:
    plain = TurnSettings(endpointing=Endpointing.SILENCE)
    assert listen(TURN, plain, 150).early
    by_words = listen(TURN, TurnSettings(), 150)
    assert not by_words.early
    assert by_words.after_s < 0.4


def test_words_that_are_known_too_late_help_nobody() -> None:
    assert listen(TURN, TurnSettings(), 2000).early


def test_the_table_has_the_evidence_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(()) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("by evidence", "silence of"))]
    early, late = (
        {line.rsplit(None, 4)[0]: float(line.rsplit(None, 4)[column]) for line in lines} for column in (1, 2)
    )
    ours = early.pop("by evidence, as shipped")
    as_late = min(early, key=lambda name: abs(late[name] - late["by evidence, as shipped"]))
    assert ours < 0.6 * early[as_late]
