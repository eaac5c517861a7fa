"""The header and the summary of a feed."""

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
    """The summary of a feed.

    `read` counts the rows of the file, `taken` the accepted ones, `refused` the other rows and the
    `refused_items` within promotions. `items`, `promotions` and `stores` count what the reader yielded;
    several rows may be one promotion. `promotion_items` counts the items of promotions except those in a list
    of gifts; `gift_items` counts the gifts, each once per promotion. `unknown_elements` counts elements of
    rows that no table has, by path. `constants` are terms with the same value in all promotions, which is no
    condition. `complete` is false if rows are or may be missing. `problems` are in the order of their
    detection.
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
