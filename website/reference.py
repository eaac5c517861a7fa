"""Reference pages that are generated from the code: settings, messages, metrics, commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import click
import msgspec

from gogobe.cli import main
from gogobe.io.kafka.options import KafkaOptions
from gogobe.pipelines.catalogue import JOBS
from gogobe.records.messages import (
    DEADLETTER,
    DISCOVERED,
    DOWNLOADED,
    INGEST,
    OVERFLOW,
    DeadLetter,
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
)
from gogobe.secrets import Secret
from gogobe.settings import SettingDescription, described_settings
from website.recorded import steps_of
from website.tables import code, codes, table

MESSAGES: Final[Mapping[str, type[msgspec.Struct]]] = {
    DISCOVERED: FileDiscovered,
    OVERFLOW: FileDiscovered,
    DOWNLOADED: FileDownloaded,
    INGEST: IngestBatch,
    DEADLETTER: DeadLetter,
}
GENERATED: Final = "This page is generated from the code.\n"


def settings_page() -> str:
    """Every setting, by group."""
    described = sorted(described_settings(), key=lambda one: one.group)
    parts = [
        "# Settings\n\nA setting has one name everywhere: `views_every` in `gogobe.toml`, `GOGOBE_VIEWS_EVERY` "
        "in the environment, `--views-every` as a flag, `--views_every` as an option of a pipeline. Times are "
        f"in seconds. {GENERATED}"
    ]
    for group, settings in groupby(described, key=lambda one: one.group):
        parts.append(f"## {group}\n\n" + table(("Setting", "Type", "Default", ""), map(_setting, settings)))
    options = ((code(one.encode_name), _option(one)) for one in msgspec.structs.fields(KafkaOptions))
    parts.append(
        "## Options of Kafka's clients\n\nThe table `kafka_options`.\n\n" + table(("Option", "Values"), options)
    )
    return "\n".join(parts)


def _setting(setting: SettingDescription) -> tuple[str, str, str, str]:
    kind = {Secret: "secret", KafkaOptions: "table"}.get(setting.type, setting.type.__name__)
    is_plain = isinstance(setting.default, str | int | float) and setting.default != ""
    least = "" if setting.minimum is None else f" At least {setting.minimum:g}."
    return code(setting.name), kind, code(setting.default) if is_plain else "", setting.help + least


def _option(option: msgspec.structs.FieldInfo) -> str:
    choices = getattr(option.type, "__args__", ())
    values = [one for one in choices if isinstance(one, str) and one]
    return codes(values) or ("a secret" if Secret in choices else "text")


def messages_page() -> str:
    """The messages of the topics, field by field, from their JSON schema."""
    _, components = msgspec.json.schema_components(MESSAGES.values(), ref_template="#{name}")
    parts = [f"# Messages\n\nThe topics hold JSON. Fields may be added, and are never renamed. {GENERATED}"]
    for topic, message in MESSAGES.items():
        parts.append(f"## `{topic}`\n\n" + _struct(message.__name__, components[message.__name__]))
    others = sorted(set(components) - {one.__name__ for one in MESSAGES.values()})
    structs = [name for name in others if "properties" in components[name]]
    parts.append("## Parts of messages\n")
    parts += [
        f"(message-{name.lower()})=\n### `{name}`\n\n" + _struct(name, components[name]) for name in structs
    ]
    return "\n".join(parts)


def _struct(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = (
        (code(field), _type(one), "yes" if field in required else "", _bounds(one))
        for field, one in schema["properties"].items()
    )
    about = schema.get("description", "").strip()
    return f"`{name}`. {about}\n\n" + table(("Field", "Type", "Required", "Values"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#")
        return f"[{name}](#message-{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return codes(schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    if schema.get("format") == "date-time":
        return "time with zone"
    return str(schema.get("type", "any"))


def _bounds(schema: Mapping[str, Any]) -> str:
    within = [one for one in schema.get("anyOf", (schema,)) if one.get("type") != "null"]
    named = {"minLength": "length from", "maxLength": "length to", "minimum": "from", "maximum": "to"}
    found = (f"{text} {one[key]}" for one in within for key, text in named.items() if key in one)
    return ", ".join(found)


def metrics_page() -> str:
    """The Beam metrics of all jobs, with the steps that count them."""
    counted: dict[str, dict[str, None]] = {}
    for job in JOBS:
        for step in steps_of(job):
            for metric in step.metrics:
                counted.setdefault(metric, {})[step.label] = None
    rows = (
        (code(metric.partition("/")[0]), code(metric.partition("/")[2]), ", ".join(steps))
        for metric, steps in sorted(counted.items())
    )
    return (
        "# Metrics\n\nBeam metrics of the jobs, by namespace. Each stage also counts "
        f"`dead_letters.REASON` in its namespace. {GENERATED}\n" + table(("Namespace", "Name", "Step"), rows)
    )


def commands_page() -> str:
    """Every command with its flags."""
    parts = [f"# Commands\n\n{GENERATED}", *_commands(main, ("gogobe",))]
    return "\n".join(parts)


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    name = " ".join(path)
    context = click.Context(command, info_name=name)
    if len(path) > 1:
        about = (command.help or "").replace("\b", "").strip()
        yield f"## `{name}`\n\n{about}\n\n" + _flags(command, context)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            if (found := command.get_command(context, inner)) is not None:
                yield from _commands(found, (*path, inner))


def _flags(command: click.Command, context: click.Context) -> str:
    records = (one.get_help_record(context) for one in command.get_params(context))
    rows = [
        (code(record[0]), record[1]) for record in records if record is not None and record[0] != "-h, --help"
    ]
    usage = " ".join(command.collect_usage_pieces(context))
    return f"    {context.info_name} {usage}\n" + ("\n" + table(("Flag", ""), rows) if rows else "")
