"""The longest values of texts that indexes hold, and who bounds them.

A B-tree takes no entry of more than 2,704 bytes, and a row with one fails its whole transaction. So every text
column of an index has a line here; tests/database/test_indexed_texts.py compares it with the migrated schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gogobe.feeds.values import LONGEST_CODE
from gogobe.masters.search.documents import LONGEST_WORD

BTREE_BYTES: Final = 2704
"""The longest entry of a B-tree of PostgreSQL with pages of 8 KiB: a third of a page.
https://www.postgresql.org/docs/current/btree.html#BTREE-IMPLEMENTATION"""
BYTES_A_CHARACTER: Final = 4
"""At most, in UTF-8."""
UNBOUNDED: Final = frozenset({("hash", "text_ops"), ("gin", "gin_trgm_ops")})
"""Access methods with operator classes that hold hashes or trigrams: they take a text of any length."""


@dataclass(frozen=True)
class Bound:
    """A column's longest value, in characters, and where that is checked before the value comes here."""

    characters: int
    checked: str


_CODE: Final = Bound(LONGEST_CODE, "gogobe/feeds/values.py: a row or file with a longer code is refused")
_WORD: Final = Bound(LONGEST_WORD, "gogobe/masters/search/documents.py: longer words are left out")
_HASH: Final = Bound(64, "a SHA-256 in hexadecimal digits, computed here")

INDEXED_TEXTS: Final[Mapping[str, Bound]] = {
    "chain": Bound(63, "gogobe/records/messages.py: the pattern of Chain"),
    "chain_id": _CODE,
    "sub_chain_id": _CODE,
    "store_id": _CODE,
    "item_code": _CODE,
    "promotion_id": _CODE,
    "content_sha256": _HASH,
    "letter_key": _HASH,
    "address_key": _HASH,
    "batch_id": Bound(96, "content_sha256, and whole numbers after it"),
    "agent": Bound(128, "gogobe/discovery/agent.py: agent_name makes it"),
    "portal": Bound(72, "a chain's key, which the chains file bounds, and a number"),
    "kind": Bound(32, "gogobe/discovery/listing.py: one of the words of Kind"),
    "name_key": Bound(64, "gogobe/database/schema: only schema steps write city_names"),
    "word": _WORD,
    "lemma": _WORD,
    "sound": Bound(2 * LONGEST_WORD, "gogobe/masters/search/sounds.py: two letters at most for one of a word"),
    "subject": Bound(16, "one of the words that its CHECK names"),
}
"""By the column's name, which means the same in every table and view."""
