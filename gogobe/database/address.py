"""The database's address, with its password as a separate secret."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gogobe.database.timeouts import DEFAULT_TIMEOUTS, MAINTENANCE_TIMEOUTS, Timeouts
from gogobe.secrets import Secret

URL_SCHEMES: Final = ("postgresql://", "postgres://")
# libpq's other parameters that are secrets; a file or another way of authentication takes their place.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
OTHER_SECRETS: Final = ("sslpassword", "oauth_client_secret")


class AddressError(Exception):
    """An invalid address, or one with a secret where none is allowed; the message does not quote it."""


class DatabaseAddress(msgspec.Struct, frozen=True):
    """Where the database is: a libpq URL (or keywords) without a password, and the password as a secret.

    With `password` None libpq finds it: `passfile` in the URL, `~/.pgpass`, a certificate, `trust`. An
    address prints and pickles without the password's value. `timeouts` are those of its sessions,
    `maintenance` those of sessions that migrate, refresh views or scan whole tables. `price_days` is the age
    at which its sessions count a price as old; None uses the database's default (`price_max_age`).
    """

    url: str
    password: Secret | None = None
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    maintenance: Timeouts = MAINTENANCE_TIMEOUTS
    price_days: int | None = None

    def __post_init__(self) -> None:
        if "password" in _parameters(self.url):
            raise AddressError("the address holds a password: DatabaseAddress.parse takes it out")

    @classmethod
    def parse(cls, text: str) -> DatabaseAddress:
        """An address from text that may hold a password. Raises AddressError."""
        parameters = _parameters(text)
        password = parameters.get("password")
        if password is None:
            return cls(text)
        return cls(_without_password(text, parameters), Secret.of_value(password))

    @property
    def user(self) -> str:
        """The role that it names; empty: libpq's default."""
        return _parameters(self.url).get("user", "")

    def conninfo(self) -> str:
        """The connection string for libpq, with the password: for psycopg only, never stored. Raises
        SecretError."""
        if self.password is None:
            return self.url
        return make_conninfo(self.url, password=self.password.value())


Dsn = str | DatabaseAddress


def conninfo_of(dsn: Dsn) -> str:
    """The connection string for libpq, from an address of either form. Raises SecretError."""
    return dsn.conninfo() if isinstance(dsn, DatabaseAddress) else dsn


def timeouts_of(dsn: Dsn) -> Timeouts:
    """The timeouts of sessions with an address of either form."""
    return dsn.timeouts if isinstance(dsn, DatabaseAddress) else DEFAULT_TIMEOUTS


def maintenance_of(dsn: Dsn) -> Timeouts:
    """The timeouts of sessions that scan whole tables."""
    return dsn.maintenance if isinstance(dsn, DatabaseAddress) else MAINTENANCE_TIMEOUTS


def price_days_of(dsn: Dsn) -> int | None:
    """The age in days at which a price is old; None for the database's default."""
    return dsn.price_days if isinstance(dsn, DatabaseAddress) else None


def _parameters(text: str) -> dict[str, str]:
    try:
        parameters = {name: str(value) for name, value in conninfo_to_dict(text).items() if value}
    except psycopg.ProgrammingError:  # its message may quote a password
        raise AddressError(_NO_ADDRESS) from None
    ports = parameters.get("port", "").split(",")
    if not all(port.isascii() and (port.isdigit() or not port) for port in ports):
        raise AddressError(_NO_ADDRESS)  # "u:pass/word@host" is read as host u, port "pass"
    for name in OTHER_SECRETS:
        if name in parameters:
            raise AddressError(f"the address holds {name}, for which there is no setting: leave it out")
    return parameters


_NO_ADDRESS: Final = (
    "not an address of a PostgreSQL database: it is postgresql://USER@HOST:PORT/NAME, and special characters "
    "in a part of it are percent-encoded (/ is %2F, @ is %40)"
)


def _without_password(text: str, parameters: dict[str, str]) -> str:
    rest = {name: value for name, value in parameters.items() if name != "password"}
    if not text.startswith(URL_SCHEMES):
        return make_conninfo("", **rest)
    parts = urlsplit(text, allow_fragments=False)  # libpq knows none
    user, at, hosts = parts.netloc.rpartition("@")
    query = "&".join(one for one in parts.query.split("&") if not one.startswith("password="))
    name = user.partition(":")[0]
    stripped = f"{parts.scheme}://{name}{at}{hosts}{parts.path}{'?' if query else ''}{query}"
    if _parameters(stripped) != rest:  # libpq and this reading disagree where the password ends
        raise AddressError(_NO_ADDRESS)
    return stripped
