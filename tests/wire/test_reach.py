"""Which addresses only this machine reaches, and that those are not announced."""

from __future__ import annotations

import socket

import pytest

from interject.wire.errors import BadUriError, SettingError
from interject.wire.reach import is_for_this_machine, require_reach


@pytest.mark.parametrize(
    "uri", ["tcp://127.0.0.1:1", "tcp://127.4.5.6:1", "tcp://[::1]:1", "tcp://localhost:1", "unix:///tmp/x"]
)
def test_what_only_this_machine_reaches_is_not_announced(uri: str) -> None:
    assert is_for_this_machine(uri)
    with pytest.raises(SettingError, match=r"zeroconf: no other machine could reach .*--uri tcp://0\.0\.0\.0:(1|PORT)"):
        require_reach(uri)


@pytest.mark.parametrize("uri", ["tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://192.0.2.1:1", "tcp://no.such.invalid:1"])
def test_what_others_may_reach_is(uri: str) -> None:
    assert not is_for_this_machine(uri)
    require_reach(uri)


def test_a_name_of_this_machine_that_means_loopback_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian writes the machine's own name beside 127.0.1.1 into /etc/hosts."""

    def hosts(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        assert host == "kitchen"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.1.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", hosts)
    assert is_for_this_machine("tcp://kitchen:1")


def test_what_is_no_uri_is_told() -> None:
    with pytest.raises(BadUriError):
        require_reach("127.0.0.1:1")
