"""Contradictory settings and values of secrets are refused, and no message quotes a secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from gogobe.secrets import Secret, secrets_of, with_secret_files
from gogobe.settings import SettingsError, load_settings, refuse_secret_values
from tests.settings.planted import PLANTED, with_secrets


def test_a_database_s_password_is_taken_out_of_its_address(tmp_path: Path):
    settings = load_settings({}, *with_secrets(tmp_path))
    assert settings.database == "postgresql://u@h/db"
    assert settings.database_password == Secret.of_value(PLANTED)
    assert PLANTED not in repr(settings)
    assert settings.database_address.conninfo() == f"user=u dbname=db host=h password={PLANTED}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"database": "mysql://u:planted-7f3a@h/db"}, "database: not an address"),
        ({"database": "postgresql://u:planted-7f3a@h/db", "database_password": "x"}, "give one of them"),
        ({"database_password": "x"}, "database_password is set without database"),
        ({"database_reader_password": "x", "database": "dbname=d"}, "set without database_reader"),
        ({"database_reader": "postgresql://r@h/d"}, "database_reader is set without database: give the only"),
        ({"database": "dbname=d", "database_loader": "host=h dbname=d"}, "database_loader names no user"),
        ({"database": "dbname=d", "database_loader": "mysql://h"}, "database_loader: not an address"),
        ({"database_password": 3, "database": "postgresql://h/d"}, r"\$\.database_password"),
        ({"kafka_options": {"sasl.password": "planted-7f3a"}}, "kafka_options is set without kafka"),
        (
            {"kafka": "k", "kafka_options": {"sasl.password": "planted-7f3a"}},
            "kafka_options: sasl.password is set, and security",
        ),
        (
            {"kafka": "k", "kafka_options": {"sasl.pasword": "planted-7f3a"}},
            "`sasl.pasword`.* The options are: security.protocol",
        ),
        (
            {"kafka": "k", "kafka_options": {"security.protocol": "TLS"}},
            r"\$\.kafka_options\.security\.protocol",
        ),
        ({"kafka": "k", "kafka_options": 3}, "kafka_options"),
        ({"store": "s3://key:planted-7f3a@bucket"}, "store: the address contains credentials"),
        (
            {"store_endpoint": "http://key:planted-7f3a@host"},
            "store_endpoint: the address contains credentials",
        ),
    ],
)
def test_what_contradicts_itself_is_named_and_secrets_are_not_quoted(
    tmp_path: Path, settings: dict[str, Any], message: str
):
    file = tmp_path / "gogobe.toml"
    tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items() if name not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]\n", *(f'"{option}" = {json.dumps(value)}\n' for option, value in table.items())]
    file.write_text("".join(lines))
    with pytest.raises(SettingsError, match=message) as refused:
        load_settings({}, {}, file)
    assert PLANTED not in str(refused.value)


def test_secrets_for_workers_of_this_machine_are_in_files(tmp_path: Path):
    settings = with_secret_files(load_settings({}, *with_secrets(tmp_path)), tmp_path / "secrets")
    assert sorted(secrets_of(settings)) == [
        ("database_password", Secret(f"secret://file{tmp_path}/secrets/database_password")),
        ("kafka_options.sasl.password", Secret(f"secret://file{tmp_path}/secrets/kafka_options.sasl.password")),
    ]
    assert {secret.value() for _, secret in secrets_of(settings)} == {PLANTED}
    refuse_secret_values(settings)


def test_a_secret_s_value_is_refused_where_it_would_travel(tmp_path: Path):
    settings = load_settings({}, *with_secrets(tmp_path))
    with pytest.raises(SettingsError, match=r"^kafka_options\.sasl\.password is a value.*secret://file/PATH"):
        refuse_secret_values(settings)
