"""Checks of settings: types and names, contradictions between settings, and values of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gogobe.database.address import AddressError, DatabaseAddress
from gogobe.io.kafka.options import KafkaOptions, KafkaOptionsError
from gogobe.records.addresses import without_credentials
from gogobe.secrets import FORMS, decode_secret, secrets_of
from gogobe.settings.definitions import DATABASES, TABLE, Settings


class SettingsError(ValueError):
    """An invalid setting; the message has its source and the valid values."""


def refuse_secret_values(settings: Settings) -> None:
    """Raises SettingsError for a secret without a reference: its value would be part of the job."""
    for name, secret in secrets_of(settings):
        if secret.reference is None:
            raise SettingsError(
                f"{name} is a value, which would become a public part of the job: give a reference that "
                f"workers resolve, {FORMS}"
            )


def converted(values: Mapping[str, Any], where: str) -> Settings:
    """The settings with these values, converted from text where needed. Raises SettingsError with `where` for
    an unknown name or an invalid value."""
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=decode_secret)
    except msgspec.ValidationError as error:
        struct, what = (KafkaOptions, "options") if f"$.{TABLE}" in str(error) else (Settings, "settings")
        names = ", ".join(field.encode_name for field in msgspec.structs.fields(struct))
        raise SettingsError(f"{where}: {error}. The {what} are: {names}") from error


def consistent(settings: Settings) -> Settings:
    """Checks settings against each other; moves a password in an address of the database to its own setting.
    Raises SettingsError for a contradiction."""
    for name in ("kafka", "expansion_service", "store", "store_endpoint", "masters"):
        if without_credentials(getattr(settings, name)) != getattr(settings, name):
            raise SettingsError(f"{name}: the address contains credentials: remove them")
    if settings.kafka_options != KafkaOptions() and not settings.kafka:
        raise SettingsError(f"{TABLE} is set without kafka, to which the options belong")
    for name in DATABASES:
        if getattr(settings, f"{name}_password") is not None and not getattr(settings, name):
            raise SettingsError(f"{name}_password is set without {name}, to which it belongs")
        if getattr(settings, name) and not settings.database:
            raise SettingsError(
                f"{name} is set without database: give the only address, for all work, as database"
            )
    _check_ages(settings)
    try:
        settings.kafka_options.check()
    except KafkaOptionsError as error:
        raise SettingsError(f"{TABLE}: {error}") from error
    moved: dict[str, Any] = {}
    for name, address in databases_of(settings).items():
        if name != "database" and address.url and not address.user:
            raise SettingsError(f"{name} names no user: it is postgresql://USER@HOST:PORT/NAME")
        if address.password is None:
            continue
        if getattr(settings, f"{name}_password") is not None:
            raise SettingsError(f"{name} contains a password, and {name}_password is set too: give one of them")
        moved |= {name: address.url, f"{name}_password": address.password}
    return msgspec.structs.replace(settings, **moved)


def _check_ages(settings: Settings) -> None:
    for name in ("keep_raw_days", "keep_ledger_days"):
        days = getattr(settings, name)
        if 0 < days < settings.keep_topic_days:
            raise SettingsError(
                f"{name} is {days}, less than keep_topic_days ({settings.keep_topic_days}): messages would "
                "outlive the files that they name"
            )


def databases_of(settings: Settings) -> dict[str, DatabaseAddress]:
    """The addresses of the database by setting, with the passwords that they contain. Raises SettingsError for
    an address that cannot be read."""
    addresses = {}
    for name in DATABASES:
        try:
            addresses[name] = DatabaseAddress.parse(getattr(settings, name))
        except AddressError as error:
            raise SettingsError(f"{name}: {error}") from None
    return addresses
