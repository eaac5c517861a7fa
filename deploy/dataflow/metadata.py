"""Writes `metadata.json`, the form of the Flex template, from the options of the launcher.

    python -m deploy.dataflow.metadata [FILE]

Every setting is a parameter, with its help, its group and a pattern for its values. The format is that of
`TemplateMetadata` in Dataflow's API.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from apache_beam.options.pipeline_options import DebugOptions, PipelineOptions, WorkerOptions

from gogobe.io.kafka.options import KafkaOptions
from gogobe.pipelines.catalogue import JOBS
from gogobe.pipelines.dataflow import HARNESS_THREADS, MASTERS_CACHE, LaunchOptions
from gogobe.pipelines.options import InstanceOptions
from gogobe.secrets import Secret
from gogobe.settings import SettingDescription, described_settings

FILE: Final = Path(__file__).with_name("metadata.json")
PATTERNS: Final[dict[type, str]] = {
    int: r"^[0-9]+$",
    float: r"^[0-9]+(\.[0-9]+)?$",
    Secret: r"^secret://(env/[A-Za-z_][A-Za-z0-9_]*|file/.+|gcp/projects/.+/secrets/.+/versions/.+)$",
    KafkaOptions: r"^\{.*\}$",
}
# A repository with a tag or a digest: `latest` by omission would differ from worker to worker.
IMAGE: Final = r"^[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9._-]+)+(:[\w.-]+|@sha256:[0-9a-f]{64})$"
BUCKET: Final = r"^(gs|s3)://[^/]+(/.*)?$"
# Settings whose defaults are of one machine.
REQUIRED: Final = {
    "kafka": r"^[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*$",
    "database": r"^postgres(ql)?://[^\s]+$",
    "store": BUCKET,
    "masters": BUCKET,
}
LAUNCH_GROUP: Final = "Job"
WORKERS_GROUP: Final = "Workers"


def metadata() -> dict[str, Any]:
    """The form as a dictionary."""
    return {
        "name": "Gogobe",
        "description": "Turns the price files that supermarkets publish into a live, comparable price "
        "database: reads announcements from Kafka, loads PostgreSQL.",
        "streaming": True,
        "supportsAtLeastOnce": True,
        "supportsExactlyOnce": True,
        "defaultStreamingMode": "EXACTLY_ONCE",
        "parameters": [
            _job_kind(),
            *(_of_setting(setting) for setting in described_settings()),
            _instance(),
            _image(),
            _threads(),
        ],
    }


def _of_setting(setting: SettingDescription) -> dict[str, Any]:
    is_required = setting.name in REQUIRED
    form = _form(setting.name, setting.group, setting.help, is_optional=not is_required)
    if setting.type is bool:
        form |= {"paramType": "ENUM", "enumOptions": [_choice("false"), _choice("true")]}
    elif pattern := REQUIRED.get(setting.name) or PATTERNS.get(setting.type):
        form["regexes"] = [pattern]
    default = MASTERS_CACHE if setting.name == "masters_cache" else setting.default
    if isinstance(default, str | int | float) and default != "" and not is_required:
        form["defaultValue"] = str(default).lower() if isinstance(default, bool) else str(default)
    if setting.minimum is not None:
        form["helpText"] += f" At least {setting.minimum:g}."
    return form


def _job_kind() -> dict[str, Any]:
    action = _action(LaunchOptions, "job_kind")
    form = _form("job_kind", LAUNCH_GROUP, str(action.help), is_optional=True)
    choices = [_choice(name) for name in JOBS]
    return form | {"paramType": "ENUM", "enumOptions": choices, "defaultValue": str(action.default)}


def _instance() -> dict[str, Any]:
    form = _form("instance", LAUNCH_GROUP, str(_action(InstanceOptions, "instance").help), is_optional=True)
    return form | {"regexes": [r"^[1-9][0-9]*/[1-9][0-9]*$"]}


def _image() -> dict[str, Any]:
    text = "Container image of the Python workers: that of this template."
    form = _form("sdk_container_image", WORKERS_GROUP, text, is_optional=False)
    _action(WorkerOptions, "sdk_container_image")
    return form | {"regexes": [IMAGE]}


def _threads() -> dict[str, Any]:
    name = "number_of_worker_harness_threads"
    _action(DebugOptions, name)
    text = "Threads of each Python process of a worker; each has a connection to the database."
    form = _form(name, WORKERS_GROUP, text, is_optional=True)
    return form | {"regexes": [r"^[1-9][0-9]*$"], "defaultValue": str(HARNESS_THREADS)}


def _form(name: str, group: str, help_text: str, *, is_optional: bool) -> dict[str, Any]:
    label = name.replace("_", " ").capitalize()
    return {
        "name": name, "label": label, "helpText": help_text, "groupName": group, "isOptional": is_optional,
        "paramType": "TEXT",
    }  # fmt: skip


def _choice(value: str) -> dict[str, str]:
    return {"value": value, "label": value}


def _action(options: type[PipelineOptions], name: str) -> argparse.Action:
    """The definition of an option by a class of options. Raises LookupError where it is not one."""
    parser = argparse.ArgumentParser(add_help=False)
    options._add_argparse_args(parser)
    for action in parser._actions:
        if f"--{name}" in action.option_strings:
            return action
    raise LookupError(f"{options.__name__} has no option {name}")


def text() -> str:
    """The content of the file."""
    return json.dumps(metadata(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else FILE).write_text(text(), "utf-8")
