"""What a machine is called on the network, and which of its addresses others are told."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from interject.wire.machine import IpAddress, address_to_announce, mac_address, own_addresses


def addresses(*texts: str) -> tuple[IpAddress, ...]:
    return tuple(ip_address(text) for text in texts)


@pytest.mark.parametrize(
    ("wildcard", "there", "chosen"),
    [
        ("0.0.0.0", ["203.0.113.2"], "203.0.113.2"),
        ("0.0.0.0", ["169.254.3.4", "203.0.113.2", "203.0.113.3"], "203.0.113.2"),
        ("0.0.0.0", ["2001:db8::1", "169.254.3.4"], "169.254.3.4"),
        ("0.0.0.0", ["2001:db8::1"], None),
        ("0.0.0.0", [], None),
        ("::", ["203.0.113.2", "fe80::1", "2001:db8::1"], "2001:db8::1"),
        ("::", ["203.0.113.2"], None),
    ],
)
def test_the_address_told_is_one_that_is_listened_at_and_that_others_take(
    wildcard: str, there: list[str], chosen: str | None
) -> None:
    assert address_to_announce(wildcard, addresses(*there)) == (chosen and ip_address(chosen))


def test_no_address_is_for_this_machine_alone() -> None:
    assert not any(address.is_loopback for address in own_addresses())


def test_the_mac_address_is_the_same_each_time() -> None:
    assert mac_address() == mac_address()
    assert len(bytes.fromhex(mac_address())) == 6
