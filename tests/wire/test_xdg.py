"""A user's own choice of folders is kept to, and one that is not whole is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from interject.wire.xdg import config_home, our_data, our_state


def test_the_folders_that_are_named_are_taken() -> None:
    environ = {"XDG_CONFIG_HOME": "/srv/config", "XDG_DATA_HOME": "/srv/data", "XDG_STATE_HOME": "/srv/state"}
    assert config_home(environ) == Path("/srv/config")
    assert our_data(environ) == Path("/srv/data/interject")
    assert our_state(environ) == Path("/srv/state/interject")


@pytest.mark.parametrize("value", ["", "not/whole"])
def test_others_are_those_of_the_specification(value: str) -> None:
    environ = {"XDG_CONFIG_HOME": value, "XDG_DATA_HOME": value, "XDG_STATE_HOME": value}
    for given in (environ, {}):
        assert config_home(given) == Path.home() / ".config"
        assert our_data(given) == Path.home() / ".local" / "share" / "interject"
        assert our_state(given) == Path.home() / ".local" / "state" / "interject"
