"""Jobs on Dataflow: the options they run with, what they need, and the launcher of the Flex template.

The launcher builds a job and hands it over; it never waits for the job's end, because Dataflow starts a job of
a template only when its launcher has exited. As a program of the template's image:

    python -m gogobe.pipelines.dataflow --job_kind=ingest --kafka=… [Beam's own options]
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, WorkerOptions
from apache_beam.runners.runner import PipelineResult

from gogobe.io.kafka.options import KafkaOptionsError
from gogobe.local.expansion import container_expansion_service
from gogobe.local.processes import StackError
from gogobe.pipelines.catalogue import JOBS
from gogobe.pipelines.options import refuse_unknown, restricted
from gogobe.pipelines.submission import built, parsed, prepare
from gogobe.secrets import SecretError
from gogobe.settings import Settings, SettingsError

logger = logging.getLogger(__name__)

# Dataflow mounts this folder of a worker's disk into all containers of the worker: one copy of the index for
# all of its Python processes.
MASTERS_CACHE: Final = "/var/opt/google/gogobe/masters"
DISK_GB: Final = 50
MAX_WORKERS: Final = 8
# Each thread has a connection to the database, and parsing holds the interpreter's lock: few threads a process.
HARNESS_THREADS: Final = 4


class LaunchOptions(PipelineOptions):
    """What the Flex template's launcher is to launch."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--job_kind",
            choices=sorted(JOBS),
            default="ingest",
            help="The whole pipeline (ingest), or one of its stages: download, parse, load.",
        )


def dataflow_flags(name: str) -> list[str]:
    """Options of a job on Dataflow; what is given after them wins.

    Streaming Engine keeps state outside of the workers, so they scale within bounds. The worker's image has
    Beam and the project (`sdk_location`), so nothing of the launching process is pickled or listed. Jars are
    uploaded once and found by their hash afterwards.
    """
    return [
        "--runner=DataflowRunner",
        f"--job_name={name}",
        "--streaming",
        "--enable_streaming_engine",
        "--autoscaling_algorithm=THROUGHPUT_BASED",
        f"--max_num_workers={MAX_WORKERS}",
        f"--disk_size_gb={DISK_GB}",
        f"--number_of_worker_harness_threads={HARNESS_THREADS}",
        "--sdk_location=container",
        "--no_save_main_session",
        "--experiments=disable_logging_submission_environment",
        "--enable_artifact_caching",
        f"--masters_cache={MASTERS_CACHE}",
    ]


def refuse_local(options: PipelineOptions, settings: Settings) -> None:
    """Raises SettingsError for what Dataflow's workers would not have: the project, folders of this machine,
    addresses of this machine."""
    setup = options.view_as(SetupOptions)
    if not (options.view_as(WorkerOptions).sdk_container_image or setup.setup_file or setup.extra_packages):
        raise SettingsError(
            "sdk_container_image is not set, so workers would not have Gogobe: build an image from "
            "deploy/dataflow/Dockerfile and name it (or use --setup_file)"
        )
    for name in ("store", "masters"):
        value = getattr(settings, name)
        if "://" not in value:
            raise SettingsError(
                f"{name}: {value} is a folder, which Dataflow's workers do not have: give gs://BUCKET/PREFIX "
                "or s3://BUCKET/PREFIX"
            )
    for name in ("kafka", "database"):
        if not getattr(settings, name):
            raise SettingsError(f"{name} is not set: Dataflow's workers need its address")


def launch(flags: Sequence[str], java: Path) -> PipelineResult:
    """Builds the job and hands it to Dataflow, or writes it to `template_location`; returns at once.

    `java`: a folder with the class path of the expansion service, which runs meanwhile unless its address is
    given. Empty values are dropped: a template passes parameters that were left empty. Raises as `submit`.
    """
    passed = [flag for flag in flags if flag.partition("=")[1:] != ("=", "")]
    kind = JOBS[PipelineOptions(passed).view_as(LaunchOptions).job_kind]
    _warn_of_unknown(passed)
    complete = [*dataflow_flags(f"gogobe-{kind.name}"), *passed]
    options, settings = parsed(complete)
    refuse_local(options, settings)
    prepare(settings)
    alone = restricted(options, settings)
    with expansion_service(settings, java) as address:
        # Its address is not among the job's options, which are shown with the job.
        here = msgspec.structs.replace(alone, expansion_service=address)
        return built(kind, options, here).run()


@contextlib.contextmanager
def expansion_service(settings: Settings, java: Path) -> Iterator[str]:
    """The address of the expansion service that is set; else one runs for the length of the `with`."""
    if settings.expansion_service:
        yield settings.expansion_service
        return
    with container_expansion_service(java) as address:
        yield address


def _warn_of_unknown(flags: Sequence[str]) -> None:
    """Dataflow adds flags of its own, so an unknown one is no error here; `metadata.json` checks parameters."""
    try:
        refuse_unknown(flags)
    except SettingsError as error:
        logger.warning("%s", error)


def outcome(result: PipelineResult) -> str:
    """What a launch has led to: a job, or the file of a template."""
    return f"submitted as job {result.job_id()}" if result.has_job else "written to template_location"


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
    """Launches, and exits with a message where the flags are wrong."""
    logging.basicConfig(level=logging.INFO)
    java = Path(environment.get("GOGOBE_VAR", "var")) / "java"
    try:
        result = launch(arguments, java)
    except (SettingsError, SecretError, KafkaOptionsError, StackError) as error:
        sys.exit(str(error))
    logger.info("%s", outcome(result))


if __name__ == "__main__":
    main(sys.argv[1:])
