"""What 1,000 chains with 100,000 stores take: computed from measured rates (`python -m benchmarks.capacity`).

`Market` is what is assumed, `Measured` what one item, row or file costs, `Prices` a cloud's list prices.
`Capacity` is the arithmetic, `pages` its results as the tables of docs/scaling.md, which a test compares.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gogobe.records.rows import BATCH_SIZE

GIGABYTE: Final = 1e9
HOUR: Final = 3600.0
DAYS_OF_MONTH: Final = 30
HOURS_OF_MONTH: Final = 730.0


@dataclass(frozen=True)
class Market:
    """Assumptions. Rows are those of one store; `update_files` of each kind a day; `full_hours`: within which
    all stores publish their full files; `burst`: the busiest minutes over the mean of these hours."""

    chains: int = 1_000
    stores: int = 100_000
    items: int = 10_000
    promotions: int = 1_000
    items_of_a_promotion: int = 4
    update_files: int = 10
    prices_changed: float = 0.03
    promotions_changed: float = 0.10
    full_hours: float = 6.0
    burst: float = 1.5
    codes_of_a_chain: int = 20_000
    masters: int = 5_000_000


@dataclass(frozen=True)
class Measured:
    """Bytes of a row in a compressed feed and in a message (JSON; and the share that lz4 leaves), CPU
    microseconds of an item by service, bytes of a row in the database with its indexes."""

    feed_item: float = 43
    feed_promotion: float = 65
    message_item: float = 450
    message_promotion: float = 943
    lz4: float = 0.18
    message_of_a_file: float = 700
    python: float = 22.9
    flink: float = 9.2
    java: float = 4.4
    kafka: float = 3.6
    postgresql: float = 10.5
    price: float = 180
    price_index: float = 49
    price_change: float = 150
    promotion: float = 496
    promotion_item: float = 250
    alias: float = 429
    master: float = 248
    file: float = 2_180
    batch: float = 541
    refresh_of_a_price: float = 3.4
    snapshot_of_a_master: float = 1_300
    masters_built_a_second: float = 9_200
    word_hash: float = 100
    words_remembered: int = 500_000


@dataclass(frozen=True)
class Prices:
    """List prices in US dollars (docs/scaling.md says whose and when)."""

    vcpu_hour: float = 0.048
    database_vcpu_hour: float = 0.25
    database_gigabyte_month: float = 0.23
    disk_gigabyte_month: float = 0.08
    object_gigabyte_month: float = 0.023
    thousand_puts: float = 0.005


@dataclass(frozen=True)
class Rules:
    """How it is laid out: the share of a core that is used at the peak, days that raw files, messages and
    price changes are kept, brokers with copies of each message, and the items a second of one partition."""

    utilisation: float = 0.6
    raw_days: int = 90
    message_days: int = 2
    change_months: int = 13
    replicas: int = 3
    ledger_days: int = 90
    partition_items: float = 5_000


@dataclass(frozen=True)
class Capacity:
    """The sums, by name."""

    market: Market
    measured: Measured
    prices: Prices
    rules: Rules

    # --- a day ----------------------------------------------------------------------------------------------

    @property
    def files(self) -> int:
        """Full and update files, of prices and of promotions."""
        return self.market.stores * 2 * (1 + self.market.update_files)

    @property
    def item_rows(self) -> float:
        return self.market.stores * self.market.items * (1 + self.market.prices_changed)

    @property
    def promotion_rows(self) -> float:
        return self.market.stores * self.market.promotions * (1 + self.market.promotions_changed)

    @property
    def batches(self) -> int:
        """Full files in batches of 500 rows; an update file is one."""
        full = math.ceil(self.market.items / BATCH_SIZE) + math.ceil(self.market.promotions / BATCH_SIZE)
        return self.market.stores * (full + 2 * self.market.update_files)

    @property
    def feed_bytes(self) -> float:
        return self.item_rows * self.measured.feed_item + self.promotion_rows * self.measured.feed_promotion

    @property
    def message_bytes(self) -> float:
        """JSON of the ingest topic and of the two topics of files, before compression."""
        rows = self.item_rows * self.measured.message_item
        rows += self.promotion_rows * self.measured.message_promotion
        return rows + 2 * self.files * self.measured.message_of_a_file

    # --- the peak -------------------------------------------------------------------------------------------

    @property
    def peak(self) -> float:
        """Rows a second while full files are published."""
        rows = self.market.stores * (self.market.items + self.market.promotions)
        return rows / (self.market.full_hours * HOUR) * self.market.burst

    def cores(self, micros: float) -> int:
        """Cores for a service that takes so many CPU microseconds an item."""
        return math.ceil(self.peak * micros / 1e6 / self.rules.utilisation)

    @property
    def partitions(self) -> int:
        """The next power of two that takes the peak."""
        return int(2 ** math.ceil(math.log2(self.peak / self.rules.partition_items)))

    # --- the database ---------------------------------------------------------------------------------------

    @property
    def prices_kept(self) -> int:
        return self.market.stores * self.market.items

    @property
    def changes_a_day(self) -> float:
        return self.prices_kept * self.market.prices_changed

    @property
    def promotions_written(self) -> float:
        """Promotions with their items."""
        replaced = self.market.stores * self.market.promotions * self.market.promotions_changed
        return replaced * (1 + self.market.items_of_a_promotion)

    @property
    def tables(self) -> Sequence[tuple[str, float, float]]:
        """Name, rows, bytes."""
        market, one = self.market, self.measured
        promotions = market.stores * market.promotions
        items = promotions * market.items_of_a_promotion
        aliases = market.chains * market.codes_of_a_chain
        changes = self.changes_a_day * DAYS_OF_MONTH * self.rules.change_months
        files, batches = self.files * self.rules.ledger_days, self.batches * self.rules.ledger_days
        return [
            ("`prices`", self.prices_kept, self.prices_kept * one.price),
            ("`price_changes`", changes, changes * one.price_change),
            ("`promotions`", promotions, promotions * one.promotion),
            ("`promotion_items`", items, items * one.promotion_item),
            ("`master_aliases`", aliases, aliases * one.alias),
            ("`masters`", market.masters, market.masters * one.master),
            ("`files`", files, files * one.file),
            ("`batches`", batches, batches * one.batch),
        ]

    @property
    def database_bytes(self) -> float:
        return sum(size for _, _, size in self.tables)

    @property
    def ledger_bytes_a_day(self) -> float:
        return self.files * self.measured.file + self.batches * self.measured.batch

    # --- what breaks ----------------------------------------------------------------------------------------

    @property
    def refresh_seconds(self) -> float:
        """CPU seconds of a refresh of the materialized views."""
        return self.prices_kept * self.measured.refresh_of_a_price / 1e6

    @property
    def words(self) -> int:
        """Hashes of words that a loader would have to remember, so that none is sent twice a day."""
        return self.market.chains * self.market.codes_of_a_chain

    # --- the cost -------------------------------------------------------------------------------------------

    @property
    def database_vcpus(self) -> int:
        """Memory decides, 8 GB a vCPU: it holds the key of `prices`, masters and aliases, and a quarter of the
        current prices and promotions."""
        size = {name: size for name, _, size in self.tables}
        index = self.prices_kept * self.measured.price_index
        current = size["`prices`"] - index + size["`promotions`"] + size["`promotion_items`"]
        hot = index + size["`masters`"] + size["`master_aliases`"] + current / 4
        return int(2 ** math.ceil(math.log2(max(self.cores(self.measured.postgresql), hot / (8 * GIGABYTE)))))

    @property
    def costs(self) -> Sequence[tuple[str, str, float]]:
        """What, how much, dollars a month."""
        one, price, rules = self.measured, self.prices, self.rules
        workers = self.cores(one.python) + self.cores(one.flink) + self.cores(one.java)
        brokers = max(rules.replicas, self.cores(one.kafka)) * 4
        kept = self.message_bytes * one.lz4 * rules.message_days * rules.replicas / GIGABYTE
        raw = self.feed_bytes * rules.raw_days / GIGABYTE
        size = self.database_bytes / GIGABYTE
        puts = self.files * DAYS_OF_MONTH / 1000
        vcpus = self.database_vcpus
        return [
            ("workers (Python, Flink, Java)", f"{workers} vCPU", workers * price.vcpu_hour * HOURS_OF_MONTH),
            ("Kafka brokers", f"{brokers} vCPU", brokers * price.vcpu_hour * HOURS_OF_MONTH),
            ("Kafka's disks", f"{kept:,.0f} GB", kept * price.disk_gigabyte_month),
            ("PostgreSQL, two zones", f"{vcpus} vCPU", vcpus * price.database_vcpu_hour * HOURS_OF_MONTH),
            ("PostgreSQL's disks, two zones", f"{size:,.0f} GB", size * price.database_gigabyte_month),
            ("raw files in the object store", f"{raw:,.0f} GB", raw * price.object_gigabyte_month),
            ("puts into the object store", f"{puts:,.0f} thousand", puts * price.thousand_puts),
        ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _day(of: Capacity) -> str:
    rows = [
        ("files announced and downloaded", f"{of.files:,.0f}"),
        ("rows of items", f"{of.item_rows:,.0f}"),
        ("rows of promotions", f"{of.promotion_rows:,.0f}"),
        ("bytes downloaded", f"{of.feed_bytes / GIGABYTE:,.0f} GB"),
        ("messages: discovered + downloaded + ingest", f"{2 * of.files + of.batches:,.0f}"),
        ("bytes of messages, as JSON", f"{of.message_bytes / GIGABYTE:,.0f} GB"),
        ("bytes of messages, in Kafka (lz4)", f"{of.message_bytes * of.measured.lz4 / GIGABYTE:,.0f} GB"),
    ]
    return table(("A day", "Sum"), rows)


def _peak(of: Capacity) -> str:
    one = of.measured
    services = (
        ("Python workers (parse, match, load)", one.python),
        ("Flink", one.flink),
        ("Java worker (Kafka sink)", one.java),
        ("Kafka", one.kafka),
        ("PostgreSQL", one.postgresql),
    )
    rows = [(name, f"{micros:.1f}", f"{of.cores(micros)}") for name, micros in services]
    return table((f"At {of.peak:,.0f} rows a second", "CPU µs an item", "Cores"), rows)


def _database(of: Capacity) -> str:
    rows = [(name, f"{count:,.0f}", f"{size / GIGABYTE:,.0f} GB") for name, count, size in of.tables]
    total = ("all", "", f"{of.database_bytes / GIGABYTE:,.0f} GB")
    return table(("Table", "Rows", "With indexes"), [*rows, total])


def _writes(of: Capacity) -> str:
    rows = [
        ("`prices` updated, and as many rows of `price_changes`", f"{of.changes_a_day:,.0f}"),
        ("promotions and their items replaced", f"{of.promotions_written:,.0f}"),
        ("rows of `files` and `batches`", f"{of.files + of.batches:,.0f}"),
        ("prices compared and not written", f"{of.item_rows - 2 * of.changes_a_day:,.0f}"),
    ]
    return table(("Writes a day", "Rows"), rows)


def _limits(of: Capacity) -> str:
    one = of.measured
    index = of.prices_kept * one.price_index / GIGABYTE
    snapshot = of.market.masters * one.snapshot_of_a_master / GIGABYTE
    build = of.market.masters / one.masters_built_a_second / 60
    rows = [
        ("partitions of a topic", f"{of.partitions}"),
        ("index of `prices`", f"{index:,.0f} GB"),
        ("masters snapshot", f"{snapshot:,.1f} GB"),
        ("build of a snapshot", f"{build:,.0f} minutes"),
        ("a refresh of the materialized views", f"{of.refresh_seconds / 60:,.0f} CPU minutes"),
        ("words that a loader would remember", f"{of.words:,} ({of.words * one.word_hash / GIGABYTE:,.1f} GB)"),
        ("words that it remembers", f"{one.words_remembered:,}"),
        ("growth of the ledger", f"{of.ledger_bytes_a_day / GIGABYTE:,.1f} GB a day"),
    ]
    return table(("Limit", "Value"), rows)


def _costs(of: Capacity) -> str:
    rows = [(what, much, f"{dollars:,.0f}") for what, much, dollars in of.costs]
    total = ("all", "", f"{sum(dollars for _, _, dollars in of.costs):,.0f}")
    return table(("Part", "How much", "US dollars a month"), [*rows, total])


def pages(of: Capacity) -> dict[str, str]:
    """The tables of docs/scaling.md by name."""
    return {
        "day": _day(of),
        "peak": _peak(of),
        "writes": _writes(of),
        "database": _database(of),
        "limits": _limits(of),
        "costs": _costs(of),
    }


def capacity() -> Capacity:
    """The sums of docs/scaling.md."""
    return Capacity(Market(), Measured(), Prices(), Rules())


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(pages(capacity()).values()) + "\n")
