"""Whether announcement, name and content of a file agree on its chain."""

import pytest

from gogobe.chains.identity import ChainDiffersError, chain_id_of
from gogobe.chains.load import load_chains

CHAINS = load_chains()
RAMI_LEVY, SHUFERSAL = "7290058140886", "7290027600007"


@pytest.mark.parametrize(
    ("key", "named", "content", "chain_id"),
    [
        ("rami_levy", RAMI_LEVY, RAMI_LEVY, RAMI_LEVY),
        ("rami-levy", RAMI_LEVY, f" 00{RAMI_LEVY} ", RAMI_LEVY),
        ("rami_levy", None, RAMI_LEVY, RAMI_LEVY),
        ("rami_levy", RAMI_LEVY, None, RAMI_LEVY),
        ("city_market_shops", "7290000000003", "0000000000000", "7290000000003"),
        ("rami_levy", None, None, None),
        ("rami_levy", "0", " ", None),
        # Two ids of one chain: the name's counts.
        ("stop_market", "7290639000004", "72906390", "7290639000004"),
        ("meshnat_yosef_2", "7290058289400", "2222222", "7290058289400"),
        ("meshnat_yosef_2", None, "2222222", "2222222"),
        # Brands that share an id.
        ("carrefour", "7290055700007", "7290055700007", "7290055700007"),
        ("yeinot_bitan", "7290055700007", "7290055700007", "7290055700007"),
        # A chain that is not listed.
        ("konzum", "123", "00123", "123"),
        ("konzum", None, "HR-1", "HR-1"),
        ("konzum", None, None, None),
    ],
)
def test_they_agree(key: str, named: str | None, content: str | None, chain_id: str | None):
    assert chain_id_of(CHAINS, key, named=named, content=content) == chain_id


@pytest.mark.parametrize(
    ("key", "named", "content", "said"),
    [
        ("shufersal", SHUFERSAL, RAMI_LEVY, ["content", RAMI_LEVY, "rami_levy's", "[chains.shufersal]"]),
        ("shufersal", RAMI_LEVY, SHUFERSAL, ["file name", RAMI_LEVY, "rami_levy's"]),
        ("shufersal", RAMI_LEVY, RAMI_LEVY, ["file name", RAMI_LEVY]),
        ("shufersal", None, RAMI_LEVY, ["content", RAMI_LEVY]),
        ("shufersal", RAMI_LEVY, None, ["file name", RAMI_LEVY]),
        ("shufersal", SHUFERSAL, "729002760000", ["content", "729002760000"]),
        ("konzum", "123", "124", ["not listed", "123", "124", "[chains.konzum]"]),
        ("konzum", RAMI_LEVY, RAMI_LEVY, ["not listed", "rami_levy", "[chains.konzum]"]),
        ("konzum", None, f"0{RAMI_LEVY}", ["not listed", "rami_levy"]),
        ("konzum", None, "7290055700007", ["carrefour and yeinot_bitan"]),
    ],
)
def test_a_file_that_speaks_for_another_chain_is_refused(
    key: str, named: str | None, content: str | None, said: list[str]
):
    with pytest.raises(ChainDiffersError) as caught:
        chain_id_of(CHAINS, key, named=named, content=content)
    for words in said:
        assert words in str(caught.value)
