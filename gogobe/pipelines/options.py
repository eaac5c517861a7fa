"""Options of the pipelines: the settings, and what the Flink runner understands beside Beam's own."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from apache_beam.options.pipeline_options import PipelineOptions

from gogobe.secrets import reference_of
from gogobe.settings import DATABASES, Settings, SettingsError, described_settings, load_settings

CHECKPOINT_MILLISECONDS: Final = 3_000
BUNDLE_ELEMENTS: Final = 2
BUNDLE_MILLISECONDS: Final = 500
# A checkpoint waits for the files in flight; an aborted checkpoint would restart the job.
CHECKPOINT_TIMEOUT_MILLISECONDS: Final = 3_600_000


# Options of Beam's job server for Flink, in addition to `FlinkOptions` and the options that the Python SDK
# knows: FlinkPipelineOptions and PortablePipelineOptions of Beam's Java SDK. The Python SDK passes them on.
JOB_SERVER_OPTIONS: Final = (
    "allow_non_restored_state", "attached_mode", "auto_balance_write_files_sharding_enabled",
    "auto_watermark_interval", "checkpointing_mode", "default_environment_config", "default_environment_type",
    "disable_metrics", "enable_heap_dumps", "enable_stable_input_drain", "environment_expiration_millis",
    "execution_mode_for_batch", "execution_retry_delay", "externalized_checkpoints_enabled",
    "fail_on_checkpointing_errors", "faster_copy", "file_input_split_max_size_m_b", "flink_conf_dir",
    "force_slot_sharing_group", "force_unaligned_checkpoint_enabled", "job_check_interval_in_secs",
    "latency_tracking_interval", "load_balance_bundles", "min_pause_between_checkpoints",
    "num_concurrent_checkpoints", "number_of_execution_retries", "object_reuse", "operator_chaining",
    "re_iterable_group_by_key_result", "report_checkpoint_duration",
    "retain_externalized_checkpoints_on_cancellation", "shutdown_sources_after_idle_ms",
    "state_backend", "state_backend_factory", "state_backend_storage_path", "unaligned_checkpoint_enabled",
    "use_data_stream_for_batch",
)  # fmt: skip


class SettingsOptions(PipelineOptions):
    """Every setting as an option of its own name; see `gogobe.settings.Settings`."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        for setting in described_settings():
            parser.add_argument(f"--{setting.name}", default=None, help=setting.help.replace("%", "%%"))


class InstanceOptions(PipelineOptions):
    """The number of this instance, of several that share the partitions of a topic: `--instance=2/3`."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--instance", default=None, help="Of several instances that share the topic: K/N, as in 2/3."
        )


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
        parser.add_argument("--savepoint_path")
        parser.add_argument("--finish_bundle_before_checkpointing", action="store_true")


def refuse_unknown(flags: Sequence[str]) -> None:
    """Raises SettingsError for the first word that is neither a flag of Gogobe, Beam or its runners nor the
    value of one, which Beam would ignore, and for an invalid value."""

    def check(parser: argparse.ArgumentParser) -> None:
        for name in JOB_SERVER_OPTIONS:
            parser.add_argument(f"--{name}", nargs="?")
        parser.exit_on_error = False
        try:
            _, unknown = parser.parse_known_args(list(flags))
        except argparse.ArgumentError as error:
            raise SettingsError(str(error)) from error
        if unknown:
            raise SettingsError(_unknown(unknown[0].partition("=")[0], parser._option_string_actions))

    # Beam merges all its options in this call.
    PipelineOptions([]).get_all_options(add_extra_args_fn=check)


def _unknown(word: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(word, known, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else "`gogobe run ingest --help` lists Gogobe's own"
    return f"{word}: no option of Gogobe, of Beam or of its runners; {remedy}"


def settings_of(options: PipelineOptions) -> Settings:
    """The settings of a pipeline: its options over environment and file. Folders become absolute, because
    workers have another working directory. Raises SettingsError."""
    given = options.view_as(SettingsOptions)
    settings = load_settings({name: getattr(given, name) for name in Settings.__struct_fields__})
    return msgspec.structs.replace(
        settings, store=_absolute(settings.store), masters=_absolute(settings.masters)
    )


def restricted(options: PipelineOptions, settings: Settings) -> Settings:
    """The settings of a job, which has the loader's address alone; the others are removed from its options,
    which are shown with the job. Raises SecretError for a secret's value."""
    alone = settings.as_loader()
    view = options.view_as(SettingsOptions)
    for name in DATABASES:
        setattr(view, name, getattr(alone, name) or None)
        password = getattr(alone, f"{name}_password")
        setattr(view, f"{name}_password", None if password is None else reference_of(password))
    return alone


def _absolute(folder: str) -> str:
    return folder if "://" in folder else str(Path(folder).absolute())


def flags_of(settings: Settings) -> list[str]:
    """Settings as options of a pipeline, secrets as references. Raises SecretError for a secret's value."""
    values: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=reference_of)
    return [f"--{name}={_text(value)}" for name, value in values.items() if value not in ("", None, {})]


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else str(value)


def flink_flags(
    job_endpoint: str,
    worker_pool: str,
    name: str,
    parallelism: int = 2,
    task_managers: int = 0,
    *,
    bundle_elements: int = BUNDLE_ELEMENTS,
) -> Sequence[str]:
    """Options for a job on a Flink job server with an external pool of Python workers.

    A bundle holds up the checkpoint and an element may be a whole file, so bundles are short; as many Python
    processes as there are slots, because parsing holds the interpreter's lock. Beam counts them for each
    TaskManager; `task_managers` 0: Flink is embedded, one process.

    Offsets are committed with a checkpoint, and a job that is submitted again starts from them. So the work
    before them must be done, not be part of the checkpoint: bundles are finished before it (Flink's runner
    would keep their output in its state), and it stays aligned (an unaligned one holds hundreds of messages
    in flight).
    """
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={job_endpoint}",
        f"--job_name={name}",
        "--streaming",
        "--environment_type=EXTERNAL",
        f"--environment_config={worker_pool}",
        f"--parallelism={parallelism}",
        f"--sdk_worker_parallelism={-(-parallelism // max(task_managers, 1))}",
        f"--checkpointing_interval={CHECKPOINT_MILLISECONDS}",
        f"--checkpoint_timeout_millis={CHECKPOINT_TIMEOUT_MILLISECONDS}",
        "--finish_bundle_before_checkpointing",
        f"--max_bundle_size={bundle_elements}",
        f"--max_bundle_time_mills={BUNDLE_MILLISECONDS}",
    ]
