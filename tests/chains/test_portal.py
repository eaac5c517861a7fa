"""Portals in the chains file: what is bundled, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogobe.chains.load import ChainsFileError, load_chains


def own_file(folder: Path, portal: str, chain: str = "shufersal") -> Path:
    file = folder / "own.toml"
    file.write_text(f"[[chains.{chain}.portals]]\n{portal}", "utf-8")
    return file


def test_every_bundled_chain_has_a_portal_but_one_that_shares_another_s():
    chains = load_chains()
    assert [chain.key for chain in chains if not chain.portals] == ["yeinot_bitan"]
    assert {portal.engine for chain in chains for portal in chain.portals} >= {
        "bina", "cerberus_ftp", "laibcatalog", "meshnat_yosef", "netiv_hesed", "paged_html", "publishprice", "wolt"
    }  # fmt: skip


def test_no_bundled_portal_holds_a_secret():
    """Published passwords too come from the environment."""
    secrets = {str(portal.password) for chain in load_chains() for portal in chain.portals if portal.password}
    assert secrets == {
        "secret://env/GOGOBE_SALACH_DABACH_PASSWORD",
        "secret://env/GOGOBE_SUPER_YUDA_PASSWORD",
        "secret://env/GOGOBE_YELLOW_PASSWORD",
    }


def test_a_portal_in_a_few_lines(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text(
        '[chains.konzum]\nchain_ids = ["HR-1"]\nnames = { hr = "Konzum" }\n'
        '[[chains.konzum.portals]]\nengine = "html_links"\nurl = "https://www.konzum.hr/cjenici?date={day:%Y-%m-%d}"\n'
        'timezone = "Europe/Zagreb"\nmatch = "(?i)\\\\.csv$"\nquiet = ["sat 00:00-24:00", "00:00-06:00"]\n'
        'password = "secret://env/KONZUM"\nhtml = { row = "a[download]", link = "" }\n',
        "utf-8",
    )
    konzum = load_chains(file).get("konzum")
    assert konzum is not None
    (portal,) = konzum.portals
    assert (portal.engine, portal.host, portal.timezone) == ("html_links", "www.konzum.hr", "Europe/Zagreb")
    assert "KONZUM" in repr(portal.password)
    assert (portal.html.row, portal.html.page) == ("a[download]", "page")


@pytest.mark.parametrize(
    ("portal", "said"),
    [
        ('engine = "paged"\nurl = "https://x/"', ["engine", "'paged'", "paged_html", "bina"]),
        ('engine = "bina"', ["url", "missing"]),
        ('engine = "bina"\nurl = "x"', ["url", "schemes http, https, ftp, ftps"]),
        ('engine = "bina"\nurl = "https://x:99999/"', ["url", "ort"]),
        ('engine = "bina"\nurl = "https://u:hush@x/"', ["url", "user and password"]),
        ('engine = "bina"\nurl = "https://x/{day:%Q}{nothing}"', ["url", "{day:%Y-%m-%d}"]),
        ('engine = "bina"\nurl = "https://x/"\nratee = 1', ["ratee", "did you mean rate?"]),
        ('engine = "bina"\nurl = "https://x/"\nrate = 0', ["rate", "requests a second"]),
        ('engine = "bina"\nurl = "https://x/"\nrate = "fast"', ["rate", "requests a second"]),
        ('engine = "bina"\nurl = "https://x/"\nconcurrency = 0', ["concurrency", "at once"]),
        ('engine = "bina"\nurl = "https://x/"\ntimezone = "Asia/Jeru"', ["timezone", "Asia/Jerusalem"]),
        ('engine = "bina"\nurl = "https://x/"\nquiet = ["8-9"]', ["quiet", "03:00-07:00"]),
        ('engine = "bina"\nurl = "https://x/"\npassword = "hush"', ["password", "secret://env/NAME"]),
        ('engine = "bina"\nurl = "https://x/"\nproxy = "http://u:hush@x"', ["proxy", "secret://env/NAME"]),
        ('engine = "bina"\nurl = "https://x/"\nmatch = "("', ["match", "regular expression"]),
        ('engine = "bina"\nurl = "https://x/"\nheaders = { "A B" = "x" }', ["headers", "'A B'"]),
        ('engine = "bina"\nurl = "https://x/"\nheaders = { A = "x\\n" }', ["headers", "'A'"]),
        ('engine = "bina"\nurl = "https://x/"\nhtml = { rov = "x" }', ["rov", "did you mean row?"]),
        ('engine = "bina"\nurl = "https://x/"\nhtml = { row = 1 }', ["row", "CSS selector"]),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(tmp_path: Path, portal: str, said: list[str]):
    with pytest.raises(ChainsFileError) as caught:
        load_chains(own_file(tmp_path, portal))
    for words in ["own.toml", "[chains.shufersal]", *said]:
        assert words in str(caught.value)
    assert "hush" not in str(caught.value)
