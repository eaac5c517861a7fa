"""The comparable facts of items, as arrays with a row per item, in one form for queries and candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import lru_cache
from typing import Final, Self
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.text.arrays import places_in_runs
from gogobe.masters.text.morphology import lemma, skeleton
from gogobe.masters.text.normal import UNITS, Dimension, ParsedName, normalize, parse_name
from gogobe.masters.text.qualities import NAMES as QUALITY_NAMES
from gogobe.masters.text.qualities import Reading, read_qualities
from gogobe.records.rows import Item

WORDS: Final = 14
BRAND_WORDS: Final = 4
NUMBERS: Final = 6
PERCENTS: Final = 2
_END_OF_AMOUNTS: Final = 1e12
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
CUT_FROM: Final = 19
"""Names of at least so many letters may be cut off: some chains publish 20, others 24."""

Array = npt.NDArray[np.generic]


class Described(msgspec.Struct, gc=False):
    """The fields of a chain's item that help to distinguish products.

    `quantity` is in `unit` (any spelling); `price` is in ILS, per kilogram for a weighed item.
    """

    name: str
    manufacturer: str = ""
    quantity: float = 0.0
    unit: str = ""
    price: float = 0.0
    is_weighted: bool = False


def describe_item(item: Item) -> Described:
    """The fields of a feed's item that describe the product."""
    return Described(
        name=item.name or "",
        manufacturer=item.manufacturer or "",
        quantity=as_float(item.quantity),
        unit=item.unit_qty or item.unit_of_measure or "",
        price=as_float(item.price),
        is_weighted=bool(item.is_weighted),
    )


