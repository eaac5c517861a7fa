"""Records from files and to standard streams, on DirectRunner."""

from __future__ import annotations

import gzip
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from gogobe.io.lines import ReadLines, WriteLines


@pytest.mark.parametrize("name", ["lines.jsonl", "lines.jsonl.gz"])
def test_each_line_is_a_record_without_a_key(tmp_path: Path, name: str):
    content = '{"a": "שלום"}\n\n{"b": 2}'.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with TestPipeline(FnApiRunner()) as pipeline:
        records = pipeline | ReadLines(str(tmp_path / "*"))
        assert_that(records, equal_to([(b"", '{"a": "שלום"}'.encode()), (b"", b'{"b": 2}')]))


def test_a_pattern_that_matches_no_file_is_refused(tmp_path: Path):
    with pytest.raises(OSError, match=r"none\.jsonl"):
        ReadLines(str(tmp_path / "none.jsonl"))


def test_values_are_written_as_lines(capfdbinary: pytest.CaptureFixture[bytes]):
    records = [(b"k", b'{"a": 1}'), (b"k", "שלום".encode())]
    with TestPipeline(FnApiRunner()) as pipeline:
        created = pipeline | beam.Create(records, reshuffle=False)
        created | "Out" >> WriteLines("stdout")
        created | "Errors" >> WriteLines("stderr")
    out, errors = capfdbinary.readouterr()
    assert sorted(out.splitlines()) == sorted(value for _, value in records)
    assert set(out.splitlines()) <= set(errors.splitlines())
