"""What `make bench-parse` measures is the same for all: the same rows, with every field that we know."""

import pytest

from benchmarks.parse import Figure, ratios, write_feed
from benchmarks.parsers import PARSERS
from gogobe.records.rows import Item
from tests.feeds.documents import read


@pytest.mark.slow
def test_the_generated_feed_has_every_field_and_all_parsers_find_its_rows(tmp_path):
    file = write_feed(tmp_path, 1)
    found = read(file.read_bytes(), file.name)
    assert found.codes == []
    assert len({row.item_code for row in found.rows}) == len(found.rows) > 900
    published = Item.__struct_fields__[: Item.__struct_fields__.index("gtin")]
    for name in published:
        assert sum(getattr(row, name) is not None for row in found.rows) > 100, name
    assert {parser(file) for parser in PARSERS.values()} == {found.summary.read}


def test_ratios_are_to_the_best_of_the_plain_loops():
    speeds = {
        "gogobe": 300.0,
        "lxml, findtext": 50.0,
        "lxml, a dict a row": 100.0,
        "il-supermarket-parser": 30.0,
    }
    figures = [Figure(name, "x", 1, 1.0, 1.0, 1.0, speed, 1.0) for name, speed in speeds.items()]
    assert ratios(figures) == {
        "x: to the best plain lxml loop": 3.0,
        "x: to il-supermarket-parser": 10.0,
    }
    assert ratios(figures[:1]) == {}
