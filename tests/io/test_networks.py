"""Which addresses are public, and which of the others a list allows."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.networks import AllowedHosts, ascii_host, special_kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("10.255.0.1", "private"),
        ("100.64.0.1", "shared by a carrier's customers"),
        ("100.127.255.255", "shared by a carrier's customers"),
        ("127.0.0.1", "loopback"),
        ("127.255.1.1", "loopback"),
        ("168.63.129.16", "a cloud's metadata"),
        ("169.254.169.254", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "reserved"),
        ("192.0.2.1", "documentation"),
        ("192.168.1.1", "private"),
        ("198.19.0.1", "benchmarking"),
        ("203.0.113.7", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b:1::1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a00:1::1", "private"),
        ("2001:0:53aa:64c::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("100::1", "reserved"),
        ("4000::1", "reserved"),
        ("5f00::1", "reserved"),
    ],
)
def test_an_address_that_is_not_public(address: str, kind: str):
    assert special_kind(ipaddress.ip_address(address)) == kind
    refusal = AllowedHosts().refusal("portal.example", address, 443)
    assert refusal == f"{address} is not public ({kind})"


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
        "223.255.255.255", "168.63.129.17", "2a00:1450:4001::1", "2606:4700::1111", "2001:4860:4860::8888",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
    ],
)  # fmt: skip
def test_a_public_address(address: str):
    assert special_kind(ipaddress.ip_address(address)) is None
    assert AllowedHosts().refusal("portal.example", address, 443) is None


@given(st.ip_addresses())
def test_what_python_knows_as_private_is_not_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address):
    private = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    assert special_kind(address) is not None or not private


@pytest.mark.parametrize("address", ["", "nonsense", "127.0.0.1:80", "127.1", "/tmp/socket"])
def test_what_is_no_address_is_refused(address: str):
    assert AllowedHosts().refusal("h", address, 80) == f"{address} is no address that can be checked"


@pytest.mark.parametrize(
    ("allowed", "host", "address", "port"),
    [
        ("127.0.0.1", "h", "127.0.0.1", 80),
        ("127.0.0.1:8080", "h", "127.0.0.1", 8080),
        ("127.0.0.1", "h", "::ffff:127.0.0.1", 80),
        ("::1", "h", "::1", 80),
        ("[::1]:80", "h", "::1", 80),
        ("[::1]", "h", "::1", 80),
        ("10.0.0.0/8, 127.0.0.1", "h", "10.1.2.3", 80),
        ("fd00::/8", "h", "fd12::1", 80),
        ("::ffff:0:0/96", "h", "::ffff:127.0.0.1", 80),
        ("portal.internal", "portal.internal", "10.1.2.3", 80),
        ("Portal.Internal.:80", "portal.internal", "10.1.2.3", 80),
        ("פורטל.example", ascii_host("פורטל.example"), "10.1.2.3", 80),
        (" a,b  127.0.0.0/8,", "h", "127.9.9.9", 80),
    ],
)
def test_what_is_allowed(allowed: str, host: str, address: str, port: int):
    assert AllowedHosts.parse(allowed).refusal(host, address, port) is None
    assert AllowedHosts().refusal(host, address, port) is not None


@pytest.mark.parametrize(
    ("allowed", "host", "address", "port"),
    [
        ("127.0.0.1:8080", "h", "127.0.0.1", 8081),
        ("127.0.0.1", "h", "127.0.0.2", 80),
        ("127.0.0.1", "127.0.0.1", "10.0.0.1", 80),
        ("portal.internal", "x.portal.internal", "10.0.0.1", 80),
        ("portal.internal", "portal.internal.evil.example", "10.0.0.1", 80),
        ("portal.internal:80", "portal.internal", "10.0.0.1", 8081),
        ("127.0.0.1", "h", "64:ff9b::7f00:1", 80),
        ("10.0.0.0/8", "h", "192.168.0.1", 80),
    ],
)
def test_what_is_allowed_allows_nothing_else(allowed: str, host: str, address: str, port: int):
    assert AllowedHosts.parse(allowed).refusal(host, address, port) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        "http://portal", "portal:http", "portal:0", "portal:65536", "10.0.0.1/8", "10.0.0.0/8:80", "[::1", "a@b",
        "*.portal", "[portal]:80", "x..y",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(wrong: str):
    with pytest.raises(ValueError, match=re.escape(f"{wrong}: neither a host")):
        AllowedHosts.parse(f"127.0.0.1, {wrong}")
