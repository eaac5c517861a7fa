"""What the chains' settings say about a download: whose portal has it, and what may be asked of its host."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gogobe.chains.chain import Chain, Chains
from gogobe.chains.portal import PortalSettings
from gogobe.io.hosts import Limits
from gogobe.io.portals import Portals
from gogobe.records.messages import FileDiscovered

NOW = datetime(2026, 8, 11, tzinfo=UTC)


def chain(key: str, *portals: PortalSettings) -> Chain:
    return Chain(key=key, chain_ids=("7290000000001",), names={"en": key}, portals=portals)


def portal(url: str, rate: float = 2.0, concurrency: int = 2, hosts: tuple[str, ...] = ()) -> PortalSettings:
    return PortalSettings(engine="html_links", url=url, rate=rate, concurrency=concurrency, hosts=hosts)


CHAINS = Chains(
    [
        chain(
            "one",
            portal("https://p.example:8443/list", 3.0, 4, hosts=("files.example",)),
            portal("http://p.example"),
        ),
        chain("two", portal("https://p.example:8443/other", 1.0, 6)),
        chain("none"),
    ]
)


def message(key: str, url: str) -> FileDiscovered:
    return FileDiscovered(key, url, NOW)


@pytest.mark.parametrize(
    ("key", "url", "found"),
    [
        ("one", "https://p.example:8443/x.gz", "https://p.example:8443/list"),
        ("one", "http://P.example/x.gz", "http://p.example"),
        ("one", "https://files.example/x.gz?sig=1", "https://p.example:8443/list"),
        ("one", "https://other.example/x.gz", None),
        ("none", "https://p.example/x.gz", None),
        ("unknown", "https://p.example/x.gz", None),
    ],
)
def test_a_file_has_the_portal_of_its_chain_and_host(key: str, url: str, found: str | None):
    of = Portals(CHAINS, per_host=4).portal_of(message(key, url))
    assert (of.url if of else None) == found


def test_a_chain_s_files_may_be_on_the_hosts_of_its_portals_only():
    portals = Portals(CHAINS, per_host=4)
    assert portals.access_of(message("one", "https://x/")).hosts == frozenset({"p.example", "files.example"})
    assert portals.access_of(message("none", "https://x/")).hosts == frozenset()
    assert portals.access_of(message("unknown", "https://x/")).hosts == frozenset()


def test_of_portals_on_one_host_the_strictest_limits_count():
    portals = Portals(CHAINS, per_host=4)
    assert portals.limits("p.example:8443") == Limits(4, 1.0)
    assert portals.limits("files.example") == Limits(4, 3.0)
    assert portals.limits("elsewhere") == Limits(4)


def test_instances_of_a_job_divide_the_limits():
    portals = Portals(CHAINS, per_host=4, instances=3)
    assert portals.limits("p.example:8443") == Limits(1, 1.0 / 3)
    assert portals.limits("elsewhere") == Limits(1)


def test_an_announcement_is_the_same_however_its_address_is_signed_and_another_at_another_time():
    portals = Portals(CHAINS, per_host=4)
    first = message("one", "https://files.example/x.gz?sig=1&se=2")
    assert portals.is_signed(first)
    assert portals.delivery_of(first) == portals.delivery_of(message("one", "https://files.example/x.gz"))
    later = FileDiscovered("one", "https://files.example/x.gz", datetime(2026, 8, 12, tzinfo=UTC))
    assert portals.delivery_of(later) != portals.delivery_of(first)
