"""What a soak makes of its samples, and how it is reported."""

from __future__ import annotations

from pathlib import Path

import msgspec

from soak.report import last_line, plot, write
from soak.run import Result, result_of

STEADY, LEAK, LATE = "memory: Kafka", "memory: Python worker pool", "lag"


def result() -> Result:
    samples = []
    for number in range(360):
        at = 5.0 * number
        sample = {STEADY: 300.0 + number % 7, LEAK: 200.0 + at / 10}
        if number % 3:
            sample[LATE] = float(number % 5)
        samples.append((at, sample))
    return result_of(30.0, 1800, samples)


def test_a_leak_is_found_by_its_name():
    assert [one.name for one in result().growing] == [LEAK]
    assert last_line(result()) == f"30 minutes, 1800 files, 3 series tested, 1 grow: {LEAK}"


def test_what_grows_only_in_the_warm_up_does_not_count():
    samples = [(5.0 * number, {LEAK: min(300.0, 100.0 + number * 2)}) for number in range(360)]
    assert result_of(30.0, 1, samples).growing == []


def test_a_short_run_tests_nothing():
    assert last_line(result_of(1.0, 60, [(0.0, {LATE: 1.0})])) == "1 minutes, 60 files, 0 series tested, 0 grow"


def test_json_and_plot(tmp_path: Path):
    write(result(), tmp_path / "soak.json")
    plot(result(), tmp_path / "soak.png")
    assert msgspec.json.decode((tmp_path / "soak.json").read_bytes(), type=Result) == result()
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")
