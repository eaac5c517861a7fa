"""`gogobe inspect`: the real feeds' true figures, broken files, buckets, and what people see."""

import contextlib
import functools
import gc
import gzip
import json
import logging
import shutil
import threading
from decimal import Decimal
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click.testing
import pytest

import gogobe.demo
from gogobe.cli import main
from gogobe.io.objects import ObjectStore
from gogobe.local.processes import free_ports
from tests.faults import answering, cut_off

FEEDS = Path(gogobe.demo.__file__).parent / "feeds"
RAMI_LEVY = FEEDS / "PriceFull7290058140886-003-202507131800.gz"


def run(*arguments: object) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, ["inspect", *map(str, arguments)])


def as_json(*arguments: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*arguments, "--json").stdout.splitlines()]


def test_a_price_feed():
    (found,) = as_json(RAMI_LEVY)
    assert found.pop("seconds") > 0
    assert found == {
        "file": str(RAMI_LEVY),
        "container": "gzip",
        "encoding": "utf-8",
        "kind": "pricefull",
        "chain_id": "7290058140886",
        "store_id": "003",
        "announced": 4041,
        "read": 4041,
        "taken": 4032,
        "items": 4041,
        "promotions": 0,
        "promotion_items": 0,
        "gift_items": 0,
        "stores": 0,
        "first_code": "7290014083479",
        "last_code": "7290008175814",
        "distinct_codes": 4039,
        "price_sum": "60272.91",
        "refused": 9,
        "refused_items": 0,
        "refused_reasons": {"zero_price": 9},
        "complete": True,
        "problems": [],
        "details": [],
        "unknown_elements": {},
        "constants": {},
    }


def test_a_promotion_feed_and_a_store_feed_one_line_each():
    promotions, stores = as_json(
        FEEDS / "PromoFull7290058108879-014-202507091037.gz",
        FEEDS / "Stores7290058140886-000-20250724-050500.xml",
    )
    assert (promotions["kind"], promotions["container"], promotions["announced"]) == ("promofull", "zip", 621)
    assert (promotions["promotions"], promotions["promotion_items"], promotions["gift_items"]) == (
        621,
        2152,
        93,
    )
    assert promotions["price_sum"] is None
    assert (stores["kind"], stores["encoding"], stores["stores"]) == ("stores", "utf-16-le", 67)
    assert stores["chain_id"] == "7290058140886"


def test_a_feed_without_a_row_that_says_so():
    (found,) = as_json(FEEDS / "NULLPrice7290058140886-041-202506110912.gz")
    assert (found["kind"], found["announced"], found["items"], found["price_sum"]) == ("price", 0, 0, "0")
    assert (found["complete"], found["problems"], found["first_code"]) == (True, [], None)


def test_items_are_the_rows_with_a_price_taken_or_not(tmp_path):
    rows = [("1", "2.50"), ("2", "0"), ("", "1.05"), ("3", ""), ("4", "x"), ("1", "-1")]
    file = tmp_path / "PriceFull7290-1-202501010000.xml"
    items = "".join(
        f"<Item><ItemCode>{code}</ItemCode><ItemName>n</ItemName><ItemPrice>{price}</ItemPrice></Item>"
        for code, price in rows
    )
    file.write_text(f"<Root><ChainId>7290</ChainId><StoreId>1</StoreId><Items>{items}</Items></Root>", "utf-8")
    (found,) = as_json(file)
    assert (found["items"], found["refused"], found["price_sum"]) == (4, 5, "2.55")
    assert (found["first_code"], found["last_code"], found["distinct_codes"]) == ("1", "1", 2)
    assert found["refused_reasons"] == {"zero_price": 2, "no_code": 1, "no_price": 1, "bad_price": 1}


def test_a_truncated_file_is_reported_with_the_place(tmp_path):
    cut = tmp_path / RAMI_LEVY.name
    cut.write_bytes(RAMI_LEVY.read_bytes()[:100_000])
    (found,) = as_json(cut)
    assert (found["complete"], found["problems"], found["announced"]) == (False, ["truncated"], 4041)
    assert "byte 100000" in found["details"][0]
    assert 1000 < found["items"] < 4041
    whole = gzip.decompress(RAMI_LEVY.read_bytes()).decode("utf-8-sig")
    prices = [part.split("<")[0] for part in whole.split("<ItemPrice>")[1 : found["items"] + 1]]
    assert Decimal(found["price_sum"]) == sum(map(Decimal, prices))


def test_a_file_that_is_no_feed_is_reported_and_a_missing_one_fails(tmp_path):
    login = tmp_path / "Price7290058140886-001-202506110900.gz"
    login.write_bytes(b"<!DOCTYPE html>\n<html><title>Login</title></html>")
    result = run(login, tmp_path / "none.gz", tmp_path, "--json")
    assert result.exit_code == 2
    (found,) = map(json.loads, result.stdout.splitlines())
    assert (found["kind"], found["complete"], found["problems"]) == (None, False, ["html_page"])
    # What the name says is still known.
    assert (found["chain_id"], found["store_id"]) == ("7290058140886", "001")
    missing, folder = result.stderr.splitlines()
    assert missing == f"gogobe inspect: {tmp_path}/none.gz: no such file"
    assert folder.startswith(f"gogobe inspect: {tmp_path}: cannot be read")


