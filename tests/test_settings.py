"""Settings: flags over environment over file, and clear refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

from gogobe.io.kafka.options import KafkaOptions
from gogobe.secrets import Secret, secrets_of, with_secret_files
from gogobe.settings import Settings, SettingsError, load_settings, refuse_secret_values


def test_flags_win_over_environment_over_file(tmp_path: Path):
    file = tmp_path / "gogobe.toml"
    file.write_text('kafka = "file:1"\ngroup = "file"\nviews_every = 3\n')
    environment = {"GOGOBE_KAFKA": "environment:1", "GOGOBE_GROUP": "environment", "GOGOBE_CONFIG": str(file)}
    settings = load_settings({"group": "flag", "store": None}, environment)
    assert (settings.kafka, settings.group, settings.views_every) == ("environment:1", "flag", 3.0)
    assert settings.store == Settings().store


@pytest.mark.parametrize(
    ("flags", "environment", "text", "named"),
    [
        ({}, {}, "kafak = 1", "gogobe.toml"),
        ({}, {}, "= ", "gogobe.toml"),
        ({}, {"GOGOBE_VIEWS_EVERY": "soon"}, "", "GOGOBE"),
        ({"commit_batches": "many"}, {}, "", "flags"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, flags, environment, text, named):
    file = tmp_path / "gogobe.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=named):
        load_settings(flags, environment, file)


def test_a_file_that_is_named_must_be_there(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings({}, {"GOGOBE_CONFIG": str(tmp_path / "none.toml")})


def test_the_readme_lists_every_setting():
    readme = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    assert [
        name for name in Settings.__struct_fields__ if f"| `{name}` | `GOGOBE_{name.upper()}` |" not in readme
    ] == []


PLANTED = "planted-7f3a"


def with_secrets(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """Settings with two secrets' values, one in the environment and one in the file."""
    file = tmp_path / "gogobe.toml"
    file.write_text(
        'kafka = "k:1"\n[kafka_options]\nsecurity.protocol = "SASL_SSL"\n"sasl.mechanism" = "PLAIN"\n'
        f'sasl.username = "u"\nsasl.password = "{PLANTED}"\n'
    )
    return {"GOGOBE_DATABASE": f"postgresql://u:{PLANTED}@h/db"}, file


def test_a_database_s_password_is_taken_out_of_its_address(tmp_path: Path):
    settings = load_settings({}, *with_secrets(tmp_path))
    assert settings.database == "postgresql://u@h/db"
    assert settings.database_password == Secret.of_value(PLANTED)
    assert PLANTED not in repr(settings)
    assert settings.database_address.conninfo() == f"user=u dbname=db host=h password={PLANTED}"


def test_a_password_belongs_to_the_address_that_holds_it(tmp_path: Path):
    file = tmp_path / "gogobe.toml"
    file.write_text(f'database = "postgresql://u:{PLANTED}@h/db"')
    settings = load_settings({}, {"GOGOBE_DATABASE": "postgresql://other@elsewhere/db"}, file)
    assert settings.database_password is None


def test_the_addresses_of_roles_are_the_owner_s_unless_they_are_given(tmp_path: Path):
    alone = load_settings({}, {"GOGOBE_DATABASE": f"postgresql://u:{PLANTED}@h/db"})
    assert alone.loader_address == alone.reader_address == alone.database_address
    assert list(alone.database_roles) == []
    environment = {
        "GOGOBE_DATABASE": f"postgresql://u:{PLANTED}-owner@h/db",
        "GOGOBE_DATABASE_LOADER": "postgresql://l@h/db",
        "GOGOBE_DATABASE_LOADER_PASSWORD": f"{PLANTED}-loader",
        "GOGOBE_DATABASE_READER": f"postgresql://r:{PLANTED}-reader@replica/db",
    }
    settings = load_settings({}, environment)
    assert settings.database_address.conninfo() == f"user=u dbname=db host=h password={PLANTED}-owner"
    assert settings.loader_address.conninfo() == f"user=l dbname=db host=h password={PLANTED}-loader"
    assert settings.reader_address.conninfo() == f"user=r dbname=db host=replica password={PLANTED}-reader"
    assert [role.name for role in settings.database_roles] == ["l", "r"]
    assert PLANTED not in repr(settings)
    job = settings.as_loader()
    assert job.database_address == job.loader_address == job.reader_address == settings.loader_address
    assert [name for name, _ in secrets_of(job)] == ["database_password"]
    assert list(job.database_roles) == []


def test_one_user_for_two_addresses_is_one_role():
    environment = {
        "GOGOBE_DATABASE": "postgresql://u@h/db",
        "GOGOBE_DATABASE_LOADER": "postgresql://l@h/db",
        "GOGOBE_DATABASE_READER": "postgresql://l@replica/db",
    }
    assert [role.name for role in load_settings({}, environment).database_roles] == ["l"]
    environment["GOGOBE_DATABASE_LOADER"] = "postgresql://u@pooler/db"
    roles = load_settings({}, environment).database_roles
    assert (roles.loader, roles.reader and roles.reader.name) == (None, "l")


