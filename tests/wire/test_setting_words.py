"""Settings of several words, that follow from others, or that are only known in order to be refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pytest

from interject.wire.errors import SettingError
from interject.wire.setting_field import Derived, Words
from interject.wire.settings import SettingRow, describe_refused, describe_schema, load, option, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Seat(Words):
    WORDS: ClassVar[tuple[str, ...]] = ("ROW", "NUMBER", "GUEST")
    REQUIRED: ClassVar[int] = 2

    row: str
    number: int
    guest: str | None = None

    @classmethod
    def from_words(cls, *words: str) -> Self:
        row, number, *guest = words
        return cls(row, int(number), *guest)


def _lights(given: Mapping[str, Any]) -> int:
    return 10 * len(given.get("taken", ()))


@dataclass(frozen=True, slots=True)
class House:
    best: Seat | None = option(None, "the best seat")
    taken: tuple[Seat, ...] = option((), "seats that are taken")
    lights: int = option(Derived(0, _lights), "how many lights are on")
    curtain: None = refused("the curtain went; use --lights")


def house(*argv: str, **environ: str) -> House:
    return load(House, prefix="stt", argv=argv, environ=environ, description="tests")


def from_file(path: Path, line: str) -> House:
    path.write_text(f"[stt]\n{line}\n", encoding="utf-8")
    return house("--config", str(path))


def test_the_words_of_a_flag_follow_it() -> None:
    assert house("--best", "A", "1").best == Seat("A", 1)
    assert house("--taken", "A", "1", "--taken", "B", "2", "Ann Lee", "--lights", "1") == House(
        taken=(Seat("A", 1), Seat("B", 2, "Ann Lee")), lights=1
    )


def test_the_words_of_a_variable_are_quoted_as_in_a_shell() -> None:
    assert house(INTERJECT_STT_BEST="A 1").best == Seat("A", 1)
    assert house(INTERJECT_STT_TAKEN="A 1,B 2 'Ann Lee'").taken == (Seat("A", 1), Seat("B", 2, "Ann Lee"))


def test_the_words_in_a_file_are_a_text_or_a_list(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    assert from_file(path, 'best = ["A", 1]').best == Seat("A", 1)
    assert from_file(path, 'taken = ["A 1", ["B", 2, "Ann Lee"]]').taken == (Seat("A", 1), Seat("B", 2, "Ann Lee"))


def test_words_that_say_nothing_are_told_with_how_to_write_them(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    with pytest.raises(SettingError, match=r"--best: 'A one' is not accepted; give ROW NUMBER \[GUEST\]"):
        house("--best", "A", "one")
    with pytest.raises(SettingError, match="--taken: 'A' is not accepted"):
        house("--taken", "A")
    for bad in ('best = "A 1 \'Ann"', "best = true", "best = 1", "best = []"):
        with pytest.raises(SettingError, match=r"best: .*give ROW NUMBER"):
            from_file(path, bad)


def test_a_default_follows_from_what_is_given_and_gives_way_to_it() -> None:
    assert house().lights == 0
    assert house("--taken", "A", "1").lights == 10
    assert house("--taken", "A", "1", "--lights", "3").lights == 3


def test_a_refused_setting_is_answered_wherever_it_is_given(tmp_path: Path) -> None:
    ways: list[Callable[[], House]] = [
        lambda: house("--curtain"),
        lambda: house("--curtain", "red", "velvet"),
        lambda: house(INTERJECT_STT_CURTAIN="red"),
        lambda: from_file(tmp_path / "house.toml", 'curtain = "red"'),
    ]
    for give in ways:
        with pytest.raises(SettingError, match="use --lights"):
            give()


def test_the_reference_page_is_told_how_words_are_written_and_what_is_refused() -> None:
    assert describe_schema(House)[:2] == [
        SettingRow("best", "", "ROW NUMBER [GUEST]", "the best seat"),
        SettingRow("taken", "", "ROW NUMBER [GUEST], repeatable", "seats that are taken"),
    ]
    assert [row.key for row in describe_schema(House)] == ["best", "taken", "lights"]
    assert describe_refused(House) == {"curtain": "the curtain went; use --lights"}
