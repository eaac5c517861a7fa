"""Comparable unit prices: the price of one kilogram, litre, metre or piece.

Chains publish `UnitQty` (the unit of `Quantity`), `UnitOfMeasure` (the basis of the published unit price, for
example "100 גרם") and `UnitOfMeasurePrice`. The published unit price has any basis: 100 g, a gram or a
kilogram. `unit_price_of` therefore computes the price from price, quantity and unit, and returns by which
power of ten the published one differs from it.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from gogobe.records.rows import Item

Basis = Literal["kg", "l", "m", "piece"]


class Unit(NamedTuple):
    """A unit of measure: its basis, and its size in units of that basis."""

    basis: Basis
    factor: Decimal


_SPELLINGS: Final[dict[str, tuple[Basis, str]]] = {
    "ג גר גרמ גרמימ ג.ר g gr gram grams": ("kg", "0.001"),
    "קג קילו קילוגרמ קילוגרמימ לקג ק kg kilo kilogram": ("kg", "1"),
    "מג מיליגרמ mg": ("kg", "0.000001"),
    "מל מיל מיליליטר מיליליטרימ סמק ml cc": ("l", "0.001"),
    "סל סנטיליטר cl": ("l", "0.01"),
    "ל לי ליט ליטר ליטרימ לטר l lt ltr liter litre": ("l", "1"),
    "ממ mm": ("m", "0.001"),
    "סמ סנטימטר cm": ("m", "0.01"),
    "מ מטר מטרימ m meter metre": ("m", "1"),
    "יח יחי יחיד יחידה יחידות יחדיה יחדה יחידת unit units pc pcs piece pieces ea": ("piece", "1"),
    "שקית שקיות קפסולה קפסולות טבליה טבליות כמוסות מגבונימ דפימ גלילימ זוגות": ("piece", "1"),
}
UNITS: Final[dict[str, Unit]] = {
    spelling: Unit(basis, Decimal(factor))
    for spellings, (basis, factor) in _SPELLINGS.items()
    for spelling in spellings.split()
}
"""The units by spelling, in the normal form of `unit_of`: lower case, no quotes, no final letters."""

# Plausible package sizes. A quantity outside of them has another unit.
_PLAUSIBLE: Final[dict[Basis, tuple[Decimal, Decimal]]] = {
    "kg": (Decimal("0.005"), Decimal(60)),
    "l": (Decimal("0.003"), Decimal(60)),
    "m": (Decimal("0.05"), Decimal(5000)),
    "piece": (Decimal(1), Decimal(5000)),
}
_CENT: Final = Decimal("0.0001")
# The largest difference of two unit prices that agree, as a part of one.
_CLOSE: Final = 0.02
_FOLD: Final = str.maketrans(dict(zip("ךםןףץ", "כמנפצ", strict=True)) | dict.fromkeys("'\"`´′″׳״‘’“”."))
_NAME_FOLD: Final = {key: value for key, value in _FOLD.items() if key != ord(".")}
_MEASURE: Final = re.compile(r"\s*([0-9]{0,6}(?:\.[0-9]{1,3})?)\s*([^\W\d_]*)\s*")
# A quantity in a name with the word after it and the number before it: `6*330 מל`.
_NAMED: Final = r"(?:(?<![0-9.,])([0-9]{1,3})\s*[*xXх×]\s*)?(?<![0-9.])%s(?![0-9]|[.,][0-9])\s*([^\W\d_]*)"
# A larger number before a size is the number of pieces of a carton, which the price does not buy.
_LARGEST_PACK: Final = 8
# If the name measures in litres, a larger number of pieces is a number of bags.
_LARGEST_COUNT: Final = 30


class UnitPrice(NamedTuple):
    """The price of one `basis`. `published_power` is the power of ten between it and the published unit price
    on its own basis: 0 if they agree, None if they cannot be compared or differ by another factor."""

    basis: Basis
    price: Decimal
    published_power: int | None


class _Amount(NamedTuple):
    """What a price buys: `amount` of `basis`. `per_published` is that amount in units of the published basis;
    None where that basis is unknown."""

    basis: Basis
    amount: Decimal
    per_published: float | None


def _amount(basis: Basis, amount: Decimal, published_basis: Decimal | None) -> _Amount:
    return _Amount(basis, amount, float(amount / published_basis) if published_basis else None)


@lru_cache(maxsize=1024)
def unit_of(text: str | None) -> tuple[Decimal, Unit | None]:
    """The number (1 without one) and the unit of a measure such as `100 גרם`, `ק"ג` or `1 יח'`. The unit is
    None if it is unknown or the text is a word for null."""
    match = _MEASURE.fullmatch((text or "").lower().translate(_FOLD))
    if match is None:
        return Decimal(1), None
    count = Decimal(match[1] or 1)
    return count or Decimal(1), UNITS.get(match[2])


def unit_price_of(item: Item) -> UnitPrice | None:
    """The price of one kg, litre, metre or piece, to four places; None if the feed does not give the amount
    that the price buys.

    The price of a weighed item is that of a kilogram. For other items the amount is `quantity` in `unit_qty`,
    or, if that is not a unit of measure, in `unit_of_measure`. The name decides between two readings and
    multiplies packs ("6*330").

    >>> milk = Item("7290000000001", Decimal("6.90"), 1, quantity=Decimal(500), unit_qty='מ"ל')
    >>> basis, price, _ = unit_price_of(milk)
    >>> basis, price
    ('l', Decimal('13.8000'))
    """
    found = _weighed(item.unit_of_measure) if item.is_weighted else _amount_of(item)
    if found is None:
        return None
    price = (item.price / found.amount).quantize(_CENT)
    return UnitPrice(found.basis, price, _published_power(item, found)) if price else None


def _amount_of(item: Item) -> _Amount | None:
    """The amount that the price of an item buys that is not weighed."""
    name, quantity, own, measure = item.name, item.quantity, item.unit_qty, item.unit_of_measure
    if _is_clear(own, measure) and (not name or "*" not in name):
        found = _packed(quantity, own, measure, _NO_EVIDENCE)
        if found is not None:
            return found
    return _packed(quantity, own, measure, _evidence(name, quantity))


@lru_cache(maxsize=4096)
def _is_clear(unit_qty: str | None, unit_of_measure: str | None) -> bool:
    """Whether both units have the same basis other than pieces; the name is then not needed."""
    own, measure = unit_of(unit_qty)[1], unit_of(unit_of_measure)[1]
    return own is not None and measure is not None and own.basis == measure.basis != "piece"


@lru_cache(maxsize=1024)
def _weighed(unit_of_measure: str | None) -> _Amount:
    count, unit = unit_of(unit_of_measure)
    return _amount("kg", Decimal(1), count * unit.factor if unit and unit.basis == "kg" else None)


class _Evidence(NamedTuple):
    """The unit that an item's name gives for its quantity, and the number of pieces in a pack."""

    unit: Unit | None
    pack: int


