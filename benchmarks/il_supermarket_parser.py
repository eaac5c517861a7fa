"""The package il-supermarket-parser on price files, run by the interpreter of its own environment: `python -m
benchmarks.il_supermarket_parser FILE…`.

The package reads unpacked files with a class per chain. Unpacking is done here, as its companion package
does, and is part of the measured time.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from il_supermarket_parsers import ParserFactory  # type: ignore[import-not-found]

from benchmarks.own_process import report

_CHAINS: Final = {
    "7290027600007": "SHUFERSAL",
    "7290058140886": "RAMI_LEVY",
    "7290058108879": "KING_STORE",
    "7290058156016": "SUPER_SAPIR",
    "7290696200003": "VICTORY",
    "7290803800003": "YOHANANOF",
}


def unpacked(data: bytes) -> bytes:
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(archive.namelist()[0])
    return gzip.decompress(data)


async def count_rows(path: Path) -> int:
    chain = next(name for chain_id, name in _CHAINS.items() if chain_id in path.name)
    parser = ParserFactory.get(chain)().pricefull_parser
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{path.stem}.xml"
        file.write_bytes(unpacked(path.read_bytes()))
        async for _ in parser.convert(folder, file.name):
            count += 1
    return count


if __name__ == "__main__":
    report(lambda: sum(asyncio.run(count_rows(Path(name))) for name in sys.argv[1:]))
