"""`--set KEY=VALUE`: any number or choice of turn-taking and hearing."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from interject.satellite.frontend.frontend import HearingSettings
from interject.satellite.turn.settings import TurnSettings
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable


def changed(assignments: Iterable[str]) -> tuple[TurnSettings, HearingSettings]:
    """Give the default settings with some set anew; raises SettingError for what there is not."""
    turn, hearing = TurnSettings(), HearingSettings()
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        key = name.replace("-", "_")
        if key in {field.name for field in fields(TurnSettings)}:
            turn = replace(turn, **{key: _parsed(name, text, getattr(turn, key))})
        elif key in {field.name for field in fields(HearingSettings)}:
            hearing = replace(hearing, **{key: _parsed(name, text, getattr(hearing, key))})
        else:
            raise SettingError(name, f"there is no such setting; --set takes {_all_names()}")
    return turn, hearing


def _parsed(name: str, text: str, present: float | Enum) -> Any:
    """Read a value of the type that the setting has."""
    try:
        return type(present)(text)
    except ValueError:
        kinds = ", ".join(str(one.value) for one in type(present)) if isinstance(present, Enum) else "a number"
        raise SettingError(name, f"{text!r} is none of: {kinds}") from None


def _all_names() -> str:
    return ", ".join(field.name for settings in (TurnSettings, HearingSettings) for field in fields(settings))
