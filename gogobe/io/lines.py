"""Records as JSON Lines, in place of Kafka: files as a source, standard output as a sink.

A line is the value of a record, as its topic has it. The keys are left out: they only choose partitions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Literal

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.io import ReadFromText

Stream = Literal["stdout", "stderr"]


class ReadLines(beam.PTransform):
    """The lines of files as (key, value) records with empty keys; bounded.

    `files` is a path, a pattern or an address of a file system that Beam knows; files named `.gz` are
    decompressed. Blank lines are skipped. Raises OSError if no file matches.
    """

    def __init__(self, files: str) -> None:
        super().__init__()
        self._read = ReadFromText(files, coder=BytesCoder())

    def expand(self, begin: Any) -> Any:
        lines = begin | "Read" >> self._read
        return lines | "Records" >> beam.FlatMap(_record).with_output_types(tuple[bytes, bytes])


class WriteLines(beam.PTransform):
    """(key, value) records to standard output or standard error, one value a line. For runners that work in
    the process that submits: other workers write to their logs."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def expand(self, records: Any) -> Any:
        return records | "Write" >> beam.Map(write_line, self._stream).with_output_types(None)


def write_line(record: tuple[bytes, bytes], stream: Stream) -> None:
    """Writes a record's value as a line, in one call, so that lines of several threads do not mix."""
    output = sys.stdout if stream == "stdout" else sys.stderr
    output.buffer.write(record[1] + b"\n")
    output.buffer.flush()


def _record(line: bytes) -> Iterator[tuple[bytes, bytes]]:
    if line.strip():
        yield b"", line
