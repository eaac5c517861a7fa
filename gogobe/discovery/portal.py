"""The portals of the chains."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cssselect import SelectorError
from lxml.cssselect import CSSSelector

from gogobe.chains.chain import Chain, Chains
from gogobe.chains.portal import PortalSettings


class PortalError(ValueError):
    """Settings of a chain or portal that cannot be used; the message has the remedy."""


@dataclass(frozen=True)
class Portal:
    """One portal of one chain. `key` is unique: the key of the chain, for its second and further portals
    followed by a slash and the portal's number."""

    key: str
    chain: str
    chain_ids: tuple[str, ...]
    settings: PortalSettings

    @cached_property
    def zone(self) -> ZoneInfo:
        """The portal's time zone."""
        return ZoneInfo(self.settings.timezone)

    @cached_property
    def host(self) -> str:
        """Host and port of its listing: the unit of throttling, and of sharing portals among agents."""
        return urlsplit(self.settings.url).netloc.lower()

    @cached_property
    def base(self) -> str:
        """Its address with a slash at the end: the base of an engine's pages."""
        return self.settings.url.rstrip("/") + "/"

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The allowed hosts of its files and redirects, in lower case."""
        return self.settings.all_hosts

    @cached_property
    def _wanted(self) -> re.Pattern[str]:
        return re.compile(self.settings.match)

    def address_of(self, url: str) -> str:
        """The address of a listed file for storage: without credentials, signature and fragment."""
        return self.settings.address_of(url)

    def wants(self, file_name: str) -> bool:
        """Whether a listed file is a feed to announce (`match`)."""
        return self._wanted.search(file_name) is not None

    def days(self, now: datetime) -> list[date]:
        """The days whose pages are read: today and the days before it, in the portal's time zone."""
        today = now.astimezone(self.zone).date()
        return [today - timedelta(days=back) for back in range(self.settings.days)]


def portals_of(chains: Chains, only: Collection[str] = ()) -> list[Portal]:
    """The portals of all chains, or of the chains in `only` (keys). Raises PortalError."""
    found: list[Portal] = []
    for chain in _chosen(chains, only):
        for number, settings in enumerate(chain.portals, start=1):
            _check_selectors(chain.key, settings)
            key = chain.key if number == 1 else f"{chain.key}/{number}"
            found.append(Portal(key, chain.key, chain.chain_ids, settings))
    return found


def _chosen(chains: Chains, only: Collection[str]) -> list[Chain]:
    if not only:
        return list(chains)
    chosen = []
    for key in only:
        chain = chains.get(key)
        if chain is None:
            raise PortalError(f"no chain {key!r}; the chains are {', '.join(sorted(c.key for c in chains))}")
        if not chain.portals:
            raise PortalError(
                f"chain {chain.key} has no portal: add [[chains.{chain.key}.portals]] to the file "
                "that the setting `chains` names"
            )
        chosen.append(chain)
    return chosen


def _check_selectors(chain: str, settings: PortalSettings) -> None:
    for field in ("row", "link", "name", "size", "modified", "container"):
        selector = getattr(settings.html, field)
        try:
            CSSSelector(selector or "*")
        except SelectorError as error:
            raise PortalError(
                f"[chains.{chain}]: html.{field}: {selector!r} is not a supported CSS selector: {error}"
            ) from error
