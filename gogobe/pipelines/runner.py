"""The pipeline options with which a streaming pipeline runs on Flink."""

from __future__ import annotations

from typing import Final

CHECKPOINT_MILLISECONDS: Final = 3_000
BUNDLE_ELEMENTS: Final = 8
BUNDLE_MILLISECONDS: Final = 500


def flink_options(job_endpoint: str, worker_pool: str, name: str, parallelism: int = 2) -> list[str]:
    """Options for a job on a Flink job server with an external pool of Python workers.

    A bundle holds up the checkpoint and an element may be a whole file, so bundles are short; as many Python
    processes as there are slots, because parsing holds the interpreter's lock.
    """
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={job_endpoint}",
        f"--job_name={name}",
        "--streaming",
        "--environment_type=EXTERNAL",
        f"--environment_config={worker_pool}",
        f"--parallelism={parallelism}",
        f"--sdk_worker_parallelism={parallelism}",
        f"--checkpointing_interval={CHECKPOINT_MILLISECONDS}",
        f"--max_bundle_size={BUNDLE_ELEMENTS}",
        f"--max_bundle_time_mills={BUNDLE_MILLISECONDS}",
    ]
