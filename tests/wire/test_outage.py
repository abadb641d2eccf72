from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.wire.outage import Backoff, Outage

if TYPE_CHECKING:
    import pytest


def test_only_the_first_failure_of_a_row_and_its_end_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outage = Outage(logging.getLogger("lamp"))
    outage.worked("the lamp works again")
    for number in (1, 2, 3):
        outage.failed("the lamp is dark (%d)", number)
    outage.worked("the lamp works again")
    outage.worked("the lamp works again")
    outage.failed("the lamp is dark (%d)", 4)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the lamp is dark (1)"),
        ("DEBUG", "the lamp is dark (2)"),
        ("DEBUG", "the lamp is dark (3)"),
        ("WARNING", "the lamp works again"),
        ("WARNING", "the lamp is dark (4)"),
    ]


def test_waits_grow_to_the_longest_and_begin_again_after_success() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next_s() == 0.5
