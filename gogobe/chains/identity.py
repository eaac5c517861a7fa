"""Checks that announcement, file name and content of a file name the same chain.

A portal is trusted for its own chain only. A file is therefore accepted under one ChainId, or refused as a
whole:

- A chain in `chains.toml` may publish under the ids that it lists, and under no other.
- A chain that is not in `chains.toml` may publish under any id that no listed chain has, if name and content
  agree.
- If name and content carry two ids of a listed chain, the id in the name counts: it is the same for all kinds
  of files of a store, while content may spell it differently for each kind (Stop Market's Stores files have
  72906390, its other files 7290639000004).

A missing id (no ChainId, all zeros, a name in no known form) contradicts nothing.
"""

from __future__ import annotations

from gogobe.chains.chain import Chain, Chains, normal_chain_id


class ChainDiffersError(ValueError):
    """A file of another chain than the one that announced it; the message has the contradiction and the
    remedy."""


def chain_id_of(chains: Chains, key: str, *, named: str | None, content: str | None) -> str | None:
    """The ChainId, in normal form, under which a file announced by chain `key` is stored; None if neither its
    name nor its content has one. `named` and `content` are the ids as published.

    Raises ChainDiffersError.
    """
    found = {
        place: chain_id
        for place, published in (("file name", named), ("content", content))
        if (chain_id := normal_chain_id(published))
    }
    if not found:
        return None
    chain = chains.get(key)
    if chain is None:
        _check_unlisted(chains, key, found)
    else:
        _check_listed(chains, chain, found)
    return next(iter(found.values()))


def _check_listed(chains: Chains, chain: Chain, found: dict[str, str]) -> None:
    for place, chain_id in found.items():
        if not chain.lists(chain_id):
            owners = chains.owners(chain_id)
            whose = f", which is {' and '.join(owners)}'s" if owners else ""
            raise ChainDiffersError(
                f"announced by chain {chain.key}, but the {place} carries ChainId {chain_id}"
                f"{whose}; {chain.key} publishes under {', '.join(chain.chain_ids)}. If {chain_id} is its id "
                f"too, add it to chain_ids of [chains.{chain.key}] in the file that the setting `chains` names"
            )


def _check_unlisted(chains: Chains, key: str, found: dict[str, str]) -> None:
    for place, chain_id in found.items():
        if owners := chains.owners(chain_id):
            raise ChainDiffersError(
                f"announced by chain {key}, which is not listed, but the {place} carries ChainId "
                f"{chain_id} of {' and '.join(owners)}; announce it as {owners[0]}, or list [chains.{key}] "
                "with this id in the file that the setting `chains` names"
            )
    if len(set(found.values())) > 1:
        carried = " and ".join(f"the {place} carries ChainId {chain_id}" for place, chain_id in found.items())
        raise ChainDiffersError(
            f"announced by chain {key}, which is not listed: {carried}. If it publishes under both, list "
            f"[chains.{key}] with both ids in the file that the setting `chains` names"
        )
