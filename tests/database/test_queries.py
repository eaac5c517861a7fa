"""The reports of files and failures, over loaded files."""

from __future__ import annotations

from gogobe.database.connection import connect
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.database.queries import Failure, failures_report, files_report
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item


def test_files_and_failures_by_their_address(dsn: str) -> None:
    old, new = (file_batches([item("1", str(hour))], kind="price", hour=hour) for hour in (8, 9))
    with Loader(dsn) as loader:
        loader.load(old + new)
    urls = [old[0].source_url, new[0].source_url, "https://nowhere.example/"]
    record_dead_letters(
        dsn,
        [
            DeadLetter("parse", reason, "detail", "message", at(hour), source_url=url)
            for reason, hour, url in (("late", 11, urls[1]), ("early", 10, urls[2]), ("before", 8, urls[1]))
        ],
    )
    with connect(dsn) as connection:
        (line,) = files_report(connection, urls, since=at(9))
        failures = failures_report(connection, urls, since=at(9))
    assert (line.source_url, line.state, line.read, line.loaded) == (urls[1], "loaded", 1, 1)
    assert failures == [Failure(urls[2], "parse", "early", at(10)), Failure(urls[1], "parse", "late", at(11))]
