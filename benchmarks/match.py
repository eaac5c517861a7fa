"""Benchmark of matching: codes, names, indexes, and a snapshot of a million masters. Writes
var/bench-match.json.

Names are generated from words, brands and sizes, since no real catalogue has a million products. The quality
of matches is measured by `gogobe masters evaluate`, on real names.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

import faiss
import msgspec
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from usearch.index import Index as UsearchIndex

from benchmarks.feeds import with_check_digit
from benchmarks.measure import Figure, Report, measure, new_report, show_figures, write_json
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.codes.gtin import valid_gtins
from gogobe.masters.matching.matcher import CANDIDATES, Matcher
from gogobe.masters.matching.model import learned_model
from gogobe.masters.matching.queries import queries_of
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.snapshot.files import open_snapshot
from gogobe.masters.text.facts import Described
from gogobe.masters.vectors.index import AnnoyBuilder, AnnoyIndex, ExactIndex
from gogobe.masters.vectors.item_vectors import SIZE_AND_PRICE_DIMENSIONS
from gogobe.records.rows import BATCH_SIZE, Item

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

VAR: Final = Path("var")
FOLDER: Final = VAR / "bench-match"
LETTERS: Final = "אבגדהוזחטיכלמנסעפצקרשת"
SIZES: Final = (50, 80, 100, 150, 200, 250, 330, 400, 500, 750, 1000, 1500)
CODES: Final = 200_000
QUERIES: Final = 2_000
MASTERS: Final = 100_000
A_MILLION: Final = 1_000_000
KNOWN: Final = 5_000  # short codes of a chain that were given to masters
A_FEW: Final = 28  # unknown items in a typical batch of 500; the others have GTINs
PARTS: Final = ("codes", "names", "indexes", "million")


class IndexFigure(msgspec.Struct, frozen=True):
    """Figures of one index: the share of the true 50 nearest that it finds, and its costs."""

    index: str
    recall_at_50: float
    queries_per_second: float
    build_seconds: float
    size_mb: float


class MatchReport(Report):
    """The benchmark's result; memory and sizes are those of the million masters."""

    indexes: list[IndexFigure] = msgspec.field(default_factory=list)
    snapshot_mb: float = 0.0
    worker_mb: float = 0.0


def gtin_of(number: int) -> str:
    """A GTIN-13 of a fictitious company; a thousand masters share a company prefix."""
    return with_check_digit(f"7291{number:08d}")