def test_rows_are_given_when_asked_for():
    (found,) = as_json(RAMI_LEVY, "--rows", 2)
    assert [(row["row"], row["ean"], row["price"]) for row in found["rows"]] == [
        (1, "7290014083479", "9.90"),
        (2, "7290014692817", "10.90"),
    ]
    assert [row["reason"] for row in found["refused_rows"]] == ["zero_price", "zero_price"]


def test_for_people_there_is_a_table_that_is_not_cut_in_a_pipe():
    result = run(RAMI_LEVY, FEEDS / "StoresFull7290058156016-000-202508071028.xml", "--rows", 3)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == str(RAMI_LEVY)
    assert "4041 of 4041 announced; 9 refused (9 zero_price)" in result.stdout
    assert "גבינת גאודה פרוסה 29" in result.stdout
    assert "קרית יובל ס.מ" in result.stdout
    assert "…│" not in result.stdout


@pytest.mark.parametrize("variable", ["GOGOBE_STORE_ENDPOINT", "the cloud's own"])
def test_feeds_in_a_bucket(bucket, monkeypatch, variable):
    name = "PriceFull7290058108879-014-202507091024.gz"
    ObjectStore(bucket.url, bucket.endpoint).put(name, FEEDS / name)
    clouds = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST"}
    monkeypatch.setenv(clouds[bucket.scheme] if variable == "the cloud's own" else variable, bucket.endpoint)
    result = run(f"{bucket.url}/{name}", f"{bucket.url}/none.gz", "--json")
    assert result.exit_code == 2
    assert result.stderr == f"gogobe inspect: {bucket.url}/none.gz: no such file\n"
    found = json.loads(result.stdout)
    assert (found["file"], found["container"], found["items"]) == (f"{bucket.url}/{name}", "zip", 4880)
    assert found["price_sum"] == "100993.74"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["no server listens", "hangs up", "503"])
def test_an_unreachable_store_is_reported_in_a_line(bucket, fault, caplog):
    faults: dict[str, contextlib.AbstractContextManager[str]] = {
        "no server listens": contextlib.nullcontext(f"http://127.0.0.1:{free_ports(1)[0]}"),
        "hangs up": cut_off(bucket.endpoint, after=0),
        "503": answering(503),
    }
    gc.collect()  # what earlier tests left open reports itself before
    caplog.clear()
    with faults[fault] as endpoint:
        result = run(f"{bucket.url}/feed.gz", "--store-endpoint", endpoint)
    assert result.exit_code == 2, result.exception
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"gogobe inspect: {bucket.url}/feed.gz: cannot be read: ")
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_a_name_has_the_kind_in_any_case_and_with_other_words_around(tmp_path):
    for name, kind in (("x_PRICEFULL_copy.xml", "pricefull"), ("new price.gz", "price"), ("feed", "price")):
        shutil.copy(RAMI_LEVY, tmp_path / name)
        assert as_json(tmp_path / name)[0]["kind"] == kind


def test_standard_input_is_read():
    result = click.testing.CliRunner().invoke(main, ["inspect", "-", "--json"], input=RAMI_LEVY.read_bytes())
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["file"], found["chain_id"], found["items"]) == ("-", "7290058140886", 4041)


@pytest.mark.parametrize(
    ("named", "content", "problems"),
    [
        ("7290058140886", "7290058140886", []),
        ("7290058140886", "007290058140886", []),
        ("7290058140886", "7290027600007", ["chain_differs"]),
        ("7290492000005", "729049000005", []),  # both are ids of one chain
        ("7299999999999", "7290027600007", ["chain_differs"]),
        ("7290058140886", "0", []),
    ],
)
def test_a_name_and_a_content_of_different_chains_are_reported(
    tmp_path: Path, named: str, content: str, problems: list[str]
):
    file = tmp_path / f"Price{named}-001-202508070300.xml"
    item = "<Item><ItemCode>1</ItemCode><ItemName>a</ItemName><ItemPrice>1</ItemPrice></Item>"
    file.write_text(f"<Root><ChainId>{content}</ChainId><StoreId>1</StoreId><Items>{item}</Items></Root>")
    (found,) = as_json(file)
    assert (found["problems"], found["complete"]) == (problems, not problems)
    if problems:
        assert f"ChainId {named}" in found["details"][0]
        assert content in found["details"][0]


def test_an_address_is_read():
    folder = functools.partial(SimpleHTTPRequestHandler, directory=str(FEEDS))
    with ThreadingHTTPServer(("127.0.0.1", 0), folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (found,) = as_json(f"http://127.0.0.1:{server.server_port}/{RAMI_LEVY.name}")
        server.shutdown()
    assert found["items"] == 4041
