"""Access control of a service: which addresses may connect, and how much of it each may take."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, ClassVar, Self

from interject.wire.setting_field import Words
from interject.wire.settings import option

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Enough for every satellite of a large house, and a bound for a peer that opens connections without end.
MAX_CONNECTIONS = 256
# A satellite has a handful of connections to a server; Home Assistant asks several services of one machine at once.
_CONNECTIONS_PER_ADDRESS = 32
# Twenty satellites that stream are 1,000 events a second; a service takes some 40,000 a second, and does nothing else
# then. Several satellites on this machine share an address.
_EVENTS_PER_S = 2000.0
_EVENTS_PER_S_HERE = 5000.0


@dataclass(frozen=True, slots=True)
class Network(Words):
    """An address, or all addresses of a network."""

    WORDS: ClassVar[tuple[str, ...]] = ("NETWORK",)
    REQUIRED: ClassVar[int] = 1

    network: IPv4Network | IPv6Network

    @classmethod
    def from_words(cls, *words: str) -> Self:
        """Make one of 192.168.1.20, 192.168.1.0/24, fd00::/8 and the like."""
        (word,) = words
        return cls(ip_network(word, strict=False))

    def __str__(self) -> str:
        """Write it as a person does: without the length of a network that is one address."""
        return str(self.network.network_address if self.network.num_addresses == 1 else self.network)

    def __contains__(self, address: IPv4Address | IPv6Address) -> bool:
        """Tell whether an address is of this network; one of the other IP version is not."""
        return address in self.network


# Addresses that the internet does not reach: loopback, private networks (RFC 1918, RFC 4193), link-local ones, and
# those that a provider or a mesh such as Tailscale hands out (RFC 6598).
PRIVATE_NETWORKS = tuple(
    Network.from_words(written)
    for written in (
        "127.0.0.0/8",
        "::1",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
    )
)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Which addresses are let in, and how many connections one of them may have."""

    allowed: tuple[Network, ...] = PRIVATE_NETWORKS
    # Many rooms share the address of a proxy.
    trusted_proxies: tuple[Network, ...] = ()
    connections: int = MAX_CONNECTIONS
    connections_per_address: int = _CONNECTIONS_PER_ADDRESS

    def allows(self, address: str) -> bool:
        """Tell whether an address may connect at all; the written form of IPv4 in IPv6 is that of the IPv4 address."""
        return _within(address, self.allowed)

    def shares(self, address: str | None) -> bool:
        """Tell whether an address has only its share: not this machine (None: by Unix socket), nor a trusted proxy."""
        return address is not None and not (_address(address).is_loopback or self.is_proxy(address))

    def is_proxy(self, address: str | None) -> bool:
        """Tell whether an address is that of a trusted proxy, which many rooms have in common."""
        return address is not None and _within(address, self.trusted_proxies)

    def events_per_s(self, address: str | None) -> float | None:
        """Return how fast an address may send for long; None for a Unix socket and a trusted proxy: as it likes."""
        if address is None or self.is_proxy(address):
            return None
        return _EVENTS_PER_S_HERE if _address(address).is_loopback else _EVENTS_PER_S


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class AccessSettings:
    """Which addresses may connect to a process."""

    GROUP: ClassVar[str] = "Who may connect"
    TABLE: ClassVar[str] = "access"

    allow: tuple[Network, ...] = option(
        (), "address or network that may connect (default: this machine, private and link-local networks)"
    )
    trusted_proxy: tuple[Network, ...] = option(
        (), "proxy that many rooms connect through, exempt from --connections-per-address"
    )
    connections_per_address: int = option(
        _CONNECTIONS_PER_ADDRESS,
        "how many connections one other machine may have",
        minimum=1,
        maximum=MAX_CONNECTIONS,
    )

    def access_rules(self) -> AccessRules:
        """Return what a service is to keep to."""
        return AccessRules(
            self.allow or PRIVATE_NETWORKS, self.trusted_proxy, connections_per_address=self.connections_per_address
        )

    def who_may_connect(self) -> str:
        """Say whom `access_rules` lets in."""
        return ", ".join(map(str, self.allow)) or "this machine, private and link-local networks"


@dataclass(frozen=True, slots=True)
class Seat:
    """A connection that is open: of which address, and since when nothing happens in it (None: it is in use)."""

    number: int
    address: str | None
    idle_since: float | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A newcomer has its place; `displaced` is the number of the seat that makes room for it."""

    displaced: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no place: so many connections there are already."""

    connections: int


def admit(address: str | None, seats: Sequence[Seat], rules: AccessRules) -> Admitted | Refused:
    """Decide whether a newcomer gets a place, and who makes room for it.

    An address that has all it may have gives up the one of its connections that has been idle for longest; where the
    service is full, the address with the most connections does.
    """
    own = [seat for seat in seats if seat.address == address]
    if rules.shares(address) and len(own) >= rules.connections_per_address:
        return _in_place_of(own, len(own))
    if len(seats) < rules.connections:
        return Admitted()
    greediest = max(_by_address(seats), key=len)
    return _in_place_of(greediest, len(seats))


def _in_place_of(seats: Sequence[Seat], connections: int) -> Admitted | Refused:
    idle = [(seat.idle_since, seat.number) for seat in seats if seat.idle_since is not None]
    return Admitted(min(idle)[1]) if idle else Refused(connections)


def _by_address(seats: Iterable[Seat]) -> list[list[Seat]]:
    groups: dict[str | None, list[Seat]] = {}
    for seat in seats:
        groups.setdefault(seat.address, []).append(seat)
    return list(groups.values())


def _within(address: str, networks: Iterable[Network]) -> bool:
    known = _address(address)
    return any(known in network for network in networks)


def _address(written: str) -> IPv4Address | IPv6Address:
    address = ip_address(written.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def plain_address(written: str) -> str:
    """Write a peer's address so that it can be compared: without a zone, and as IPv4 where it is that in IPv6."""
    return str(_address(written))
