"""The rule by which published names of a number mean one store."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.database.load.grouping import Name, Placement, Rows, group, place
from tests.database.samples import at

ONE, TWO, THREE = ((at(hour), 7) for hour in (1, 2, 3))


def sold(sub_chain_id: str, listed: object = None) -> Name:
    return Name(sub_chain_id, is_sold=True, listed=listed)  # type: ignore[arg-type]


def listed(sub_chain_id: str, mark: object = ONE) -> Name:
    return Name(sub_chain_id, listed=mark)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "stores"),
    [
        ([sold("1")], [["1"]]),
        ([listed("1")], [["1"]]),
        ([sold("1", ONE)], [["1"]]),
        # No sub-chain in price files: the number's home.
        ([sold("0"), listed("1")], [["0", "1"]]),
        ([sold("0"), sold("1", ONE)], [["0", "1"]]),
        ([sold("0"), sold("1", ONE), sold("2")], [["0", "1"], ["2"]]),
        ([sold("0"), listed("1", ONE), listed("2", TWO)], [["0", "1"], ["2"]]),
        ([sold("0"), listed("1", TWO), listed("2", ONE)], [["0", "2"], ["1"]]),
        ([sold("0"), sold("1", TWO), sold("2", THREE)], [["0", "1"], ["2"]]),
        # The oldest Stores file that lists the number lists it twice: there is no telling.
        ([sold("0"), listed("1"), listed("2")], [["0"], ["1"], ["2"]]),
        ([sold("0"), listed("1"), listed("2"), listed("3", TWO)], [["0"], ["1"], ["2"], ["3"]]),
        # 0 is a sub-chain like others where Stores files say so.
        ([sold("0", ONE), sold("1", ONE)], [["0"], ["1"]]),
        ([sold("0", TWO), sold("1", ONE)], [["0"], ["1"]]),
        ([sold("0", ONE)], [["0"]]),
        ([listed("0"), sold("1")], [["0", "1"]]),
        # Price files and Stores files spell the only store differently.
        ([sold("1"), listed("7")], [["1", "7"]]),
        ([sold("1"), listed("7"), listed("8", TWO)], [["1"], ["7"], ["8"]]),
        ([sold("1"), sold("2"), listed("7")], [["1"], ["2"], ["7"]]),
        ([sold("1"), sold("7", ONE)], [["1"], ["7"]]),
        ([sold("1"), sold("0"), listed("7")], [["0", "7"], ["1"]]),
        ([sold("0"), sold("1")], [["0"], ["1"]]),
    ],
)
def test_the_rule(names: list[Name], stores: list[list[str]]) -> None:
    for order in itertools.permutations(names):
        assert sorted(map(list, group(order))) == sorted(stores)


MARKS = st.sampled_from([None, ONE, TWO, THREE])
NAMES = st.lists(
    st.builds(Name, st.sampled_from(["0", "1", "2", "7"]), st.booleans(), MARKS),
    unique_by=lambda name: name.sub_chain_id,
    min_size=1,
).map(lambda names: [name for name in names if name.is_sold or name.listed] or [sold("1")])


@given(NAMES)
def test_every_name_means_one_store_and_no_store_has_two_listed_names(names: list[Name]) -> None:
    groups = group(names)
    assert sorted(itertools.chain(*groups)) == sorted(name.sub_chain_id for name in names)
    lists = {name.sub_chain_id for name in names if name.listed is not None}
    assert all(len(lists & set(together)) <= 1 for together in groups)
    exact = {name.sub_chain_id for name in names if name.is_sold and name.listed is not None}
    assert all(len(exact & set(together)) <= 1 for together in groups)


@given(NAMES, NAMES)
def test_newer_lists_join_and_separate_no_sold_names_that_were_joined(
    before: list[Name], newer: list[Name]
) -> None:
    """Later Stores files leave joined prices together, unless one lists sub-chain 0 itself."""
    known = {name.sub_chain_id: name for name in before}
    later = (at(9), 0)
    for name in newer:
        if name.listed is not None and name.sub_chain_id != "0":
            old = known.get(name.sub_chain_id, Name(name.sub_chain_id))
            known[name.sub_chain_id] = Name(name.sub_chain_id, old.is_sold, old.listed or later)
    sold_before = {name.sub_chain_id for name in before if name.is_sold}
    joined = [set(together) & sold_before for together in group(before)]
    after = [set(together) for together in group(known.values())]
    assert all(any(part <= together for together in after) for part in joined)


def rows(*placed: tuple[int, str, str], sold_before: str = "") -> Rows:
    """Rows as (key, natural sub-chain, names that point at it)."""
    names = {name for _, _, pointing in placed for name in pointing}
    return Rows(
        {name: frozenset(key for key, _, pointing in placed if name in pointing) for name in names},
        frozenset(sold_before),
        {key: natural for key, natural, _ in placed},
    )


@pytest.mark.parametrize(
    ("names", "before", "placements"),
    [
        ([sold("1")], rows(), [Placement(("1",), "1")]),
        ([sold("0"), listed("1")], rows((5, "0", "0"), sold_before="0"), [Placement(("0", "1"), "1", 5)]),
        ([sold("0"), listed("1")], rows((5, "1", "1")), [Placement(("0", "1"), "1", 5)]),
        # Two rows turn out to be one store.
        (
            [sold("0"), sold("1", ONE)],
            rows((5, "0", "0"), (6, "1", "1"), sold_before="01"),
            [Placement(("0", "1"), "1", 5, (6,))],
        ),
        # A row that no name means any more, as an older loader may have left it.
        (
            [sold("0"), listed("1")],
            Rows({"0": frozenset({5, 9}), "1": frozenset({6})}, frozenset("0"), {5: "0", 6: "1", 9: "0"}),
            [Placement(("0", "1"), "1", 5, (6, 9))],
        ),
        # Prices stay with the name under which they were published; the listed name gets a row of its own.
        (
            [sold("1"), sold("7", ONE)],
            rows((5, "7", "17"), sold_before="1"),
            [Placement(("1",), "1", 5), Placement(("7",), "7")],
        ),
        # What was joined and is to be separated: the row stays with its natural key.
        (
            [sold("0", TWO), sold("1", ONE)],
            rows((5, "1", "01"), sold_before="01"),
            [Placement(("0",), "0"), Placement(("1",), "1", 5)],
        ),
    ],
)
def test_a_row_goes_where_its_prices_belong(
    names: list[Name], before: Rows, placements: list[Placement]
) -> None:
    assert place(names, before) == placements


@given(NAMES, st.data())
def test_every_row_gets_one_place(names: list[Name], data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.integers(1, 4), unique=True))
    subs = [name.sub_chain_id for name in names]
    naturals = data.draw(st.permutations(["0", "1", "2", "7", "8"]))
    natural = dict(zip(keys, naturals, strict=False))
    pointing = {sub: frozenset(data.draw(st.lists(st.sampled_from(keys), unique=True))) for sub in subs if keys}
    sold_before = frozenset(name.sub_chain_id for name in names if name.is_sold and data.draw(st.booleans()))
    placements = place(names, Rows(pointing, sold_before, natural))
    placed = [key for one in placements for key in (one.keep, *one.merge) if key is not None]
    assert sorted(placed) == sorted(keys)
    assert all(one.keep is not None or not one.merge for one in placements)
    assert [one.names for one in placements] == group(names)
    assert all(one.sub_chain_id in one.names for one in placements)
