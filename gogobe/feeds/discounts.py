"""Determines the meaning of a file's DiscountRates, percent or an amount and the scale, from evidence.

The evidence is collected over all promotions of the file: their type codes (`codes.py`), the plausibility of
a value, the arithmetic of prices (discounted price and rate give the shelf price, and shelf prices are whole
multiples of 10 agorot), and numbers in descriptions ("20%", "35 שח הנחה"). Each observation adds
log-likelihood ratios in bits for or against each meaning. A meaning must exceed all others by `_MARGIN` bits;
otherwise the rates stay as published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from itertools import islice, product
from math import log2
from typing import Final, NamedTuple

from gogobe.feeds.codes import DISCOUNT_TYPES, REWARD_UNITS, SCALES, Unit
from gogobe.offers.reward_types import REWARDS
from gogobe.records.rows import Promotion, PromotionItem

_MARGIN: Final = 2.0
_DISCOUNT_TYPE_BITS: Final = 8.0
_REWARD_TYPE_BITS: Final = 4.0
_SAME_SCALE_BITS: Final = 3.0
_DESCRIBED_BITS: Final = 4.0
_USUAL_BITS: Final = 1.0
_RARE: Final = -2.0
_IMPLAUSIBLE: Final = -4.0
_UNLIKELY: Final = -6.0
_IMPOSSIBLE: Final = -20.0
_NO_SHELF_PRICE: Final = -3.0
# Bounds of the evidence of one shelf price, and of all observations of one kind.
_MAX_BITS: Final = 4.0
_MAX_EVIDENCE: Final = 40.0

_USUAL_PERCENTS: Final = frozenset(map(Decimal, (5, 10, 15, 20, 25, 30, 33, 35, 40, 50, 60, 70, 75, 80, 100)))
_DIME: Final = Decimal("0.1")
_CENT: Final = Decimal("0.01")
_HALF_CENT: Final = Decimal("0.005")
_HUNDRED: Final = Decimal(100)
_ALMOST_ALL: Final = Decimal("99.999")
_LARGE_AMOUNT: Final = Decimal(300)
# Lower bound of the probability that a price is a shelf price by chance.
_MIN_CHANCE: Final = 0.02
# Bounds of the observations from one promotion and of one kind; more add no information.
_MAX_ITEMS_OBSERVED: Final = 20
_MAX_OBSERVATIONS: Final = 500
_MAX_KINDS: Final = 64

_PERCENT_TEXT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%|%\s*(\d+(?:\.\d+)?)", re.ASCII)
_AMOUNT_TEXT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(?:ש\"ח|ש''ח|ש״ח|שח|₪|שקל)|₪\s*(\d+(?:\.\d+)?)", re.ASCII)
# Numbers are searched in the first characters only.
_MAX_DESCRIPTION: Final = 200
_HALF_TEXT: Final = "חצי"
_FREE_TEXT: Final = re.compile(r"מתנה|חינם|\d\s*\+\s*\d", re.ASCII)
_DISCOUNT_TEXT: Final = "הנחה"


class RateKind(NamedTuple):
    """The codes next to a rate. Rates with different codes may have different meanings."""

    discount_type: str | None
    reward_type: str | None


class Meaning(NamedTuple):
    """A unit, and the number of units of a rate in one of it."""

    unit: Unit
    scale: Decimal


MEANINGS: Final = tuple(Meaning(unit, Decimal(scale)) for unit, scales in SCALES.items() for scale in scales)


@dataclass(frozen=True)
class Observation:
    """A rate with the other terms of its promotion."""

    kind: RateKind
    rate: Decimal
    price: Decimal | None
    description: str | None


def kind_of(holder: Promotion | PromotionItem, promotion: Promotion, of_group: str | None = None) -> RateKind:
    """The codes of the rate of an item or a promotion. A code that an item lacks is that of its group
    (`of_group`, the group's discount type) or its promotion."""
    return RateKind(
        holder.discount_type or of_group or promotion.discount_type,
        holder.reward_type or promotion.reward_type,
    )


def group_types(promotion: Promotion) -> dict[str, str | None]:
    """The discount types of a promotion's groups, by group id."""
    return {group.group_id: group.discount_type for group in promotion.groups}


def observations(promotion: Promotion) -> Iterator[Observation]:
    """The rates of a promotion and of its first items. Rates of zero are left out: they are no evidence."""
    if promotion.discount_rate:
        yield Observation(
            kind_of(promotion, promotion),
            promotion.discount_rate,
            promotion.discounted_price,
            promotion.description,
        )
    types = group_types(promotion)
    for item in islice(promotion.items, _MAX_ITEMS_OBSERVED):
        if item.discount_rate:
            kind = kind_of(item, promotion, types.get(item.group_id))
            yield Observation(kind, item.discount_rate, item.discounted_price, promotion.description)


class Evidence:
    """Collects evidence for the meaning of rates from the promotions of a file."""

    def __init__(self) -> None:
        self._bits: dict[RateKind, dict[Meaning, float]] = {}
        self._seen: dict[RateKind, set[tuple[object, ...]]] = {}

    def add(self, promotion: Promotion) -> None:
        """Adds the promotion of one element. The same rate with the same price and text counts once."""
        for observation in observations(promotion):
            seen = self._seen.get(observation.kind)
            if seen is None:
                if len(self._seen) >= _MAX_KINDS:
                    continue
                seen = self._seen[observation.kind] = set()
                self._bits[observation.kind] = dict.fromkeys(MEANINGS, 0.0)
            key = observation.rate, observation.price, observation.description
            if key in seen or len(seen) >= _MAX_OBSERVATIONS:
                continue
            seen.add(key)
            bits = self._bits[observation.kind]
            for meaning in MEANINGS:
                bits[meaning] += _bits(observation, meaning)

    def meanings(self) -> dict[RateKind, Meaning]:
        """The meaning of the rates of each kind, if it is decided. All percentages of a file have one scale,
        and all amounts have one; they are most likely equal."""
        totals = {kind: _total(kind, bits) for kind, bits in self._bits.items()}
        best: dict[RateKind, dict[Meaning, float]] = {kind: {} for kind in totals}
        for percent, amount in product(_meanings_of("percent"), _meanings_of("amount")):
            score = _SAME_SCALE_BITS if percent.scale == amount.scale else 0.0
            score += sum(max(bits[percent], bits[amount]) for bits in totals.values())
            for kind, bits in totals.items():
                others = score - max(bits[percent], bits[amount])
                for meaning in (percent, amount):
                    found = others + bits[meaning]
                    best[kind][meaning] = max(found, best[kind].get(meaning, found))
        decided = {}
        for kind, scores in best.items():
            first, second, *_ = sorted(scores.values(), reverse=True)
            meaning = max(scores, key=scores.__getitem__)
            if first >= second + _MARGIN and self._is_backed(kind, meaning):
                decided[kind] = meaning
        return decided

    def _is_backed(self, kind: RateKind, meaning: Meaning) -> bool:
        """Whether a code names the unit of the meaning, or the observations support it or rule out the other
        unit."""
        bits = self._bits[kind]
        other = max(found for known, found in bits.items() if known.unit != meaning.unit)
        return meaning.unit in _units_of(kind) or bits[meaning] >= _MARGIN or bits[meaning] >= other - _UNLIKELY


def value_of(rate: Decimal, meaning: Meaning) -> Decimal | None:
    """A rate in the unit of its meaning; None for no discount and for a percentage above 100."""
    value = rate / meaning.scale
    return value if value > 0 and (meaning.unit == "amount" or value <= _HUNDRED) else None


def _meanings_of(unit: Unit) -> list[Meaning]:
    return [meaning for meaning in MEANINGS if meaning.unit == unit]


def _total(kind: RateKind, bits: Mapping[Meaning, float]) -> dict[Meaning, float]:
    """The evidence of the observations of a kind and of its codes, by meaning."""
    by_code = _units_of(kind)
    return {
        meaning: max(min(found, _MAX_EVIDENCE), -_MAX_EVIDENCE) + by_code.get(meaning.unit, 0.0)
        for meaning, found in bits.items()
    }


def _units_of(kind: RateKind) -> dict[Unit, float]:
    """The units that the codes of a kind name, with their evidence in bits."""
    found: dict[Unit, float] = {}
    if by_type := DISCOUNT_TYPES.get(kind.discount_type or ""):
        found[by_type] = _DISCOUNT_TYPE_BITS
    reward = REWARDS.get((kind.reward_type or "").lstrip("0"))
    if reward is not None and (by_reward := REWARD_UNITS.get(reward)):
        found[by_reward] = found.get(by_reward, 0.0) + _REWARD_TYPE_BITS
    return found


def _bits(observation: Observation, meaning: Meaning) -> float:
    """The evidence of an observation for (above zero) or against a meaning, in bits."""
    value = observation.rate / meaning.scale
    if value <= 0 or (meaning.unit == "percent" and value > _HUNDRED):
        return _IMPOSSIBLE
    price = observation.price if observation.price and observation.price > 0 else None
    bits = _IMPLAUSIBLE if meaning.scale == _HUNDRED and _has_places(observation.rate) else 0.0
    if meaning.unit == "percent":
        bits += _USUAL_BITS if value in _USUAL_PERCENTS else 0.0
        bits += _IMPLAUSIBLE if value < 1 else _RARE if value < 3 else 0.0
        if price is not None and value < _HUNDRED:
            bits += _percent_arithmetic(value, price)
    else:
        bits += _IMPLAUSIBLE if value < Decimal("0.5") or value > _LARGE_AMOUNT > (price or 0) else 0.0
        bits += _UNLIKELY if price is not None and value > 9 * price else 0.0
        bits += _UNLIKELY if value % _CENT else _RARE if value % _DIME else 0.0
        if price is not None:
            bits += _amount_arithmetic(value, price)
    return bits + (_DESCRIBED_BITS if _is_described(value, meaning.unit, observation.description) else 0.0)


def _has_places(rate: Decimal) -> bool:
    """Whether a rate is written with decimal places; hundredths are not."""
    exponent = rate.as_tuple().exponent
    return isinstance(exponent, int) and exponent < 0


def _percent_arithmetic(percent: Decimal, price: Decimal) -> float:
    """Evidence of whether the price before a percentage is a shelf price. Percentages are rounded to two
    places, as are prices that are no multiple of 10 agorot."""
    cents = Decimal(0) if price % _DIME == 0 else _HALF_CENT
    low = (price - cents) * _HUNDRED / (_HUNDRED - percent + _HALF_CENT)
    high = (price + cents) * _HUNDRED / (_HUNDRED - min(percent + _HALF_CENT, _ALMOST_ALL))
    chance = float((high - low) / _DIME)
    if percent == percent.to_integral_value():
        chance = max(chance, 1 / Fraction(_HUNDRED / (_HUNDRED - percent)).limit_denominator(100).denominator)
    found = (low / _DIME).to_integral_value(ROUND_CEILING) * _DIME <= high
    return _shelf_price_bits(found, chance)


def _amount_arithmetic(amount: Decimal, price: Decimal) -> float:
    """Evidence of whether the price before an amount is a shelf price."""
    if price % _DIME == 0 and amount % _DIME == 0:
        return 0.0
    return _shelf_price_bits((price + amount) % _DIME == 0, 0.1)


def _shelf_price_bits(found: bool, chance: float) -> float:
    chance = min(max(chance, _MIN_CHANCE), 1.0)
    return min(max(log2(0.95 / chance), 0.0), _MAX_BITS) if found else _NO_SHELF_PRICE * (1 - chance)


def _is_described(value: Decimal, unit: Unit, description: str | None) -> bool:
    """Whether a description contains the value with its unit."""
    if not description:
        return False
    description = description[:_MAX_DESCRIPTION]
    if unit == "amount":
        return _DISCOUNT_TEXT in description and value in _numbers(_AMOUNT_TEXT, description)
    if value == 50 and _HALF_TEXT in description:
        return True
    if value == _HUNDRED and _FREE_TEXT.search(description):
        return True
    return value in _numbers(_PERCENT_TEXT, description)


def _numbers(pattern: re.Pattern[str], description: str) -> set[Decimal]:
    return {Decimal(before or after) for before, after in pattern.findall(description)}
