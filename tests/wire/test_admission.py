"""Who gets a place at a service, and who makes room."""

from __future__ import annotations

import pytest

from interject.wire.admission import AccessRules, AccessSettings, Admitted, Network, Refused, Seat, admit
from interject.wire.errors import SettingError
from interject.wire.settings import load

RULES = AccessRules(connections=4, connections_per_address=2)
KITCHEN, HALL = "192.168.1.20", "192.168.1.21"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.1.20",
        "::ffff:192.168.1.20",
        "169.254.1.1",
        "100.101.102.103",
        "fd12::1",
        "fe80::1%eth0",
    ],
)
def test_whoever_is_in_the_house_may_connect(address: str) -> None:
    assert AccessRules().allows(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "::ffff:8.8.8.8", "2001:db8::1", "100.128.0.1"])
def test_whoever_comes_from_the_internet_may_not(address: str) -> None:
    assert not AccessRules().allows(address)


def test_an_address_that_has_its_share_gives_up_its_connection_that_is_idle_for_longest() -> None:
    seats = [Seat(1, HALL, 0.0), Seat(2, KITCHEN, 5.0), Seat(3, KITCHEN, 3.0)]
    assert admit(KITCHEN, seats, RULES) == Admitted(displaced=3)
    assert admit(HALL, seats, RULES) == Admitted()


def test_a_connection_in_use_is_never_given_up() -> None:
    seats = [Seat(1, KITCHEN, None), Seat(2, KITCHEN, None)]
    assert admit(KITCHEN, seats, RULES) == Refused(2)


def test_a_full_service_takes_the_place_from_whoever_has_most() -> None:
    rules = AccessRules(connections=3, connections_per_address=2)
    seats = [Seat(1, HALL, 0.0), Seat(2, KITCHEN, 5.0), Seat(3, KITCHEN, 6.0)]
    assert admit("192.168.1.22", seats, rules) == Admitted(displaced=2)


@pytest.mark.parametrize("address", [None, "127.0.0.1", "192.168.1.9"])
def test_this_machine_and_a_trusted_proxy_may_have_all_connections(address: str | None) -> None:
    rules = AccessRules(connections=4, connections_per_address=1, trusted_proxies=(Network.from_words("192.168.1.9"),))
    seats = [Seat(number, address, 0.0) for number in range(3)]
    assert admit(address, seats, rules) == Admitted()


def test_who_is_not_trusted_to_share_an_address_sends_only_so_fast() -> None:
    rules = AccessRules(trusted_proxies=(Network.from_words("192.168.1.9"),))
    assert rules.events_per_s(None) is None
    assert rules.events_per_s("192.168.1.9") is None
    here, there = rules.events_per_s("127.0.0.2"), rules.events_per_s(KITCHEN)
    assert here is not None
    assert there is not None
    assert there < here


def settings(*argv: str) -> AccessSettings:
    return load(AccessSettings, prefix="stt", argv=argv, environ={}, description="")


def test_allow_replaces_what_is_allowed_by_default() -> None:
    rules = settings("--allow", "192.168.1.0/24", "--allow", "::1").access_rules()
    assert rules.allows("192.168.1.7")
    assert rules.allows("::1")
    assert not rules.allows("10.0.0.1")
    assert settings().access_rules() == AccessRules()


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(SettingError, match=r"--allow.*'kitchen'"):
        settings("--allow", "kitchen")
