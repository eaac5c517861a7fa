"""Small catalogues for tests: real names, and generated ones of a few words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gogobe.masters.build.catalogue import CatalogueRow, read_catalogue
from gogobe.masters.codes.gtin import valid_gtins
from gogobe.masters.text.facts import Described

SAMPLE = Path(__file__).parent / "data" / "items_4_chains_2026-08-10.csv.gz"


def sample_rows() -> list[CatalogueRow]:
    """1,500 real rows of four chains."""
    return list(read_catalogue(SAMPLE))


def gtin(number: int) -> str:
    """A GTIN-13 of an invented company, with its check digit."""
    body = f"729999{number:06d}"
    return next(code for digit in range(10) if valid_gtins([code := f"{body}{digit}"])[0])


def row(
    chain: str, code: str, name: str, price: float = 10.0, size: float = 0.0, **facts: object
) -> CatalogueRow:
    """A row of a chain's catalogue; `size` in grams."""
    described = Described(name=name, price=price, quantity=size, unit="גרם" if size else "", **facts)  # type: ignore[arg-type]
    return CatalogueRow(chain, code, described)


def rows_of(
    chain: str, names: Sequence[str], first: int = 0, price: float = 10.0, size: float = 0.0
) -> list[CatalogueRow]:
    """A row for each name, with GTINs from a number on."""
    return [row(chain, gtin(first + place), name, price, size) for place, name in enumerate(names)]


CREAMS = [
    f"דרמלין {kind}"
    for kind in (
        "קרם יום לעור יבש", "קרם יום לעור שמן", "קרם לילה לעור יבש", "קרם לילה לעור שמן", "קרם עיניים",
        "קרם ידיים שקדים", "קרם ידיים לבנדר", "קרם רגליים", "קרם גוף קוקוס", "קרם גוף וניל", "סרום ויטמין",
        "סרום חומצה היאלורונית", "סרום רטינול", "סבון פנים", "סבון גוף זית", "סבון גוף דבש", "מסכת בוץ",
        "מסכת מלפפון", "פילינג פנים", "פילינג גוף סוכר", "מי פנים", "חלב ניקוי", "שמן גוף שקדים",
        "שמן גוף ארגן", "קרם הגנה", "קרם גילוח", "תחליב רחצה", "מייבש לק",
    )
]  # fmt: skip
"""28 products of one invented brand, whose names begin alike."""

YOGHURTS = [f"יוגורט פסגה בטעם {flavour}" for flavour in ("תות", "אפרסק", "וניל", "דובדבן", "אננס")]
