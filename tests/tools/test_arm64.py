"""What script/test-arm64 makes of its counts and of what two processors heard; nothing is emulated here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tools.arm64 import limits
from tools.arm64.__main__ import LIMITS
from tools.arm64.agreement import compare
from tools.arm64.limits import Count, LimitsError, Recorded, exceeded, limit_m, table
from tools.arm64.outputs import outputs
from tools.arm64.parts import PARTS, counts_of
from tools.arm64.root import NeededError, NeedsRootError, make_root
from tools.bench.instructions import NotCountedError, between_marks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Values = NDArray[np.generic]

RECORDED = Recorded("abc1234", "counted", {"canceller": 75.0, "player": 4.0})
OUTPUTS: dict[str, Values] = {
    "vad": np.array([0.1, 0.9, 0.2]),
    "wake": np.array([30_720]),
    "stop": np.array([26_240]),
    "no_stop": np.array([]),
    "player": np.array([100, -200, 300]),
    "front_end_probability": np.array([0.1, 0.8]),
    "front_end_own_voice": np.array([True, False]),
    "front_end_level_db": np.array([-90.0, -30.0]),
    "front_end_kept": np.array([1, 2, 3]),
}


def failures(there: dict[str, Values]) -> set[str]:
    return {check.what.partition(":")[0] for check in compare(OUTPUTS, OUTPUTS | there) if not check.passed}


def test_what_is_the_same_agrees() -> None:
    assert failures({}) == set()


@pytest.mark.parametrize(
    "there",
    [
        {"vad": np.array([0.1, 0.90005, 0.2])},
        {"player": np.array([101, -201, 300])},
        {"front_end_probability": np.array([0.14, 0.76])},
        {"front_end_level_db": np.array([-80.0, -30.5])},
        {"front_end_kept": np.array([0, 3, 3])},
    ],
    ids=lambda there: next(iter(there)),
)
def test_what_nobody_notices_agrees(there: dict[str, Values]) -> None:
    assert failures(there) == set()


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({"vad": np.array([0.1, 0.91, 0.2])}, "VAD"),
        ({"vad": np.array([0.1, 0.9])}, "VAD"),
        ({"vad": np.array([0.1, np.nan, 0.2])}, "VAD"),
        ({"wake": np.array([])}, "wake word heard, once"),
        ({"wake": np.array([30_720, 60_000])}, "wake word heard, once"),
        ({"stop": np.array([26_560])}, "stop word heard, once"),
        ({"no_stop": np.array([26_560])}, "no stop word heard in another sentence"),
        ({"player": np.array([100, -200, 302])}, "player"),
        ({"front_end_probability": np.array([0.1, 0.74])}, "front end"),
        ({"front_end_own_voice": np.array([True, True])}, "front end"),
        ({"front_end_level_db": np.array([-90.0, -32.0])}, "front end"),
        ({"front_end_kept": np.array([1, 2])}, "front end"),
    ],
)
def test_what_a_user_may_notice_is_told(there: dict[str, Values], told: str) -> None:
    assert failures(there) == {told}


def test_no_word_on_either_machine_is_no_agreement() -> None:
    deaf = OUTPUTS | {"wake": np.array([])}
    assert [check.what for check in compare(deaf, deaf) if not check.passed] == ["wake word heard, once"]


@pytest.mark.slow
def test_this_machine_hears_the_words_and_agrees_with_itself() -> None:
    assert all(check.passed for check in compare(outputs(), outputs()))


def test_marks_are_taken_in_pairs() -> None:
    said = "a warning\nmark 0: 1000\nmark 1: 1500\nanother\nmark 2: 4000\nmark 3: 4100\ninstructions: 9000\n"
    assert between_marks(said) == [500, 100]


@pytest.mark.parametrize(
    "said", ["", "instructions: 9\n", "mark 0: 5\n", "mark 0: 5\nmark 0: 6\n", "mark 1: 5\nmark 2: 6\n"]
)
def test_marks_that_are_no_pairs_are_refused(said: str) -> None:
    with pytest.raises(NotCountedError, match="no pairs of marks"):
        between_marks(said)


def test_a_part_may_grow_by_a_tenth_and_no_more() -> None:
    assert list(exceeded([Count("canceller", [82.4]), Count("player", [4.0])], RECORDED)) == []
    (told,) = exceeded([Count("canceller", [82.6]), Count("player", [4.0])], RECORDED)
    assert told == "canceller: 82.6 M, 10 % more than the 75.0 M at abc1234"


def test_a_small_part_may_grow_by_a_million() -> None:
    assert limit_m(4.0) == 5.0
    assert limit_m(75.0) == 82.5


def test_the_least_of_several_counts_is_judged() -> None:
    count = Count("canceller", [99.0, 75.0])
    assert list(exceeded([count, Count("player", [4.0])], RECORDED)) == []
    assert count.spread_percent == pytest.approx(32.0)


def test_a_new_part_and_one_that_is_gone_are_told() -> None:
    assert list(exceeded([Count("canceller", [75.0]), Count("mixer", [1.0])], RECORDED)) == [
        "mixer: was never recorded",
        "player: was recorded, and is not counted any more",
    ]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    limits.write(tmp_path / "limits.json", replace(RECORDED, millions={"canceller": 75.04, "player": 4.0}))
    assert limits.read(tmp_path / "limits.json") == RECORDED


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"commit": "a", "method": "b", "millions_per_second": {"x": "y"}}'])
def test_a_damaged_record_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "limits.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LimitsError, match="--record writes it"):
        limits.read(path)


def test_a_missing_record_is_told(tmp_path: Path) -> None:
    with pytest.raises(LimitsError, match="cannot be read"):
        limits.read(tmp_path / "limits.json")


def test_the_table_has_the_least_count_its_spread_and_its_limit() -> None:
    head, rule, canceller, new = table([Count("canceller", [75.75, 75.0]), Count("new", [1.0])], RECORDED).splitlines()
    assert [cell.strip() for cell in canceller.strip("|").split("|")] == ["canceller", "75.0", "1.00 %", "75.0", "82.5"]
    assert [cell.strip() for cell in new.strip("|").split("|")] == ["new", "1.0", "0.00 %", "", ""]
    assert len({len(line) for line in (head, rule, canceller, new)}) == 1


@pytest.fixture
def counted() -> Callable[[str], float]:
    """Returns what a row has when part k takes 2**k million instructions a second."""
    (*counts,) = counts_of([[2**number * 10_000_000 for number, _ in enumerate(PARTS)]])
    rows = {count.name: count.least_m for count in counts}
    return lambda name: rows[name]


def test_guard_and_rest_are_differences(counted: Callable[[str], float]) -> None:
    parts = {part.name: 2.0**number for number, part in enumerate(PARTS)}
    assert counted("- echo canceller") == parts["- echo canceller"]
    assert counted("- echo guard") == parts["- echo canceller and guard"] - parts["- echo canceller"]
    known = sum(
        parts[f"- {name}"] for name in ("resampling to 16 kHz", "echo canceller and guard", "noise suppression", "VAD")
    )
    assert counted("- the rest") == parts["front end: we speak, and the user interrupts"] - known


def test_all_that_is_counted_was_recorded() -> None:
    names = {count.name for count in counts_of([[1 for _ in PARTS]])}
    assert names == set(limits.read(LIMITS).millions)


async def test_what_is_missing_is_named_with_the_packages_that_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NeededError, match=r"qemu-aarch64, .*as root: apt-get .* mmdebstrap qemu-user gcc "):
        await make_root(tmp_path / "root", lambda _: None)
    assert not (tmp_path / "root").exists()


async def test_without_root_it_says_so_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("mmdebstrap", "qemu-aarch64", "gcc", "aarch64-linux-gnu-gcc"):
        (tmp_path / program).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NeedsRootError, match="needs root"):
        await make_root(tmp_path / "root", lambda _: None)
    assert not (tmp_path / "root").exists()
