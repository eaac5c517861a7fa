"""Options of the pipelines: the settings, and what the Flink runner understands beside Beam's own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

import msgspec
from apache_beam.options.pipeline_options import PipelineOptions

from gogobe.settings import Settings, load_settings

CHECKPOINT_MILLISECONDS: Final = 3_000
BUNDLE_ELEMENTS: Final = 8
BUNDLE_MILLISECONDS: Final = 500
# A checkpoint waits for the files in flight; one that is given up would start the job again.
CHECKPOINT_TIMEOUT_MILLISECONDS: Final = 3_600_000


class SettingsOptions(PipelineOptions):
    """Every setting as an option of its own name; see `gogobe.settings.Settings`."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        for name in Settings.__struct_fields__:
            parser.add_argument(f"--{name}", default=None)


class FlinkOptions(PipelineOptions):
    """The Flink runner's options that Beam's Python SDK passes on but does not know."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        for name in (
            "checkpointing_interval",
            "checkpoint_timeout_millis",
            "max_bundle_size",
            "max_bundle_time_mills",
        ):
            parser.add_argument(f"--{name}", type=int)
        parser.add_argument("--finish_bundle_before_checkpointing", action="store_true")


def settings_of(options: PipelineOptions) -> Settings:
    """The settings of a pipeline: its options over environment and file. Raises SettingsError."""
    given = options.view_as(SettingsOptions)
    return load_settings({name: getattr(given, name) for name in Settings.__struct_fields__})


def flags_of(settings: Settings) -> list[str]:
    """Settings as options of a pipeline."""
    values = msgspec.structs.asdict(settings)
    return [f"--{name}={value}" for name, value in values.items() if value != ""]


def flink_flags(job_endpoint: str, worker_pool: str, name: str, parallelism: int = 2) -> Sequence[str]:
    """Options for a job on a Flink job server with an external pool of Python workers.

    A bundle holds up the checkpoint and an element may be a whole file, so bundles are short; as many Python
    processes as there are slots, because parsing holds the interpreter's lock.

    Offsets are committed with a checkpoint, and a job that is submitted anew starts from them. So what they
    cover must be done, not lie in the checkpoint: bundles are finished before it (Flink's runner would keep
    their output in its state), and it stays aligned (an unaligned one holds hundreds of messages in flight).
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
        f"--checkpoint_timeout_millis={CHECKPOINT_TIMEOUT_MILLISECONDS}",
        "--finish_bundle_before_checkpointing",
        f"--max_bundle_size={BUNDLE_ELEMENTS}",
        f"--max_bundle_time_mills={BUNDLE_MILLISECONDS}",
    ]
