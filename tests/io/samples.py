"""What tests download with."""

from __future__ import annotations

from gogobe.chains.chain import Chain, Chains
from gogobe.chains.portal import PortalSettings
from gogobe.io.download_work import Plan
from gogobe.io.fetching import FetchSettings
from gogobe.io.objects import ObjectStore
from gogobe.io.portals import Portals
from gogobe.transforms.download import DownloadConfig


def portals(*of_chain: PortalSettings, per_host: int = 2) -> Portals:
    """The chain `chain` with its portals."""
    chain = Chain(key="chain", chain_ids=("7290000000001",), names={"en": "Chain"}, portals=of_chain)
    return Portals(Chains([chain]), per_host)


def config(
    store: ObjectStore,
    settings: FetchSettings,
    *of_chain: PortalSettings,
    threads: int = 4,
    wait: float = 120.0,
    give_up: float = 86_400.0,
) -> DownloadConfig:
    """Downloads that are waited for as long as a test may last, from hosts with two places."""
    plan = Plan(threads=threads, wait=wait, pending=2 * threads)
    return DownloadConfig(store, settings, portals(*of_chain), plan, give_up)
