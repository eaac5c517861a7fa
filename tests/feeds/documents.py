"""Reads a feed made in a test: on the fast path and by the parser alone, which must give the very same."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gogobe.feeds.clock import Clock
from gogobe.feeds.problems import Limits
from gogobe.feeds.reader import FeedReader
from gogobe.feeds.summary import FeedHeader, FeedSummary
from gogobe.records.rows import Block, RefusedRow

PRICE_NAME = "PriceFull7290-1-202501010000.gz"
HEAD = "<ChainId>7290</ChainId><SubChainId>001</SubChainId><StoreId>007</StoreId><BikoretNo>5</BikoretNo>"


@dataclass
class Read:
    """All that a reader gave."""

    header: FeedHeader
    summary: FeedSummary
    blocks: list[Block]

    @property
    def rows(self) -> list[Any]:
        return [row for block in self.blocks for row in block.rows]

    @property
    def refused(self) -> list[RefusedRow]:
        return [row for block in self.blocks for row in block.refused]

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.summary.problems]


def read(
    feed: bytes | str,
    name: str = PRICE_NAME,
    limits: Limits | None = None,
    downloaded_at: datetime | None = None,
) -> Read:
    data = feed.encode() if isinstance(feed, str) else feed
    ways = []
    for fast in (True, False):
        reader = FeedReader(io.BytesIO(data), name, limits, clock=Clock(downloaded_at), fast=fast)
        blocks = list(reader)
        ways.append(Read(reader.header, reader.summary, blocks))
    assert ways[0] == ways[1]
    return ways[0]


def leaves(**fields: str) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())


def item(code: str = "1", price: str = "2.50", **more: str) -> str:
    return f"<Item>{leaves(ItemCode=code, ItemPrice=price, ItemName='n', **more)}</Item>\n"


def price_feed(*items: str, count: int | None = None) -> str:
    counted = "" if count is None else f' Count="{count}"'
    return f"<Root>{HEAD}<Items{counted}>{''.join(items)}</Items></Root>"
