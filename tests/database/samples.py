"""Hand-made batches for the tests of the loader."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gogobe.database.connection import Connection
from gogobe.records.messages import FileTotals, IngestBatch
from gogobe.records.rows import BATCH_SIZE, Item, Kind, Promotion, PromotionItem, Store

MORNING = datetime(2025, 8, 7, 6, 0, tzinfo=UTC)
CHAIN = "7290027600007"


def empty(db: Connection) -> None:
    """Takes everything out of the database."""
    db.execute("TRUNCATE chains, masters, prices, price_changes CASCADE")


def at(hour: float) -> datetime:
    """So many hours after the morning of the tests' day."""
    return MORNING + timedelta(hours=hour)


def item(code: str, price: str, **fields: Any) -> Item:
    """An item with its own master id, if its code is a number."""
    fields.setdefault("name", f"item {code}")
    fields.setdefault("master_id", int(code) if code.isdecimal() else 10**14 + len(code))
    return Item(item_code=code, price=Decimal(price), row=fields.pop("row", 0), **fields)


def file_batches(
    rows: Sequence[Item | Promotion | Store],
    *,
    kind: Kind = "pricefull",
    hour: float = 0,
    size: int = BATCH_SIZE,
    complete: bool = True,
    announced: int | None = None,
    **fields: Any,
) -> list[IngestBatch]:
    """The batches of one file with these rows, `size` in each; the content's hash is drawn from all of it.

    `announced` is its Count; where it holds other rows, the file is whole and not complete."""
    for row, one in enumerate(rows, start=1):
        one.row = row
    parts = [rows[start : start + size] for start in range(0, len(rows), size)] or [rows]
    content = repr((kind, hour, complete, announced, sorted(fields.items()), rows))
    sha = fields.pop("content_sha256", None) or hashlib.sha256(content.encode()).hexdigest()
    field = "stores" if kind == "stores" else "promotions" if kind.startswith("promo") else "items"
    refused = fields.pop("refused", [])
    version = fields.pop("reader_version", 1)
    differs = announced not in (None, len(rows) + len(refused))
    totals = FileTotals(
        announced=announced,
        read=len(rows) + len(refused),
        refused=len(refused),
        complete=complete and not differs,
        problems=["count_mismatch"] if complete and differs else [],
    )
    values: dict[str, Any] = {
        "chain": "shufersal",
        "chain_id": CHAIN,
        "sub_chain_id": "1",
        "store_id": "5",
        "file": f"{kind}-{hour}.gz",
        "published_at": at(hour),
        "source_url": f"https://prices.example/{sha[:12]}.gz",
        "discovered_at": at(hour + 0.1),
        "downloaded_at": at(hour + 0.2),
    } | fields
    return [
        IngestBatch(
            batch_id=f"{sha}-{version}-{sequence}",
            reader_version=version,
            kind=kind,
            content_sha256=sha,
            sequence=sequence,
            last=sequence == len(parts) - 1,
            refused=refused if sequence == 0 else [],
            totals=totals if sequence == len(parts) - 1 else None,
            **(values | {field: list(part)}),
        )
        for sequence, part in enumerate(parts)
    ]


def promotion(promotion_id: str, *codes: str, **fields: Any) -> Promotion:
    """A promotion on these codes."""
    items = fields.pop("items", [PromotionItem(item_code=code) for code in codes])
    return Promotion(promotion_id=promotion_id, row=0, items=items, **fields)


def store(store_id: str, **fields: Any) -> Store:
    """A store as a Stores file has it."""
    return Store(store_id=store_id, row=0, **fields)
