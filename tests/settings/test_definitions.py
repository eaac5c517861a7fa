"""The addresses that follow from the settings, and the table of the README."""

from pathlib import Path

from gogobe.secrets import secrets_of
from gogobe.settings import Settings, load_settings
from tests.settings.planted import PLANTED


def test_the_readme_lists_every_setting():
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert [
        name for name in Settings.__struct_fields__ if f"| `{name}` | `GOGOBE_{name.upper()}` |" not in readme
    ] == []


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