@dataclass(frozen=True)
class Facts:
    """Comparable facts of n items. Missing numbers and words are 0.

    Words: `words` (n, 14) are hashes of the name's words. `shapes` (n, 14) have a bit for each letter pair of
    a word's stem without vowel letters, so that a cut or differently spelled word stays similar to itself.
    `naming` (n,) has a bit for each word that names the product itself, and `qualities` (n, qualities) a bit
    for each value that the other words state (`qualities.py`). `brands` and `brand_shapes` (n, 4) are the
    same for the manufacturer's name.

    Numbers: `numbers` (n, 6) are those without a unit in the name, `percents` (n, 2) its percentages.
    `amount` is the size from the feed's own fields, `named_amount` that of one piece in the name, both in
    grams, millilitres or centimetres. `pack` is the number of pieces in the name. `price` is in ILS,
    `weighed` 0 or 1. `company` is the GTIN's company prefix, which only masters have: 0 for items to be
    matched.
    """

    words: npt.NDArray[np.uint32]
    shapes: npt.NDArray[np.uint64]
    naming: npt.NDArray[np.uint16]
    qualities: npt.NDArray[np.uint16]
    brands: npt.NDArray[np.uint32]
    brand_shapes: npt.NDArray[np.uint64]
    numbers: npt.NDArray[np.float32]
    percents: npt.NDArray[np.float32]
    amount: npt.NDArray[np.float32]
    named_amount: npt.NDArray[np.float32]
    pack: npt.NDArray[np.float32]
    price: npt.NDArray[np.float32]
    weighed: npt.NDArray[np.float32]
    company: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.amount)

    def take(self, rows: npt.NDArray[np.int64]) -> Self:
        """The facts of these rows, in this order; rows may repeat."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def narrowed(self) -> Self:
        """The same facts without trailing columns of words, brands, numbers and percentages that are empty in
        all rows; at least one column of each stays."""
        words, brands, numbers, percents = (
            _filled_columns(table) for table in (self.words, self.brands, self.numbers, self.percents)
        )
        return replace(
            self,
            words=self.words[:, :words],
            shapes=self.shapes[:, :words],
            brands=self.brands[:, :brands],
            brand_shapes=self.brand_shapes[:, :brands],
            numbers=self.numbers[:, :numbers],
            percents=self.percents[:, :percents],
        )

    def forms(self) -> npt.NDArray[np.uint32]:
        """Hashes of the words' stems, independent of number, gender and vowel letters, (n, 14); 0 where there
        is no word."""
        mixed = ((self.shapes * _MIX) >> np.uint64(32)).astype(np.uint32)
        forms: npt.NDArray[np.uint32] = np.where(self.words != 0, np.maximum(mixed, 1), np.uint32(0))
        return forms

    def word_counts(self) -> npt.NDArray[np.int64]:
        """The number of words of each name, at most 14."""
        counts: npt.NDArray[np.int64] = (self.words != 0).sum(axis=1)
        return counts

    def size(self) -> npt.NDArray[np.float32]:
        """The size of the whole item, from its fields or else from its name; 0 if unknown."""
        named = self.named_amount * np.maximum(self.pack, 1)
        known: npt.NDArray[np.float32] = np.where(self.amount > 0, self.amount, named)
        return known


def _filled_columns(table: npt.NDArray[np.generic]) -> int:
    """The number of columns up to the last that is not all 0, at least 1."""
    return max(np.flatnonzero(table.any(axis=0)).tolist(), default=0) + 1


def concatenate(parts: Sequence[Facts]) -> Facts:
    """The facts of several tables as one, in order."""
    return Facts(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Facts)})


def as_float(value: Decimal | float | None) -> float:
    """A number as a float; 0 if it is missing or a signalling NaN."""
    try:
        return float(value) if value is not None else 0.0
    except ValueError:
        return 0.0


def describe(items: Sequence[Described]) -> tuple[list[str], Facts]:
    """The names in normal form, one text per item, and the facts of the items."""
    parsed = [parse_name(item.name) for item in items]
    words, shapes = _word_arrays([name.words for name in parsed], WORDS)
    readings = [
        read_qualities(name.words[:WORDS], may_be_cut=len(item.name) >= CUT_FROM)
        for item, name in zip(items, parsed, strict=True)
    ]
    brand_names = [_brand_words(item.manufacturer) for item in items]
    brands, brand_shapes = _word_arrays(brand_names, BRAND_WORDS)
    amounts = [_field_amount(item.quantity, item.unit) for item in items]
    facts = Facts(
        words=words,
        shapes=shapes,
        naming=np.array([one.naming for one in readings], dtype=np.uint16),
        qualities=_quality_bits(readings),
        brands=brands,
        brand_shapes=brand_shapes,
        numbers=_padded([name.numbers for name in parsed], NUMBERS),
        percents=_padded([name.percents for name in parsed], PERCENTS),
        amount=_bounded(amounts),
        named_amount=np.array([_named_amount(name) for name in parsed], dtype=np.float32),
        pack=np.array([name.pack if name.pack > 1 else 0 for name in parsed], dtype=np.float32),
        price=_bounded([item.price for item in items]),
        weighed=np.array([item.is_weighted for item in items], dtype=np.float32),
        company=np.zeros(len(items), dtype=np.uint32),
    )
    return [" ".join(name.words) for name in parsed], facts


def _quality_bits(readings: Sequence[Reading]) -> npt.NDArray[np.uint16]:
    bits = np.zeros((len(readings), len(QUALITY_NAMES)), dtype=np.uint16)
    for row, reading in enumerate(readings):
        for column, value in reading.bits.items():
            bits[row, column] = value
    return bits


def _named_amount(name: ParsedName) -> float:
    return name.amount if name.dimension in ("mass", "volume") else 0.0


_NO_BRAND: Final = frozenset({"", "לא ידוע", "לא ידועה", "כללי", "שונות", "unknown"})


@lru_cache(maxsize=1024)
def _brand_words(manufacturer: str) -> tuple[str, ...]:
    return () if manufacturer.strip() in _NO_BRAND else tuple(normalize(manufacturer).split())


def _field_amount(quantity: float, unit: str) -> float:
    """The size from the feed's fields, in grams, millilitres or centimetres; 0 if they have none.

    Units are unreliable: some chains write "kilogram" for every item. So "120 kilogram" is read as grams, and
    a quantity of 1 counts only with kilograms or litres.
    """
    dimension, factor = _unit(unit)
    if quantity <= 0 or dimension == "pieces":
        return 0.0
    if factor == 1000.0:
        return quantity * factor if quantity <= _LARGEST_IN_THOUSANDS else quantity
    return quantity if quantity > 1 else 0.0


_LARGEST_IN_THOUSANDS: Final = 25.0  # no shelf holds an item of more kilograms or litres


@lru_cache(maxsize=1024)
def _unit(unit: str) -> tuple[Dimension, float]:
    for word in reversed(normalize(unit).replace("1", " ").split()):
        if word in UNITS:
            return UNITS[word]
    return "", 1.0


def _bounded(values: Sequence[float]) -> npt.NDArray[np.float32]:
    """Amounts and prices as float32; 0 if not finite or too large."""
    exact = np.array(values, dtype=np.float64)
    return np.where(np.abs(exact) < _END_OF_AMOUNTS, exact, 0.0).astype(np.float32)


def _padded(values: Sequence[Sequence[float]], width: int) -> npt.NDArray[np.float32]:
    table = np.zeros((len(values), width), dtype=np.float32)
    for row, numbers in enumerate(values):
        if numbers:
            kept = numbers[:width]
            table[row, : len(kept)] = kept
    return table


def _word_arrays(
    names: Sequence[Sequence[str]], width: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64]]:
    """Hashes and shapes of the first `width` words of each name."""
    hashes = np.zeros((len(names), width), dtype=np.uint32)
    shapes = np.zeros((len(names), width), dtype=np.uint64)
    kept = [name[:width] for name in names]
    flat = [word for name in kept for word in name]
    if not flat:
        return hashes, shapes
    lengths = np.array([len(name) for name in kept])
    rows = np.repeat(np.arange(len(kept)), lengths)
    columns = places_in_runs(lengths)
    hashes[rows, columns] = [crc32(word.encode("utf-8", "surrogatepass")) or 1 for word in flat]
    shapes[rows, columns] = _shapes([skeleton(lemma(word)) for word in flat])
    return hashes, shapes


def _shapes(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """64 bits per word, one for each pair of adjacent letters, hashed; the start of the word counts as a
    letter."""
    points = np.frombuffer((" " + " ".join(words)).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    first, second = points[:-1].astype(np.uint64), points[1:].astype(np.uint64)
    mixed = ((first << np.uint64(32)) ^ second) * _MIX
    bits = np.uint64(1) << (mixed >> np.uint64(58))
    bits[second == ord(" ")] = 0
    lengths = np.array([len(word) + 1 for word in words], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    return np.bitwise_or.reduceat(bits, starts)
