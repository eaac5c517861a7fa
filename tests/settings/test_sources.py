"""Settings: flags over environment over file, and clear refusals."""

from pathlib import Path

import pytest

from gogobe.io.kafka.options import KafkaOptions
from gogobe.secrets import Secret
from gogobe.settings import Settings, SettingsError, load_settings
from tests.settings.planted import PLANTED, with_secrets


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


def test_a_password_belongs_to_the_address_that_holds_it(tmp_path: Path):
    file = tmp_path / "gogobe.toml"
    file.write_text(f'database = "postgresql://u:{PLANTED}@h/db"')
    settings = load_settings({}, {"GOGOBE_DATABASE": "postgresql://other@elsewhere/db"}, file)
    assert settings.database_password is None


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
