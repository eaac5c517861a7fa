"""The demo's portals: every engine lists all of its files, under the addresses of the previous run."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gogobe.chains.load import load_chains
from gogobe.demo.published import CHAINS, LOGIN_PAGE, MISSING, shelves
from gogobe.demo.replicas import DemoPortals, portals_service, running_portals
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.networks import AllowedHosts
from gogobe.io.portals import Portals
from gogobe.local.stack import Stack
from gogobe.records.messages import FileDiscovered
from tests.discovery.conftest import listed

SETTINGS = FetchSettings(attempts=1, allowed=AllowedHosts.parse("127.0.0.1"))


def urls_of(portals: DemoPortals) -> dict[str, str]:
    """The address of each file, by name, as the engines list them now."""
    return {file.file_name: file.url for portal in portals.portals for file in listed(portal)}


def test_each_of_four_engines_lists_what_is_published(tmp_path: Path):
    with running_portals(tmp_path) as portals:
        assert len({portal.settings.engine for portal in portals.portals}) == 4
        assert {portal.chain for portal in portals.portals} == set(CHAINS.values())
        for portal in portals.portals:
            assert sorted(file.file_name for file in listed(portal)) == sorted(shelves()[portal.chain].files)


def test_listed_files_can_be_downloaded_but_the_missing_one(tmp_path: Path):
    """With the logins and links of their portals, as the pipeline downloads them."""
    bodies = {file.name: file.body for shelf in shelves().values() for file in shelf}
    with running_portals(tmp_path) as running, closing(Fetcher(SETTINGS)) as fetcher:
        portals = Portals(load_chains(running.chains_file), per_host=4)
        for portal in running.portals:
            for file in listed(portal):
                target = tmp_path / file.file_name
                message = FileDiscovered(portal.chain, file.url, datetime.now(UTC), file.file_name)
                if file.file_name == MISSING:
                    with pytest.raises(FetchError) as error:
                        fetcher.fetch(file.url, target, portals.access_of(message))
                    assert error.value.reason == "not_found"
                    assert not portals.is_signed(message), (
                        "a missing file with a signed link waits for a new link"
                    )
                elif file.file_name == LOGIN_PAGE:
                    with pytest.raises(FetchError) as error:
                        fetcher.fetch(file.url, target, portals.access_of(message))
                    assert error.value.reason == "html_page"
                else:
                    fetcher.fetch(file.url, target, portals.access_of(message))
                    assert target.read_bytes() == bodies[file.file_name]


def test_the_chains_file_changes_only_portals(tmp_path: Path):
    with running_portals(tmp_path) as portals:
        bundled, written = load_chains(), load_chains(portals.chains_file)
    assert len(bundled) == len(written)
    for chain in written:
        before = bundled.get(chain.key)
        assert before is not None
        assert msgspec.structs.replace(chain, portals=before.portals) == before
        assert (chain != before) == (chain.key in CHAINS.values())


def test_a_second_run_has_the_same_addresses_unless_a_port_is_taken(tmp_path: Path):
    with running_portals(tmp_path) as portals:
        first = portals.hosts
    with running_portals(tmp_path) as portals:
        assert portals.hosts == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(first[0].partition(":")[2])))
        other.listen()
        with running_portals(tmp_path) as portals:
            assert len({*portals.hosts} & {*first}) == len(first) - 1
            assert len(portals.hosts) == len(first)
    (tmp_path / "portals.json").write_text("{")
    with running_portals(tmp_path) as portals:
        assert len(portals.hosts) == len(first)


@pytest.mark.slow
def test_the_service_runs_the_same_portals_in_a_process_of_its_own(tmp_path: Path):
    with portals_service(tmp_path) as portals:
        (service,) = Stack(tmp_path).status()
        assert (service.name, service.running) == ("Portals", True)
        assert urls_of(portals).keys() == {file.name for shelf in shelves().values() for file in shelf}
    assert Stack(tmp_path).status() == []
    with running_portals(tmp_path) as again:
        assert again.hosts == portals.hosts