_NO_EVIDENCE: Final = _Evidence(None, 1)


@lru_cache(maxsize=65_536)  # the stores of a chain list the same names
def _evidence(name: str | None, quantity: Decimal | None) -> _Evidence:
    """Looks for the quantity in the name: `500 מ"ל`, `6*330`, `2.75 ל'`."""
    if not name or quantity is None or quantity <= 0:
        return _NO_EVIDENCE
    text = _plain(quantity)
    if text not in name or text == "1":
        return _NO_EVIDENCE
    match = re.search(_NAMED % re.escape(text), name.lower().translate(_NAME_FOLD))
    if match is None:
        return _NO_EVIDENCE
    pack = int(match[1] or 1)
    return _Evidence(UNITS.get(match[2].translate(_FOLD)), pack if 1 < pack <= _LARGEST_PACK else 1)


@lru_cache(maxsize=65_536)
def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=65_536)
def _packed(
    quantity: Decimal | None, unit_qty: str | None, unit_of_measure: str | None, evidence: _Evidence
) -> _Amount | None:
    _, own = unit_of(unit_qty)
    count, measure = unit_of(unit_of_measure)
    readings = list(_readings(quantity or Decimal(0), own, count, measure, evidence))
    for basis, amount in readings:
        low, high = _PLAUSIBLE[basis]
        if low <= amount <= high:
            pack = evidence.pack if basis != "piece" and amount * evidence.pack <= high else 1
            published = count * measure.factor if measure and measure.basis == basis else None
            return _amount(basis, amount * pack, published)
    return None


def _readings(
    quantity: Decimal, own: Unit | None, count: Decimal, measure: Unit | None, evidence: _Evidence
) -> list[tuple[Basis, Decimal]]:
    """The possible amounts of a quantity, the most likely first."""
    named = evidence.unit
    if named is not None and _agrees(named, own, measure, quantity):
        return [(named.basis, quantity * named.factor)]
    if measure is not None and measure.basis != "piece" and (own is None or own.basis != measure.basis):
        # `UnitQty` is a count or wrong. "3 pieces of 100 g" counts the measure, "680 of 100 g" the gram.
        in_measures = (measure.basis, quantity * count * measure.factor)
        in_units = (measure.basis, quantity * measure.factor)
        return [in_measures, in_units] if own is not None and own.basis == "piece" else [in_units, in_measures]
    if own is None:
        own = measure
    if own is None:
        return []
    if own.basis == "piece":
        return [("piece", quantity if quantity > 0 else Decimal(1))]
    return [(own.basis, quantity * own.factor)]


def _agrees(named: Unit, own: Unit | None, measure: Unit | None, quantity: Decimal) -> bool:
    """Whether the unit in a name is plausible for the quantity beside the feed's own units."""
    if named.basis == "m":  # names are cut: "280 מ" is as often a millilitre
        return False
    if own is not None and own.basis != "piece":
        return named.basis == own.basis
    only_counts = measure is None or measure.basis == "piece"
    return named.basis == "kg" or (named.basis == "l" and not (only_counts and quantity <= _LARGEST_COUNT))


def _published_power(item: Item, found: _Amount) -> int | None:
    """The power of ten between an item's published unit price and its price on the published basis."""
    if not item.unit_price or found.per_published is None:
        return None
    published = float(item.unit_price)
    ratio = published * found.per_published / float(item.price)
    if abs(ratio - 1) <= _CLOSE:
        return 0
    power = round(math.log10(ratio)) if ratio > 0 else 0
    # Published unit prices are rounded to cents.
    return power if abs(ratio / 10.0**power - 1) <= max(_CLOSE, 0.006 / published) else None
