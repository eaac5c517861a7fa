"""Settings: flags over environment over file, and clear refusals."""

from pathlib import Path

import pytest

from gogobe.settings import Settings, SettingsError, load_settings


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