def test_an_address_replaces_those_of_roles_from_places_of_lower_precedence(tmp_path: Path):
    file = tmp_path / "gogobe.toml"
    file.write_text(
        f'database = "postgresql://u@h/db"\ndatabase_reader = "postgresql://r:{PLANTED}@h/db"\n'
        'database_loader = "postgresql://l@h/db"\ndatabase_loader_password = "secret://env/L"\n'
    )
    settings = load_settings({"database": "postgresql://other/db"}, {}, file)
    assert settings == Settings(database="postgresql://other/db")
    settings = load_settings({}, {"GOGOBE_DATABASE_LOADER": "postgresql://k@h/db"}, file)
    assert settings.database_loader_password is None
    assert settings.loader_address.user == "k"
    assert settings.reader_address.user == "r"


def test_a_password_and_options_belong_to_the_address_of_their_source(tmp_path: Path):
    _, file = with_secrets(tmp_path)
    environment = {"GOGOBE_DATABASE": "postgresql://u@h/db", "GOGOBE_DATABASE_PASSWORD": PLANTED}
    flags = {"database": "postgresql://local/db", "kafka": "local:1"}
    settings = load_settings(flags, environment, file)
    assert settings == Settings(database="postgresql://local/db", kafka="local:1")
    file.write_text('database = "postgresql://u@h/db"')
    settings = load_settings({}, {"GOGOBE_DATABASE_PASSWORD": PLANTED}, file)
    assert settings.database_password == Secret.of_value(PLANTED)


def test_kafka_s_options_merge_by_name_and_tables_nest(tmp_path: Path):
    _, file = with_secrets(tmp_path)
    environment = {
        "GOGOBE_KAFKA_OPTIONS_SASL_PASSWORD": "secret://env/A",
        "GOGOBE_KAFKA_OPTIONS": '{"sasl.username": "v"}',
    }
    options = load_settings(
        {"kafka_options": '{"sasl.mechanism": "SCRAM-SHA-512"}'}, environment, file
    ).kafka_options
    assert options == KafkaOptions(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="v",
        sasl_password=Secret("secret://env/A"),
    )


def test_tables_of_the_file_take_settings_that_begin_alike(tmp_path: Path):
    file = tmp_path / "gogobe.toml"
    file.write_text("[commit]\nbatches = 3\nseconds = 0.5\n[topic]\npartitions = 12\n")
    settings = load_settings({}, {}, file)
    assert (settings.commit_batches, settings.commit_seconds, settings.topic_partitions) == (3, 0.5, 12)
    file.write_text("commit_batches = 3\n[commit]\nbatches = 3\n")
    with pytest.raises(SettingsError, match=r"gogobe\.toml: commit_batches is set twice"):
        load_settings({}, {}, file)


@pytest.mark.parametrize(
    ("flags", "variable"),
    [
        ({"database": f"postgresql://u:{PLANTED}@h/db"}, "GOGOBE_DATABASE_PASSWORD"),
        ({"database": f"host=h password={PLANTED}"}, "GOGOBE_DATABASE_PASSWORD"),
        ({"database": "postgresql://u@h/db", "database_password": PLANTED}, "GOGOBE_DATABASE_PASSWORD"),
        ({"kafka_options": f'{{"sasl.password": "{PLANTED}"}}'}, "GOGOBE_KAFKA_OPTIONS_SASL_PASSWORD"),
        ({"database_reader": f"postgresql://u:{PLANTED}@h/db"}, "GOGOBE_DATABASE_READER_PASSWORD"),
        ({"database_loader_password": PLANTED}, "GOGOBE_DATABASE_LOADER_PASSWORD"),
    ],
)
def test_a_flag_takes_no_secret_s_value(flags: dict[str, str], variable: str):
    with pytest.raises(
        SettingsError, match=rf"^flags: .*process list.*{variable} or gogobe\.toml.*secret://file/PATH"
    ) as refused:
        load_settings(flags, {})
    assert PLANTED not in str(refused.value)


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


def test_an_empty_variable_gives_no_options():
    assert load_settings({}, {"GOGOBE_KAFKA_OPTIONS": ""}) == Settings()


def test_options_that_are_no_json_and_variables_that_name_none():
    for variable, text, message in [
        ("GOGOBE_KAFKA_OPTIONS", PLANTED, r"environment.*kafka_options is not a JSON object"),
        ("GOGOBE_KAFKA_OPTIONS", f'["{PLANTED}"]', r"environment.*kafka_options is not a JSON object"),
        ("GOGOBE_KAFKA_OPTIONS_SASL_PASWORD", PLANTED, "sasl_pasword"),
    ]:
        with pytest.raises(SettingsError, match=message) as refused:
            load_settings({}, {variable: text})
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
