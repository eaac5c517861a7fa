"""Feeds for the benchmarks: generated PriceFull files of many stores, like the real ones."""

from __future__ import annotations

import gzip
from pathlib import Path

from gogobe.masters.gtin import valid_gtins

_ITEM = """    <Item>
      <PriceUpdateDate>2025-0{month}-1{day} 12:36</PriceUpdateDate>
      <ItemCode>{code}</ItemCode>
      <ItemType>1</ItemType>
      <ItemName>שעועית שחורה {code} גרם</ItemName>
      <ManufacturerName>יצרן {maker}</ManufacturerName>
      <ManufactureCountry>IL</ManufactureCountry>
      <ManufacturerItemDescription>שעועית שחורה {code} גרם</ManufacturerItemDescription>
      <UnitQty>גרמים</UnitQty>
      <Quantity>{quantity}.00</Quantity>
      <bIsWeighted>0</bIsWeighted>
      <UnitOfMeasure>100 גרם</UnitOfMeasure>
      <QtyInPackage>1</QtyInPackage>
      <ItemPrice>{shekels}.{agorot:02}</ItemPrice>
      <UnitOfMeasurePrice>2.62</UnitOfMeasurePrice>
      <AllowDiscount>1</AllowDiscount>
      <ItemStatus>1</ItemStatus>
    </Item>
"""


def gtins(count: int) -> list[str]:
    """Valid GTIN-13s, ascending."""
    bodies = [f"729{number:09}" for number in range(count)]
    found = []
    for body in bodies:
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
        found.append(body + str(-total % 10))
    assert all(valid_gtins(found[:100]))
    return found


def write_feeds(folder: Path, stores: int, items: int) -> list[Path]:
    """PriceFull files of one chain, `items` in each of `stores`; the same codes, prices by store."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = gtins(items)
    files = []
    for store in range(1, stores + 1):
        rows = "".join(
            _ITEM.format(
                code=code, maker=place % 300, quantity=place % 900 + 1, shekels=place % 90 + 1,
                agorot=(place * 7 + store) % 100, month=place % 9 + 1, day=place % 10,
            )
            for place, code in enumerate(codes)
        )  # fmt: skip
        text = (
            f"<root><ChainId>7290000000001</ChainId><SubChainId>001</SubChainId><StoreId>{store:03}</StoreId>"
            f'<Items Count="{items}">\n{rows}</Items></root>'
        )
        file = folder / f"PriceFull7290000000001-{store:03}-202508070300.gz"
        file.write_bytes(gzip.compress(text.encode(), 6, mtime=0))
        files.append(file)
    return files
