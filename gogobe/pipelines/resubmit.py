"""Submits a job again, with the options it had, and ends. The supervisor of a local stack runs it.

It submits when its standard input ends. Until then it has imported Beam and built the job, which takes seconds,
while the services of the stack start.

    python -m gogobe.pipelines.resubmit KIND OPTION… </dev/null
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import psycopg
from confluent_kafka import KafkaException

from gogobe.io.kafka.options import KafkaOptionsError
from gogobe.local.jobs import JobRecord
from gogobe.pipelines.catalogue import JOBS
from gogobe.pipelines.submission import submit
from gogobe.secrets import SecretError
from gogobe.settings import SettingsError

# The job once started from this savepoint; since then its committed offsets count.
_NOT_AGAIN: Final = "--savepoint_path="


def record_of(name: str, kind: str, flags: Sequence[str]) -> JobRecord:
    """The record of a job of this name, which was submitted as `kind` with these options."""
    again = [flag for flag in flags if not flag.startswith(_NOT_AGAIN)]
    return JobRecord(name, (sys.executable, "-m", "gogobe.pipelines.resubmit", kind, *again))


def main(kind: str, flags: Sequence[str]) -> None:
    """Submits a job at the end of standard input; ends the process with a message where it cannot be."""
    try:
        submit(JOBS[kind], flags, wait_for_servers=sys.stdin.read)
    except (SettingsError, SecretError, KafkaOptionsError, psycopg.Error, KafkaException) as error:
        sys.exit(f"{kind} cannot be submitted: {error}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
