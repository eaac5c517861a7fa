"""Detects rows of a price file that are no goods: delivery, deposits, coupons, bags at the till, donations.

Chains list everything that their tills sell. Such rows have no master product, and their prices are not
compared. RULES recognize their names. Two other signs are the price of a gift, and a department of the till
that is listed as an item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """One kind of row that is no goods: a pattern that its name begins with or, with `anywhere`, contains;
    and the highest price of such a row in ILS, if goods of the same name cost more."""

    kind: str
    pattern: str
    anywhere: bool = False
    highest_price: Decimal | None = None


RULES: Final = (
    Rule("delivery", r"משלוח(?! מנות)|מישלוח|איסוף עצמי", anywhere=True),
    Rule("fee", r"דמי (טיפול|שי?רות|ביטול|הובלה|ניהול|מנוי|חבר)|עמל[הת]\b"),
    Rule("work", r"שי?רות\b|התקנ[הת]\b|הובל[הת]\b"),
    Rule("deposit", r"(דמי )?(פי?קדון|עי?רבון)"),
    Rule("credit", r"(זי?כוי|זיכויים|חיוב|החזר|פיצוי)\b"),
    Rule("discount", r"הנח(ה|ת|ות)\b"),
    Rule("coupon", r"קופון|כרטיס מתנה|כרטיס נטען|גיפט קארד|גיפטקארד", anywhere=True),
    Rule("voucher", r"שובר\b|תוו?י? (קני|זהב)"),
    Rule("donation", r"תרומה|תרומת|תרומות", anywhere=True),
    Rule("bag at the till", r"שקי(ת|ות) (גופי|קופה|נשיאה|קני)", highest_price=Decimal(1)),
    Rule("for customers", r"לקוחות|שי?רות לקוח", anywhere=True),
    Rule("pallet", r"משטח עץ", highest_price=Decimal(20)),
    Rule("item of the till", r"פריט (כללי|חדש|תוו?|לבדיקה|בדיקה)|מחלק[הת]\b"),
    Rule("not for the site", r"לא לאתר\s*$"),
)
"""A row is no goods if one of these matches."""

_ABOVE_GIFTS: Final = Decimal("0.015")  # tills list gifts and coupons at 0.01, the lowest price
_LONGEST_DEPARTMENT: Final = 8  # maximum digits of a department's code


def _begins(rules: Iterable[Rule]) -> re.Pattern[str]:
    """One pattern for names that begin with one of the rules' patterns; marks before the first letter are
    ignored."""
    return re.compile(rf"[\s*.\-]*(?:{'|'.join(rule.pattern for rule in rules)})")


# Each alternative begins with a letter, so `re` skips to the next position with one of these letters.
_ANYWHERE: Final = re.compile("|".join(rule.pattern for rule in RULES if rule.anywhere))
_BEGINS: Final = _begins(rule for rule in RULES if not rule.anywhere and rule.highest_price is None)
_CHEAP: Final = tuple((_begins([rule]), rule.highest_price) for rule in RULES if rule.highest_price is not None)
_HIGHEST_CHEAP: Final = max(highest for _, highest in _CHEAP)


def is_service(name: str, price: Decimal | float | None, code: str) -> bool:
    """Whether a row of a price file is no goods, by its name, its price in ILS and its code as published.

    A price of 0.01 means a gift or a coupon. A price of 0.00 with a code of eight digits or fewer means a
    department of the till. Otherwise RULES decide.
    """
    if price is not None and price <= _HIGHEST_CHEAP:
        if price < _ABOVE_GIFTS and (price > 0 or len(code.strip()) <= _LONGEST_DEPARTMENT):
            return True
        if any(price <= highest and pattern.match(name) for pattern, highest in _CHEAP):
            return True
    return _has_service_name(name)


@lru_cache(maxsize=65_536)  # the stores of a chain list the same names
def _has_service_name(name: str) -> bool:
    return _BEGINS.match(name) is not None or _ANYWHERE.search(name) is not None
