"""The inspection of one feed file: kind, counts, problems and first rows, read without a server."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import BinaryIO, Final, cast

import msgspec

from gogobe.chains.chain import Chains, normal_chain_id
from gogobe.feeds.batches import RowFiller
from gogobe.feeds.containers import Container
from gogobe.feeds.names import parse_if_known
from gogobe.feeds.problems import Problem
from gogobe.feeds.reader import FeedReader
from gogobe.feeds.values import number
from gogobe.io.objects import open_address, store_errors
from gogobe.records.rows import Block, Item, Kind, Promotion, RefusedRow, Store

Row = Item | Promotion | Store
_IN_MEMORY: Final = 8 << 20


class Inspection(msgspec.Struct):
    """One file, as `gogobe inspect --json` prints it.

    `read` counts the rows of the file, `taken` the accepted ones, `refused` the other rows and the
    `refused_items` within promotions; `refused_reasons` counts refusals by reason. `items` counts rows with a
    price, including those refused for a price of zero or below or for a missing code; `first_code`,
    `last_code`, `distinct_codes` and `price_sum` (exact, as text) are over the same rows.
    `promotion_items` counts the items of promotions without gifts, `gift_items` the gifts. `unknown_elements`
    counts elements of rows that the tables of names do not have, by path; `constants` are terms with the same
    value in all promotions, which are ignored. `problems` are codes, `details` their sentences. Ids are as
    published; those missing in the content are from the file's name. `rows`, `refused_rows` and
    `unit_prices_off_basis` (published unit prices that are a power of ten off the basis that they name, in the
    whole file) are set if rows were requested.
    """

    file: str
    container: Container
    encoding: str
    kind: Kind | None
    chain_id: str | None
    store_id: str | None
    announced: int | None
    read: int
    taken: int
    items: int
    promotions: int
    promotion_items: int
    gift_items: int
    stores: int
    first_code: str | None
    last_code: str | None
    distinct_codes: int
    price_sum: str | None
    refused: int
    refused_items: int
    complete: bool
    problems: list[str]
    seconds: float
    refused_reasons: dict[str, int]
    details: list[str]
    unknown_elements: dict[str, int]
    constants: dict[str, str]
    unit_prices_off_basis: int | msgspec.UnsetType = msgspec.UNSET
    rows: list[Row] | msgspec.UnsetType = msgspec.UNSET
    refused_rows: list[RefusedRow] | msgspec.UnsetType = msgspec.UNSET


class UnreadableFileError(Exception):
    """A file that cannot be opened or read; the message names the file and the cause."""


def inspect_file(
    address: str, rows: int = 0, endpoint: str | None = None, chains: Chains | None = None
) -> Inspection:
    """Reads a feed to its end and keeps its first `rows` rows and refused rows.

    `address` is a path, `-` for standard input, or a URL (`s3://…`, `gs://…`, `https://…`); `endpoint` is a
    server other than the cloud's own. With `chains` a file whose name and content are of different chains has
    the problem `chain_differs`.
    Problems of the content are in the result. Raises UnreadableFileError if the file cannot be read at all.
    """
    started = time.perf_counter()
    reasons: Counter[str] = Counter()
    prices = _Prices()
    first: list[Row] = []
    filler = RowFiller()
    refused: list[RefusedRow] = []
    with _opened(address, endpoint) as source:
        reader = FeedReader(source, address)
        for block in reader:
            prices.add(block)
            if rows:
                filler.fill(block.rows)
            reasons.update(row.reason for row in block.refused)
            first += block.rows[: max(rows - len(first), 0)]
            refused += block.refused[: max(rows - len(refused), 0)]
    name = parse_if_known(address)
    if chains is not None and name is not None:
        _check_chain(reader, name.chain_id, chains)
    summary = reader.summary
    is_price = summary.kind in ("price", "pricefull")
    return Inspection(
        file=address,
        container=summary.container,
        encoding=summary.encoding,
        kind=summary.kind,
        chain_id=reader.header.chain_id or (name.chain_id if name else None),
        store_id=reader.header.store_id or (name.store_id if name else None),
        announced=summary.announced,
        read=summary.read,
        taken=summary.taken,
        items=prices.count,
        promotions=summary.promotions,
        promotion_items=summary.promotion_items,
        gift_items=summary.gift_items,
        stores=summary.stores,
        first_code=prices.first_code,
        last_code=prices.last_code,
        distinct_codes=len(prices.codes),
        price_sum=f"{prices.sum.normalize():f}" if is_price else None,
        refused=summary.refused,
        refused_items=summary.refused_items,
        complete=summary.complete,
        problems=[problem.code for problem in summary.problems],
        seconds=round(time.perf_counter() - started, 3),
        refused_reasons=dict(reasons),
        details=[
            f"{problem.detail} ({problem.place})" if problem.place else problem.detail
            for problem in summary.problems
        ],
        unknown_elements=summary.unknown_elements,
        constants=summary.constants,
        unit_prices_off_basis=filler.off_basis if rows else msgspec.UNSET,
        rows=first if rows else msgspec.UNSET,
        refused_rows=refused if rows else msgspec.UNSET,
    )


def _check_chain(reader: FeedReader, named: str, chains: Chains) -> None:
    """Reports a file whose name and content carry ids that no chain has both of: it is refused when loaded."""
    ids = [normal_chain_id(named), normal_chain_id(reader.header.chain_id)]
    if None in ids or ids[0] == ids[1]:
        return
    owners = [set(chains.owners(one or "")) for one in ids]
    if owners[0] & owners[1]:
        return
    whose = [
        f"{one} ({' and '.join(sorted(keys)) or 'not listed'})" for one, keys in zip(ids, owners, strict=True)
    ]
    reader.refuse(Problem("chain_differs", f"the name carries ChainId {whose[0]}, the content {whose[1]}"))


@contextmanager
def _standard_input() -> Iterator[BinaryIO]:
    """Standard input as a file that can be read from any place; in memory while it is small."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        spool.seek(0)
        yield cast("BinaryIO", spool)


class _Prices:
    """Sums the rows with a price, including refused ones, in file order."""

    def __init__(self) -> None:
        self.count = 0
        self.sum = Decimal(0)
        self.codes: set[str] = set()
        self.first_code: str | None = None
        self.last_code: str | None = None

    def add(self, block: Block) -> None:
        rows: list[Row | RefusedRow] = [*block.rows, *block.refused]
        if block.refused:
            rows.sort(key=lambda row: row.row)
        for row in rows:
            if isinstance(row, Item):
                self._add(row.item_code, row.price)
            elif isinstance(row, RefusedRow) and (price := number(row.detail or "")) is not None:
                self._add(row.item_code, price)

    def _add(self, code: str | None, price: Decimal) -> None:
        self.count += 1
        self.sum += price
        if code is not None:
            self.codes.add(code)
            self.first_code = self.first_code or code
            self.last_code = code


@contextmanager
def _opened(address: str, endpoint: str | None) -> Iterator[BinaryIO]:
    try:
        with _standard_input() if address == "-" else open_address(address, endpoint) as source:
            yield source
    except FileNotFoundError as error:
        raise UnreadableFileError(f"{address}: no such file") from error
    except (ImportError, ValueError) as error:
        raise UnreadableFileError(f"{address}: {error}") from error
    except store_errors() as error:
        why = getattr(error, "strerror", None) or str(error).lstrip(
            ", "
        )  # gcsfs puts ", " first if there is no message
        raise UnreadableFileError(f"{address}: cannot be read: {why}") from error
