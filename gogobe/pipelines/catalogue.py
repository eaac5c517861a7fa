"""The jobs by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gogobe.pipelines.download import DOWNLOAD_JOB
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.job import JobKind
from gogobe.pipelines.load import LOAD_JOB
from gogobe.pipelines.parse import PARSE_JOB

JOBS: Final[Mapping[str, JobKind]] = {
    kind.name: kind for kind in (INGEST_JOB, DOWNLOAD_JOB, PARSE_JOB, LOAD_JOB)
}
