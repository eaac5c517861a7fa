"""The chains file: the bundled one, one of one's own over it, and what is refused with which words."""

import pickle
from pathlib import Path

import pytest

from gogobe.chains.load import ChainsFileError, load_chains


def test_the_bundled_file_lists_the_chains_that_publish():
    chains = load_chains()
    assert len(chains) >= 32
    shufersal = chains.get("shufersal")
    assert shufersal is not None
    assert (shufersal.key, shufersal.chain_ids) == ("shufersal", ("7290027600007",))
    assert (shufersal.name("he"), shufersal.name(), shufersal.name("hr")) == ("שופרסל", "Shufersal", "שופרסל")
    assert all({"he", "en"} <= chain.names.keys() for chain in chains)


@pytest.mark.parametrize(
    ("chain_id", "owners"),
    [
        ("7290058140886", ("rami_levy",)),
        ("72906390", ("stop_market",)),
        ("2222222", ("meshnat_yosef_2",)),
        ("5144744100001", ("meshnat_yosef_2",)),
        ("729049000005", ("dor_alon",)),
        ("7290055700007", ("carrefour", "yeinot_bitan")),
        ("7290000000000", ()),
    ],
)
def test_a_chain_id_has_its_owners(chain_id: str, owners: tuple[str, ...]):
    assert load_chains().owners(chain_id) == owners


@pytest.mark.parametrize("key", ["rami_levy", "rami-levy", "RamiLevy", "rami.levy"])
def test_keys_are_compared_without_case_and_separators(key: str):
    chain = load_chains().get(key)
    assert chain is not None
    assert chain.key == "rami_levy"


def test_a_file_of_ones_own_changes_fields_and_adds_chains(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text(
        '[chains.Rami-Levy]\nchain_ids = ["7290058140886", "7291056200008"]\n'
        '[chains.konzum]\nchain_ids = ["HR-1"]\nnames = { hr = "Konzum" }\n',
        "utf-8",
    )
    chains = load_chains(file)
    rami_levy, konzum = chains.get("rami_levy"), chains.get("konzum")
    assert rami_levy is not None
    assert konzum is not None
    assert (rami_levy.key, rami_levy.name("he")) == ("rami_levy", "רמי לוי")
    assert chains.owners("7291056200008") == ("rami_levy",)
    assert (konzum.chain_ids, konzum.name()) == (("HR-1",), "Konzum")
    assert len(chains) == len(load_chains()) + 1


def test_workers_get_them_pickled():
    chains = pickle.loads(pickle.dumps(load_chains()))
    assert chains.owners("7290058140886") == ("rami_levy",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chains = 1", ["a table [chains.KEY]"]),
        ("[chains]\nx = 1", ["a table [chains.KEY]"]),
        ("[chain.x]", ["'chain' is not known here", "[chains.KEY]"]),
        ("= 1", ["cannot be read as TOML"]),
        ('[chains.x]\nnames = { he = "x" }', ["[chains.x]", "chain_ids", "a list of texts"]),
        ('[chains.x]\nchain_ids = ["1"]', ["[chains.x]", "names", "by language"]),
        ('[chains.shufersal]\nchain_ids = "729"', ["[chains.shufersal]", "chain_ids", "a list of texts"]),
        ("[chains.shufersal]\nchain_ids = [729]", ["[chains.shufersal]", "chain_ids", "a list of texts"]),
        ("[chains.shufersal]\nchain_ids = []", ["[chains.shufersal]", "chain_ids", "at least one"]),
        ('[chains.shufersal]\nchain_ids = ["0000"]', ["[chains.shufersal]", "chain_ids"]),
        (f'[chains.shufersal]\nchain_ids = ["{"7" * 65}"]', ["[chains.shufersal]", "chain_ids"]),
        ('[chains.shufersal]\nchain_idz = ["7"]', ["[chains.shufersal]", "did you mean chain_ids?"]),
        ('[chains.shufersal]\nnames = { he = "" }', ["[chains.shufersal]", "names"]),
        ('[chains.shufersal]\nkey = "x"', ["[chains.shufersal]", "remove the field `key`"]),
        ('[chains."a b"]\nchain_ids = ["7"]', ["[chains.a b]", "letters or digits"]),
        ('[chains."-"]\nchain_ids = ["7"]', ["[chains.-]", "letters or digits"]),
        (
            '[chains.a_b]\nchain_ids = ["7"]\nnames = { en = "x" }\n[chains.a-b]',
            ["[chains.a-b]", "[chains.a_b]"],
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(tmp_path: Path, text: str, said: list[str]):
    file = tmp_path / "own.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ChainsFileError) as caught:
        load_chains(file)
    for words in [str(file), *said]:
        assert words in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path):
    with pytest.raises(ChainsFileError, match=r"none\.toml"):
        load_chains(tmp_path / "none.toml")