def catalogue(masters: int) -> Iterator[CatalogueRow]:
    """Generated items, one in four sold by a second chain under another name."""
    random = np.random.default_rng(7)
    words = ["".join(random.choice(list(LETTERS), size)) for size in random.integers(3, 8, 20_000)]
    for number in range(masters):
        picked = [words[int(place)] for place in random.zipf(1.3, 4) % len(words)]
        name = " ".join([words[number // 1000 * 7 % len(words)], *picked])
        size, price = SIZES[number % len(SIZES)], float(random.integers(20, 900)) / 10
        code = gtin_of(number)
        yield CatalogueRow("a", code, Described(f"{name} {size} גרם", "", size, "גרם", price))
        if number % 4 == 0:
            yield CatalogueRow("b", code, Described(f"{name[:18]} {size}ג", "", size, "גרם", price * 1.05))
        if number < KNOWN:
            described = Described(name, "", size, "גרם", price)
            yield CatalogueRow("known", str(number), described, master_id=int(code), decided=True)


def items_of(rows: list[CatalogueRow]) -> list[Item]:
    """Rows as items of a feed, with codes without meaning."""
    return [
        Item(
            item_code=f"n{place}",
            price=Decimal(str(round(row.described.price, 2))),
            row=place,
            name=row.described.name,
            quantity=Decimal(str(row.described.quantity)),
            unit_qty=row.described.unit,
        )
        for place, row in enumerate(rows)
    ]


def some_rows(count: int, masters: int) -> list[CatalogueRow]:
    """`count` rows of a catalogue, evenly spaced."""
    step = masters // count
    return [row for number, row in enumerate(catalogue(masters)) if number % step == 0][:count]


def batches_of(items: list[Item], size: int = BATCH_SIZE) -> list[list[Item]]:
    return [items[begin : begin + size] for begin in range(0, len(items), size)]


# --- codes: what is prepared, and the work that is measured --------------------------------------------------


def code_batches() -> list[list[str]]:
    codes = [gtin_of(number) for number in range(CODES)]
    return [codes[begin : begin + BATCH_SIZE] for begin in range(0, CODES, BATCH_SIZE)]


def check_codes(batches: list[list[str]]) -> int:
    return sum(len(valid_gtins(batch)) for batch in batches)


def coded_items() -> tuple[Resolver, list[list[Item]]]:
    """Items of which one in twenty has a short code that the snapshot knows; the others have GTINs."""
    items = [
        Item(
            item_code=str(number % KNOWN) if number % 20 == 0 else gtin_of(number), price=Decimal(1), row=number
        )
        for number in range(CODES)
    ]
    return Resolver(open_snapshot(FOLDER, check=False)), batches_of(items)


def resolve(prepared: tuple[Resolver, list[list[Item]]]) -> int:
    resolver, batches = prepared
    for batch in batches:
        resolver.resolve("known", batch)
    return sum(len(batch) for batch in batches)


def named_items(at_once: int = BATCH_SIZE) -> tuple[Resolver, list[list[Item]]]:
    """Items of a chain that the snapshot knows, with codes that it does not: all are matched by name."""
    resolver = Resolver(open_snapshot(FOLDER, check=False))
    resolve((resolver, batches_of(items_of(some_rows(BATCH_SIZE, MASTERS)))))
    return resolver, batches_of(items_of(some_rows(QUERIES, MASTERS)), at_once)


# --- indexes -------------------------------------------------------------------------------------------------


def compare_indexes() -> list[IndexFigure]:
    """The vectors of 100,000 masters in each index, one thread each, queried for the 50 nearest."""
    snapshot = open_snapshot(FOLDER, check=False)
    stored = np.ascontiguousarray(snapshot.index.vectors)
    rows = some_rows(QUERIES, MASTERS)
    asked = queries_of([row.described for row in rows], np.zeros(len(rows), dtype=np.int64), [""] * len(rows))
    queries = Matcher(snapshot, learned_model()).vectors(asked)
    truth = ExactIndex(stored).search(queries, CANDIDATES).rows
    faiss.omp_set_num_threads(1)
    return [
        _figure("Annoy (ours)", partial(_annoy, stored, SIZE_AND_PRICE_DIMENSIONS), queries, truth),
        _figure("Annoy, trees of whole vectors", partial(_annoy, stored, 0), queries, truth),
        _figure("faiss HNSW32, ef 64", partial(_faiss_hnsw, stored), queries, truth),
        _figure("faiss IVF1024, 16 probes", partial(_faiss_ivf, stored), queries, truth),
        _figure("usearch HNSW16, ef 64", partial(_usearch, stored), queries, truth),
    ]


Search = Callable[[Floats], Rows]


def _figure(name: str, build: Callable[[], tuple[Search, float]], queries: Floats, truth: Rows) -> IndexFigure:
    started = time.perf_counter()
    search, size = build()
    built = time.perf_counter()
    begins = range(0, len(queries), BATCH_SIZE)
    rows = np.concatenate([search(queries[begin : begin + BATCH_SIZE]) for begin in begins])
    seconds = time.perf_counter() - built
    found = np.mean(
        [len(np.intersect1d(ours, true)) / CANDIDATES for ours, true in zip(rows, truth, strict=True)]
    )
    return IndexFigure(name, float(found), len(queries) / seconds, built - started, size / 1e6)


def _annoy(stored: Floats, beside: int) -> tuple[Search, float]:
    path = FOLDER.with_suffix(".ann")
    builder = AnnoyBuilder(path, stored.shape[1], beside=beside)
    builder.add(stored)
    builder.finish()
    index = AnnoyIndex(path, stored.shape[1])
    return lambda vectors: index.search(vectors, CANDIDATES).rows, path.stat().st_size


def _faiss_hnsw(stored: Floats) -> tuple[Search, float]:
    index = faiss.IndexHNSWFlat(stored.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efSearch = 64
    index.add(stored)
    return lambda vectors: index.search(vectors, CANDIDATES)[1], len(faiss.serialize_index(index))


def _faiss_ivf(stored: Floats) -> tuple[Search, float]:
    coarse = faiss.IndexFlatIP(stored.shape[1])
    index = faiss.IndexIVFFlat(coarse, stored.shape[1], 1024, faiss.METRIC_INNER_PRODUCT)
    index.train(stored)
    index.add(stored)
    index.nprobe = 16
    return lambda vectors: index.search(vectors, CANDIDATES)[1], len(faiss.serialize_index(index))


def _usearch(stored: Floats) -> tuple[Search, float]:
    index = UsearchIndex(ndim=stored.shape[1], metric="ip", connectivity=16, expansion_search=64)
    index.add(np.arange(len(stored)), stored, threads=1)
    return (
        lambda vectors: np.asarray(index.search(vectors, CANDIDATES, threads=1).keys, dtype=np.int64),
        index.serialized_length,
    )


# --- a million masters ---------------------------------------------------------------------------------------


def fresh_folder(masters: int) -> tuple[Path, int]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    return FOLDER, masters


def build(prepared: tuple[Path, int]) -> int:
    folder, masters = prepared
    return build_snapshot(catalogue(masters), folder).masters


def own_memory() -> float:
    """The private memory of this process in MB, without mapped files."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def worker_memory() -> float:
    """The growth in MB, without mapped files, of a process that opens the snapshot and matches some
    batches."""
    batches = batches_of(items_of(some_rows(QUERIES, MASTERS)))
    resolve((Resolver(), batches))
    gc.collect()
    before = own_memory()
    resolver = Resolver(open_snapshot(FOLDER))
    resolve((resolver, batches))
    return own_memory() - before


def main() -> None:
    """Measure, print the tables and write the JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="leave the million masters out")
    arguments.add_argument("--only", choices=PARTS, help="one part alone; the JSON is named after it")
    given = arguments.parse_args()
    parts = {given.only} if given.only else set(PARTS[:-1] if given.quick else PARTS)
    file = VAR / (f"bench-match-{given.only}.json" if given.only else "bench-match.json")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as for the pipeline's workers; measured processes inherit it
    report = MatchReport(**msgspec.structs.asdict(new_report()))
    console = Console(width=120)

    def add(figure: Figure) -> None:
        """Adds a figure and writes the file, so that an interruption loses nothing."""
        report.figures.append(figure)
        write_json(file, report)

    if parts != {"million"}:
        add(measure("build, 100,000 masters", partial(fresh_folder, MASTERS), build, runs=1))
    if "codes" in parts:
        add(measure("GTIN check, codes alone", code_batches, check_codes))
        add(measure("GTIN 95 %, known codes 5 %, items filled", coded_items, resolve))
    if "names" in parts:
        add(measure("by name, 100,000 masters", named_items, resolve))
        add(measure(f"by name, {A_FEW} at a time", partial(named_items, A_FEW), resolve))
    if "indexes" in parts:
        report.indexes = compare_indexes()
    if "million" in parts:
        add(measure("build, a million masters", partial(fresh_folder, A_MILLION), build, runs=1))
        report.snapshot_mb = sum(path.stat().st_size for path in FOLDER.iterdir()) / 1e6
        report.worker_mb = in_own_process(worker_memory)
        add(measure("by name, a million masters", named_items, resolve))
    write_json(file, report)
    _show(report, console)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.with_suffix(".ann").unlink(missing_ok=True)


def _show(report: MatchReport, console: Console) -> None:
    show_figures("Matching, one process, batches of 500", report.figures, console)
    if report.indexes:
        _show_indexes(report.indexes, console)
    if report.snapshot_mb:
        console.print(
            f"A million masters: {report.snapshot_mb:,.0f} MB mapped, {report.worker_mb:,.0f} MB a worker's own"
        )


def in_own_process(work: Callable[[], float]) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)


def _show_indexes(figures: list[IndexFigure], console: Console) -> None:
    table = Table(title="Indexes, 100,000 masters, the 50 nearest, one thread", title_justify="left")
    table.add_column("index")
    for column in ("of the true 50", "queries/s", "build s", "size MB"):
        table.add_column(column, justify="right")
    for one in figures:
        table.add_row(
            one.index,
            f"{one.recall_at_50:.3f}",
            f"{one.queries_per_second:,.0f}",
            f"{one.build_seconds:,.1f}",
            f"{one.size_mb:,.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
