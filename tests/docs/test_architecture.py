"""docs/architecture.md names files and functions; they must exist."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
STATIONS = re.findall(r"^\| \d+ \| .*$", TEXT, re.M)


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "README.md"])
def test_the_files_that_a_page_names_exist(page: str):
    text = (ROOT / page).read_text("utf-8")
    named = re.findall(r"`((?:gogobe|java|docs|tests|benchmarks)/[\w./-]*)`", text)
    links = re.findall(r"\]\(([\w./-]+\.md)", text)
    assert named or links
    missing = [one for one in named if not (ROOT / one).exists()]
    missing += [one for one in links if not (ROOT / page).parent.joinpath(one).exists()]
    assert missing == []


def test_the_table_of_changes_has_its_files():
    rows = TEXT.partition("## Where do I change what")[2].partition("\n## ")[0].splitlines()
    rows = [row for row in rows if row.startswith("| ") and "File |" not in row]
    assert len(rows) >= 20
    assert [row for row in rows if not re.search(r"`(gogobe|java|conformance|deploy|website)/", row)] == []


def test_the_stations_name_real_functions():
    assert len(STATIONS) >= 10
    for row in STATIONS:
        for file, name in re.findall(r"`([\w/]+\.py)` `([\w.]+)`", row):
            source = (ROOT / "gogobe" / file).read_text("utf-8")
            assert re.search(rf"(def|class) {name.rpartition('.')[2]}\b", source), (file, name)


def layers() -> list[str]:
    """The packages of the contract, from the top."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    floors = config["tool"]["importlinter"]["contracts"][0]["layers"]
    return [name.strip() for floor in floors for name in floor.split("|")]


def test_every_package_says_what_it_is_and_what_others_may_use():
    """In its `__init__`: a sentence, then the modules or functions for others."""
    packages = [
        path for room in ("gogobe", "benchmarks", "conformance") for path in (ROOT / room).rglob("__init__.py")
    ]
    assert len(packages) > 30
    texts = {path: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in packages}
    assert [path for path, text in texts.items() if "\n\n" not in text or "`" not in text] == []


def test_contracts_cover_every_folder_of_code():
    """The floors are exhaustive, circles are looked for in every package, and the folders beside are named."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    assert all(one["exhaustive"] for one in contracts if one["type"] == "layers")
    (circles,) = (one for one in contracts if one["type"] == "acyclic_siblings")
    assert circles["ancestors"] == ["gogobe", "gogobe.**"]
    (beside,) = (one for one in contracts if one.get("source_modules") == ["gogobe"])
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(beside["forbidden_modules"]) == folders - {"gogobe"}


def test_every_room_has_a_paragraph():
    rooms = re.findall(r"^\*\*`(\w+)`\*\* ", TEXT.partition("## The rooms")[2], re.M)
    assert sorted(rooms) == sorted(layers())


def test_the_heart_is_that_of_the_contract():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (heart,) = (
        one for one in config["tool"]["importlinter"]["contracts"] if one["name"].startswith("The heart")
    )
    sentence = TEXT.partition(" are the heart")[0].rpartition("\n\n")[2]
    assert {f"gogobe.{name}" for name in re.findall(r"`(\w+)`", sentence)} == set(heart["source_modules"])


def test_the_picture_has_every_package_in_the_order_of_the_contract():
    picture = TEXT.partition("## The floors")[2].partition("`records`, `feeds`")[0]
    drawn = [word for line in picture.splitlines() if line.startswith("    ") for word in _packages(line)]
    assert drawn == layers()


def _packages(line: str) -> list[str]:
    names, _, _ = line.strip().partition("  " * 4)
    return [part.split()[0] for part in re.split("[│|]", names) if part.strip()]
