"""Stores in every published layout, all sub-chains."""

from decimal import Decimal

import pytest

from tests.feeds.documents import leaves, read

NAME = "Stores7290-000-202501010000.xml"
TOP = leaves(ChainId="7290", ChainName="רשת", LastUpdateDate="2025-07-24", LastUpdateTime="05:05:00.553")


def store(number: str) -> dict[str, str]:
    return {
        "StoreId": number, "BikoretNo": "6", "StoreType": "1", "StoreName": f"חנות {number}", "Address": "הרצל 1",
        "City": "3000", "ZipCode": "1234567",
    }  # fmt: skip


def sub_chain(number: str, *stores: str, tag: str = "Store") -> str:
    rows = "".join(f"<{tag}>{leaves(**store(one))}</{tag}>" for one in stores)
    return leaves(SubChainId=number, SubChainName=f"מותג {number}") + f"<Stores>{rows}</Stores>"


SUB_CHAINS = [("1", "001", "מותג 1"), ("1", "002", "מותג 1"), ("5", "003", "מותג 5")]
TWO = f"<SubChain>{sub_chain('1', '001', '002')}</SubChain><SubChain>{sub_chain('5', '003')}</SubChain>"
STORES, COUNTED = "<Stores>", '<Stores Count="9">'
DOT_NET = "".join(
    f"<SubChainXMLObject>{leaves(SubChainId=number, SubChainName=f'מותג {number}')}<Stores><SubChainStoresXMLObject>"
    + "".join(f"<SubChainStoreXMLObject>{leaves(**store(one))}</SubChainStoreXMLObject>" for one in stores)
    + "</SubChainStoresXMLObject></Stores></SubChainXMLObject>"
    for number, stores in (("1", ("001", "002")), ("5", ("003",)))
)
SAP = "".join(
    "<STORE>" + leaves(SUBCHAINID=number, SUBCHAINNAME=name, CHAINNAME="רשת").upper() + leaves(**{key.upper(): text for key, text in store(one).items()}) + "</STORE>"
    for number, one, name in SUB_CHAINS
)  # fmt: skip
BRANCHES = "".join(
    f"<Branch>{leaves(ChainID='7290', SubChainID=number, ChainName='רשת', SubChainName=name, **store(one))}</Branch>"
    for number, one, name in SUB_CHAINS
)


@pytest.mark.parametrize(
    ("what", "feed"),
    [
        ("SubChains/SubChain/Stores/Store", f"<Root>{TOP}<SubChains>{TWO}</SubChains></Root>"),
        ("the same, ID", f"<Root>{TOP}<SubChains>{TWO}</SubChains></Root>".replace("Id>", "ID>")),
        ("the same, counted", f'<Root>{TOP}<SubChains Count="2">{TWO.replace(STORES, COUNTED)}</SubChains></Root>'),
        ("SAP STORES/STORE", f'<?xml version="1.0"?><asx:abap xmlns:asx="http://www.sap.com/abapxml" version="1.0"><asx:values><CHAINID>7290</CHAINID><STORES>{SAP}</STORES></asx:values></asx:abap>'),
        ("Store/Branches/Branch", f'<Store Date="21/06/25" Time="06:00:04"><Branches>{BRANCHES}</Branches></Store>'),
        ("SubChainsXMLObject", f"<Root>{TOP}<SubChains><SubChainsXMLObject>{DOT_NET}</SubChainsXMLObject></SubChains></Root>"),
        ("Chain", f"<Chain>{TOP}<SubChains>{TWO}</SubChains></Chain>"),
        ("Stores without sub-chains", f"<Root>{TOP}<Stores>{BRANCHES.replace('Branch>', 'Store>')}</Stores></Root>"),
    ],
)  # fmt: skip
def test_layouts(what, feed):
    found = read(feed, NAME)
    assert [(row.sub_chain_id, row.store_id, row.sub_chain_name) for row in found.rows] == SUB_CHAINS, what
    for row in found.rows:
        assert (row.name, row.address, row.city, row.zip_code) == (
            f"חנות {row.store_id}",
            "הרצל 1",
            "3000",
            "1234567",
        )
        assert (row.bikoret_no, row.store_type) == ("6", "1")
    assert found.header.chain_id == "7290"
    assert (found.summary.kind, found.summary.stores, found.codes) == ("stores", 3, [])


def test_elements_above_apply_to_every_sub_chain():
    found = read(f"<Root>{TOP}<SubChains>{TWO}</SubChains></Root>", NAME)
    assert {row.updated_at.isoformat() for row in found.rows} == {"2025-07-24T05:05:00.553000+03:00"}
    assert {row.chain_name for row in found.rows} == {"רשת"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"Latitude": "32.08", "Longitude": "34.78"}, ("32.08", "34.78")),
        ({"Lat": "32.08", "Lon": "34.78"}, ("32.08", "34.78")),
        ({"Latitude": "", "Longitude": " "}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_branches_may_say_where_they_are(fields, place):
    row = f"<Branch>{leaves(StoreID='001', StoreName='n', **fields)}</Branch>"
    (found,) = read(f"<Store><Branches>{row}</Branches></Store>", NAME).rows
    assert (found.latitude, found.longitude) == tuple(part and Decimal(part) for part in place)


def test_a_branch_says_when_it_was_updated():
    row = f"<Branch>{leaves(StoreID='001', StoreName='n', LastUpdateDate='25/07/2022 09:55:14')}</Branch>"
    (found,) = read(f"<Store><Branches>{row}</Branches></Store>", NAME).rows
    assert found.updated_at.isoformat() == "2022-07-25T09:55:14+03:00"


def test_a_store_without_a_number_is_refused():
    rows = "".join(f"<Store>{leaves(**store(number))}</Store>\n" for number in ("1", "", "3"))
    found = read(f"<Root>{TOP}<Stores>{rows}</Stores></Root>", NAME)
    assert [row.store_id for row in found.rows] == ["1", "3"]
    assert [(row.row, row.line, row.reason) for row in found.refused] == [(2, 2, "no_store_id")]
