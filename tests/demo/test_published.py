"""The files of the demo's portals."""

from __future__ import annotations

from gogobe.demo.published import CHAINS, CUT_SHORT, FEEDS, LOGIN_PAGE, MISSING, chain_of, shelves


def test_every_bundled_feed_and_three_faulty_files_are_published_once():
    found = {file.name: (key, file) for key, shelf in shelves().items() for file in shelf}
    bundled = {path.name for path in FEEDS.iterdir() if path.suffix != ".md"}
    assert found.keys() == bundled | {MISSING, LOGIN_PAGE, CUT_SHORT}
    assert all(chain_of(name) == key for name, (key, _) in found.items())
    assert {key for key, _ in found.values()} == set(CHAINS.values())
    assert [name for name, (_, file) in found.items() if file.is_missing] == [MISSING]
    assert all(file.body == (FEEDS / name).read_bytes() for name, (_, file) in found.items() if name in bundled)


def test_times_are_those_of_the_names_in_every_run():
    first, second = shelves(), shelves()
    assert first == second
    (file,) = (one for one in first["rami_levy"] if one.name.endswith("202507131800.gz"))
    assert f"{file.local:%Y%m%d%H%M}" == "202507131800"
