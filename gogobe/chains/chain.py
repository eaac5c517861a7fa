"""A chain as described in `chains.toml`, and the set of all chains, indexed by key and by ChainId."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import msgspec

from gogobe.chains.portal import PortalSettings

ChainId = Annotated[str, msgspec.Meta(pattern=r"^(?!0+\Z)\S{1,64}\Z")]
_IDS: Final = "the ChainIds that the chain's files carry in name or content: a list of texts, at least one"
_PORTALS: Final = "where the chain publishes: [[chains.KEY.portals]] tables, each with an engine and a url"
_NAMES: Final = 'the chain\'s names for people by language: { he = "שופרסל", en = "Shufersal" }, at least one'


class Chain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chain. `key` is the value of `chain` in messages, and the name of its table in `chains.toml`.

    Several chains may list one ChainId (two brands of one company publish under the same id), and one chain
    may list several (sub-brands, former ids). The description of a field is part of the message of an error
    in it.
    """

    key: str
    chain_ids: Annotated[tuple[ChainId, ...], msgspec.Meta(min_length=1, description=_IDS)]
    names: Annotated[
        dict[str, Annotated[str, msgspec.Meta(min_length=1)]], msgspec.Meta(min_length=1, description=_NAMES)
    ]
    portals: Annotated[tuple[PortalSettings, ...], msgspec.Meta(description=_PORTALS)] = ()

    def name(self, language: str = "en") -> str:
        """The chain's name in this language, or in the first one listed."""
        return self.names.get(language) or next(iter(self.names.values()))

    def lists(self, chain_id: str) -> bool:
        """Whether the chain lists this ChainId, given in normal form."""
        return any(normal_chain_id(listed) == chain_id for listed in self.chain_ids)


class Chains:
    """The known chains. Keys are compared without case, `-`, `_` and `.`: `rami-levy` equals `rami_levy`."""

    def __init__(self, chains: Iterable[Chain]) -> None:
        self._by_key = {normal_key(chain.key): chain for chain in chains}
        self._owners: dict[str, list[str]] = {}
        for chain in self._by_key.values():
            for chain_id in {normal_chain_id(listed) or listed for listed in chain.chain_ids}:
                self._owners.setdefault(chain_id, []).append(chain.key)

    def __iter__(self) -> Iterator[Chain]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: str) -> Chain | None:
        """The chain with this key; None if no such chain is listed."""
        return self._by_key.get(normal_key(key))

    def owners(self, chain_id: str) -> tuple[str, ...]:
        """The keys of the chains that list this ChainId, given in normal form, in the order of the file."""
        return tuple(self._owners.get(chain_id, ()))


def normal_key(key: str) -> str:
    """A chain's key in the form in which keys are compared."""
    return key.casefold().translate(_SEPARATORS)


_SEPARATORS: Final = str.maketrans("", "", "-_.")


def normal_chain_id(published: str | None) -> str | None:
    """A ChainId in the form in which ids are compared and stored: without surrounding spaces and leading
    zeros. None if it is missing, empty or all zeros, which some feeds write for "none".

    >>> normal_chain_id(" 007290027600007 "), normal_chain_id("0000")
    ('7290027600007', None)
    """
    stripped = (published or "").strip()
    if stripped.isascii() and stripped.isdecimal():
        stripped = stripped.lstrip("0")
    return stripped or None
