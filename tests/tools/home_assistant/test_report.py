"""The table says what was seen, and what failed."""

from __future__ import annotations

from tools.harness.checks import Check
from tools.home_assistant.figures import COMMIT_TO_TRANSCRIBE, FIRST_WORD, STALE_SAMPLES, Column
from tools.home_assistant.report import Outcome, as_json, markdown
from tools.home_assistant.scenes import SCENES, Ends, many

GOOD = Outcome(
    SCENES["barge-in"],
    [Check("it was cut", passed=True)],
    [Column(COMMIT_TO_TRANSCRIBE, [10.0, 20.0, 30.0]), Column(STALE_SAMPLES, [0, 0]), Column(FIRST_WORD, [1, 1])],
)
BAD = Outcome(SCENES["timer"], [Check("it rings", passed=False)], [Column(STALE_SAMPLES, [5])], error="a process died")


def test_a_row_a_scene_and_one_of_all() -> None:
    text = markdown("2026.11.0", [GOOD, BAD])
    rows = {line.split(" | ")[0].lstrip("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert "1 of 1 | 20 / 30 |" in rows["barge-in"]
    assert "100 (2)" in rows["barge-in"]
    assert "0 of 1 **FAILED**" in rows["timer"]
    assert " 5 |" in rows["all"]


def test_failures_are_named() -> None:
    text = markdown("2026.11.0", [GOOD, BAD])
    assert "- timer: it rings" in text
    assert "- timer: a process died" in text
    assert "Everything came true." not in text
    assert "Everything came true." in markdown("2026.11.0", [GOOD])


def test_the_json_has_every_value() -> None:
    (good, bad) = as_json("2026.11.0", [GOOD, BAD])["scenes"]
    assert good["figures"][COMMIT_TO_TRANSCRIBE] == [10.0, 20.0, 30.0]
    assert bad["checks"] == {"it rings": False}


def test_the_measurement_cuts_off_as_many_replies_as_asked_for() -> None:
    scene = many(100)
    assert scene.interruptions == 100
    assert scene.sayings[-1].ends is Ends.BEGUN
