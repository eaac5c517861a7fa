"""The jobs that were submitted to a local stack, with the command that submits each again.

Flink on one machine forgets its jobs when its process dies. These records outlive it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec

from gogobe.local.processes import StackError
from gogobe.secrets import write_private


class JobRecord(msgspec.Struct, frozen=True):
    """A job by its name on Flink, and the command that submits it again when its standard input ends."""

    name: str
    command: tuple[str, ...]


def submit_again(job: JobRecord) -> None:
    """Submits a job again. Raises StackError with what the submission printed last."""
    done = subprocess.run(job.command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "; ".join((done.stderr or done.stdout).strip().splitlines()[-1:])
        raise StackError(f"the job {job.name} cannot be submitted again: {last}")


class JobRecords:
    """A folder with a file for each job. The files are readable by their owner only: options name files of
    secrets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> list[JobRecord]:
        """All jobs, by name."""
        files = sorted(self._folder.glob("*.json"))
        return [msgspec.json.decode(file.read_bytes(), type=JobRecord) for file in files]

    def add(self, job: JobRecord) -> None:
        """Writes a job in place of an older one of the same name. Raises OSError."""
        write_private(self._folder / f"{job.name}.json", msgspec.json.encode(job).decode())

    def remove(self, name: str) -> bool:
        """Removes the record of a job that is stopped for good; returns whether there was one."""
        file = self._folder / f"{name}.json"
        known = file.exists()
        file.unlink(missing_ok=True)
        return known

    def clear(self) -> None:
        """Removes all."""
        shutil.rmtree(self._folder, ignore_errors=True)
