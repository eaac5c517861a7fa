"""What a feed was and held: its header and its summary."""

from __future__ import annotations

import msgspec

from gogobe.feeds.containers import Container
from gogobe.feeds.problems import Problem
from gogobe.records.rows import Kind


class FeedHeader(msgspec.Struct):
    """The header above a feed's rows, as published."""

    chain_id: str | None = None
    sub_chain_id: str | None = None
    store_id: str | None = None
    bikoret_no: str | None = None
    chain_name: str | None = None
    announced: int | None = None


class FeedSummary(msgspec.Struct):
    """What a feed was and held.

    `read` counts the rows of the file, `taken` those of them that were taken, `refused` the
    others and the `refused_items` within promotions. `items`, `promotions` and `stores` count what
    the reader gave; several rows may be one promotion. `promotion_items` are the items of promotions but those
    in a list of gifts; `gift_items` are the gifts, each once in a promotion.
    `unknown_elements` counts elements of rows that no table knows, by path, and `constants` has terms that are
    the same in all promotions and say nothing. `complete` is false where rows are missing or may be; `problems`
    are in the order they were met.
    """

    container: Container = "plain"
    encoding: str = "utf-8"
    kind: Kind | None = None
    read: int = 0
    taken: int = 0
    refused: int = 0
    refused_items: int = 0
    items: int = 0
    promotions: int = 0
    promotion_items: int = 0
    gift_items: int = 0
    stores: int = 0
    announced: int | None = None
    complete: bool = True
    problems: list[Problem] = []
    unknown_elements: dict[str, int] = {}
    constants: dict[str, str] = {}
