"""Which portals are watched, and what their files' addresses are without signature."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gogobe.chains.load import load_chains
from gogobe.discovery.engines import ENGINES
from gogobe.discovery.portal import PortalError, portals_of
from tests.discovery.conftest import portal


def test_the_bundled_portals_can_be_watched():
    portals = portals_of(load_chains())
    assert len(portals) >= 33
    assert {one.settings.engine for one in portals} <= ENGINES.keys()
    assert [one.key for one in portals_of(load_chains(), ["RamiLevy", "wolt"])] == ["rami_levy", "wolt"]


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ("tesco", ["no chain 'tesco'", "shufersal"]),
        ("yeinot_bitan", ["yeinot_bitan has no portal", "portals]]"]),
    ],
)
def test_a_chain_that_cannot_be_watched(only: str, said: list[str]):
    with pytest.raises(PortalError) as caught:
        portals_of(load_chains(), [only])
    assert [words for words in said if words not in str(caught.value)] == []


def test_a_selector_that_is_none(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text(
        '[[chains.wolt.portals]]\nengine = "html_links"\nurl = "https://x/"\nhtml = { row = "tr[" }\n', "utf-8"
    )
    with pytest.raises(PortalError, match=r"chains\.wolt.*html\.row.*'tr\['"):
        portals_of(load_chains(file))


def test_a_chain_s_second_portal_has_a_number(tmp_path: Path):
    file = tmp_path / "own.toml"
    table = '[[chains.wolt.portals]]\nengine = "wolt"\nurl = "https://x/"\n'
    file.write_text(table * 2, "utf-8")
    assert [one.key for one in portals_of(load_chains(file), ["wolt"])] == ["wolt", "wolt/2"]


def test_addresses_without_signature():
    watched = portal("html_links", "https://p/", signature=("Ticket",))
    assert watched.address_of("https://p/a.gz?sv=1&sig=x%2B&se=2&x=1#top") == "https://p/a.gz?x=1"
    assert watched.address_of("https://p/a.gz?ticket=5&FileNm=a.gz") == "https://p/a.gz?FileNm=a.gz"
    assert watched.address_of("https://p/a.gz?ticket=5") == "https://p/a.gz"
    assert watched.address_of("https://p/a.gz") == "https://p/a.gz"


def test_days_are_local():
    watched = portal("wolt", "https://p/")
    assert watched.days(datetime(2026, 8, 11, 22, tzinfo=UTC)) == [date(2026, 8, 12), date(2026, 8, 11)]
