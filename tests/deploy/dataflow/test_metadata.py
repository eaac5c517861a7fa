"""The form of the Flex template."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from google.cloud.dataflow_v1beta3.types.templates import TemplateMetadata

from deploy.dataflow.metadata import FILE, metadata, text
from deploy.dataflow.offline import FLAGS
from gogobe.pipelines.options import refuse_unknown
from gogobe.settings import Settings, load_settings

PARAMETERS: dict[str, dict[str, Any]] = {one["name"]: one for one in metadata()["parameters"]}


def test_the_file_is_what_the_options_make():
    assert FILE.read_text("utf-8") == text(), "write it anew: python -m deploy.dataflow.metadata"


def test_dataflow_knows_every_field():
    read = TemplateMetadata.from_json(FILE.read_text("utf-8"), ignore_unknown_fields=False)
    assert len(read.parameters) == len(PARAMETERS)
    assert json.loads(TemplateMetadata.to_json(read))["streaming"] is True


def test_every_setting_is_a_parameter_with_help_and_group():
    assert set(PARAMETERS) > set(Settings.__struct_fields__)
    for name, one in PARAMETERS.items():
        assert one["helpText"].endswith("."), name
        assert one["groupName"], name
    refuse_unknown(
        [f"--{name}={one.get('defaultValue', '')}" for name, one in PARAMETERS.items() if "defaultValue" in one]
    )


def test_defaults_are_valid_and_those_of_the_settings():
    given = {}
    for name, one in PARAMETERS.items():
        if "defaultValue" not in one:
            continue
        for pattern in one.get("regexes", ()):
            assert re.fullmatch(pattern, one["defaultValue"]), name
        if name in Settings.__struct_fields__ and name != "masters_cache":
            given[name] = one["defaultValue"]
    assert load_settings(given, {}) == load_settings({}, {})


def test_what_must_be_given_can_be():
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in FLAGS if "=" in flag)
    required = [name for name, one in PARAMETERS.items() if not one["isOptional"]]
    assert required == ["kafka", "database", "store", "masters", "sdk_container_image"]
    for name in required:
        (pattern,) = PARAMETERS[name]["regexes"]
        assert re.fullmatch(pattern, flags[name]), name


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("database_password", "hunter2"),
        ("store", "/var/store"),
        ("kafka", "kafka.example.org"),
        ("commit_batches", "many"),
        ("commit_seconds", "-1"),
        ("instance", "0/2"),
        ("sdk_container_image", "worker"),
    ],
)
def test_wrong_values_are_refused_by_the_form(name: str, refused: str):
    assert not any(re.fullmatch(pattern, refused) for pattern in PARAMETERS[name]["regexes"])
