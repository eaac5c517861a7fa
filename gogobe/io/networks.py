"""Which network addresses may be connected to: public ones, and others that the settings allow.

An announcement or a redirect can name any host, including services of our own machines. Therefore the address
of each connection is checked when it is opened, after the name lookup, and not the name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# The registries of special-purpose addresses of the IANA. Python's `is_global` differs between its versions.
_SPECIAL_V4: Final[Mapping[str, str]] = {
    "0.0.0.0/8": "unspecified",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by a carrier's customers",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "a cloud's metadata",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "reserved",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_SPECIAL_V6: Final[Mapping[str, str]] = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "64:ff9b:1::/48": "private",
    "2001::/23": "reserved",
    "2001:db8::/32": "documentation",
    "3fff::/20": "documentation",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "private",
    "ff00::/8": "multicast",
}
_SPECIAL: Final = tuple(
    (ipaddress.ip_network(network), kind) for network, kind in {**_SPECIAL_V4, **_SPECIAL_V6}.items()
)
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(?P<port>[0-9]{1,5}))?")
_UNICAST_V6: Final = ipaddress.IPv6Network("2000::/3")
# IPv6 networks whose addresses embed an IPv4 address, and its distance from the right end, in bits.
_EMBEDDING: Final = tuple(
    (ipaddress.IPv6Network(network), shift)
    for network, shift in (("::ffff:0:0/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80))
)


def special_kind(address: IpAddress) -> str | None:
    """The purpose of an address that is not public ("private", "loopback", …); None for a public one.

    An IPv6 address that embeds an IPv4 address (IPv4-mapped, NAT64, 6to4) has the purpose of the embedded
    one.
    """
    inner = _embedded(address)
    found = next((kind for network, kind in _SPECIAL if inner in network), None)
    if found is None and inner.version == 6 and inner not in _UNICAST_V6:
        return "reserved"
    return found


def _embedded(address: IpAddress) -> IpAddress:
    if isinstance(address, ipaddress.IPv6Address):
        for network, shift in _EMBEDDING:
            if address in network:
                return ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return address


@dataclass(frozen=True)
class _Allowed:
    """An allowed host name or network, at one port or at all ports."""

    name: str | None
    network: IpNetwork | None
    port: int | None

    def admits(self, host: str, address: IpAddress, port: int) -> bool:
        if self.port is not None and port != self.port:
            return False
        return host == self.name if self.network is None else address in self.network


@dataclass(frozen=True)
class AllowedHosts:
    """Hosts and networks that may be connected to although their addresses are not public."""

    entries: tuple[_Allowed, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AllowedHosts:
        """Reads a list of `HOST`, `ADDRESS` or `NETWORK/BITS`, separated by commas or blanks. The first two
        may have a `:PORT` (`[ADDRESS]:PORT` for IPv6), which allows that port only. Raises ValueError with
        the invalid word."""
        return cls(tuple(_parse(word) for word in text.replace(",", " ").split()))

    def admits(self, host: str, address: str, port: int) -> bool:
        """Whether an entry lists `host` (in the form of `ascii_host`) or its resolved `address`."""
        parsed = ipaddress.ip_address(address)
        mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
        return any(one.admits(host, same, port) for one in self.entries for same in (parsed, mapped or parsed))

    def refusal(self, host: str, address: str, port: int) -> str | None:
        """The reason why `host` (in the form of `ascii_host`) may not be connected to at its resolved
        `address`; None if it may.

        A host that is allowed by name may have any address. An allowed address or network applies to every
        name.
        """
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return f"{address} is no address that can be checked"
        kind = special_kind(parsed)
        if kind is None:
            return None
        if self.admits(host, address, port):
            return None
        return f"{address} is not public ({kind})"


def ascii_host(host: str) -> str:
    """A host name in network form: lower case, without the final dot, other alphabets as IDNA. Raises
    ValueError for an invalid name."""
    return host.encode("idna").decode("ascii").lower().removesuffix(".")


def _parse(word: str) -> _Allowed:
    if (network := _network(word)) is not None:
        return _Allowed(None, network, None)
    found = _HOST_AND_PORT.fullmatch(word)
    try:
        port = _port(found["port"]) if found else None
        name = ascii_host(found["host"].strip("[]")) if found else ""
    except ValueError:
        found = None
    if found is None:
        raise ValueError(
            f"{word}: neither a host, an address nor a network; as in portal.example, 127.0.0.1:8080, "
            f"[::1]:8080 or 10.0.0.0/8"
        )
    network = _network(name)
    return _Allowed(None if network else name, network, port)


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if not 0 < int(text) < 1 << 16:
        raise ValueError(f"{text} is no port")
    return int(text)


def _network(text: str) -> IpNetwork | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None
