"""Looks up the portal of an announced file, its access and its host's limits in the chains' settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gogobe.chains.chain import Chains
from gogobe.chains.portal import PortalSettings
from gogobe.io.access import Access
from gogobe.io.hosts import Limits
from gogobe.records.addresses import authority_of, file_name_of, host_of, identity_of, public_address
from gogobe.records.messages import FileDiscovered

_OF_DELIVERY: Final = "\0"


class Portals:
    """The portals of the known chains, by chain and host."""

    def __init__(self, chains: Chains, per_host: int, instances: int = 1) -> None:
        """`per_host`: concurrent downloads from a host of no portal. The `instances` of the job divide all
        limits."""
        self._chains = chains
        self._default = _share(Limits(per_host), instances)
        self._limits = {name: _share(limits, instances) for name, limits in _limits_of(chains).items()}

    def portal_of(self, message: FileDiscovered) -> PortalSettings | None:
        """The portal of the message's chain that has the host of the file; of several, the one whose listing
        is at the same host and port."""
        chain = self._chains.get(message.chain)
        host = host_of(message.url)
        found = [one for one in chain.portals if host in one.all_hosts] if chain else []
        authority = authority_of(message.url)
        return min(found, key=lambda one: authority_of(one.url) != authority, default=None)

    def access_of(self, message: FileDiscovered) -> Access:
        """The access for a file."""
        chain = self._chains.get(message.chain)
        hosts = frozenset[str]().union(*(one.all_hosts for one in chain.portals)) if chain else frozenset[str]()
        return Access.of(hosts, self.portal_of(message))

    def address_of(self, message: FileDiscovered) -> str:
        """The address of a file in the form that is stored: without credentials and signature."""
        portal = self.portal_of(message)
        return public_address(message.url) if portal is None else portal.address_of(message.url)

    def is_signed(self, message: FileDiscovered) -> bool:
        """Whether the address of a file has a signature, which may have expired."""
        return self.address_of(message) != message.url.partition("#")[0]

    def delivery_of(self, message: FileDiscovered) -> bytes:
        """The identity of one announcement of a file. It is the same each time the announcement comes
        again."""
        name = name_of(message) + _OF_DELIVERY + message.timestamp.isoformat()
        return identity_of(message.chain, self.address_of(message), name)

    def limits(self, authority: str) -> Limits:
        """The limits of a host (and port). If portals on it have different settings, the strictest apply."""
        return self._limits.get(authority, self._default)


def name_of(message: FileDiscovered) -> str:
    """The published file's name."""
    return message.file_name or file_name_of(message.url)


def _share(limits: Limits, instances: int) -> Limits:
    """The limits of one of several instances: at least one concurrent download."""
    rate = None if limits.rate is None else limits.rate / instances
    return Limits(max(1, limits.concurrency // instances), rate)


def _limits_of(chains: Chains) -> Mapping[str, Limits]:
    found: dict[str, Limits] = {}
    for portal in (portal for chain in chains for portal in chain.portals):
        for authority in {authority_of(portal.url), *(host.lower() for host in portal.hosts)}:
            known = found.get(authority, Limits(portal.concurrency, portal.rate))
            found[authority] = Limits(
                min(known.concurrency, portal.concurrency), min(known.rate or portal.rate, portal.rate)
            )
    return found
