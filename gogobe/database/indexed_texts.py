"""The maximum lengths of texts in indexes, and where each is checked.

A B-tree rejects entries of more than 2,704 bytes, and such a row fails its whole transaction. So every text
column of an index has an entry here; tests/database/test_indexed_texts.py compares the entries with the
migrated schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gogobe.feeds.values import LONGEST_CODE
from gogobe.masters.search.documents import LONGEST_WORD

BTREE_BYTES: Final = 2704
"""The maximum entry of a PostgreSQL B-tree with pages of 8 KiB: a third of a page.
https://www.postgresql.org/docs/current/btree.html#BTREE-IMPLEMENTATION"""
BYTES_A_CHARACTER: Final = 4
"""Maximum in UTF-8."""
UNBOUNDED: Final = frozenset({("hash", "text_ops"), ("gin", "gin_trgm_ops")})
"""Access methods and operator classes that store hashes or trigrams: texts may have any length."""


@dataclass(frozen=True)
class Bound:
    """A column's maximum length, in characters, and where it is checked before a value reaches the
    database."""

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
    "view": Bound(63, "gogobe/database/views.py: the name of a materialized view"),
    "subject": Bound(16, "one of the words that its CHECK names"),
}
"""By column name, which has one meaning in all tables and views."""
