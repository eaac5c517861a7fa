"""Secrets: passwords and private keys as typed references, resolved in the process that uses them.

A reference is the location of a secret. It is part of a job; the value is not:

    secret://file/run/secrets/database          the content of /run/secrets/database, without a final line end
    secret://env/DATABASE_PASSWORD              an environment variable of the process that uses it
    secret://gcp/projects/P/secrets/S/versions/V    Google Secret Manager (`latest` is a valid version)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

SCHEME: Final = "secret://"
FORMS: Final = "secret://file/PATH, secret://env/NAME or secret://gcp/projects/…/secrets/…/versions/…"
REDACTED: Final = "***"

Struct = TypeVar("Struct", bound=msgspec.Struct)


class SecretError(Exception):
    """A secret that cannot be resolved, or that would leave the process. The message has the reference, never
    the value."""


class Secret:
    """A secret: a reference, or a value if it was given as one.

    `repr`, `str` and `format` show the reference, or `***`. A reference can be pickled; a value cannot, because
    pickled functions are part of a job that others can read. msgspec encodes this type only by a hook:
    `reference_of` or `redacted`.
    """

    __slots__ = ("_reference", "_value")

    def __init__(self, reference: str) -> None:
        """Raises SecretError if `reference` does not have one of the three forms."""
        self._value: str | None = None
        self._reference = reference
        _reader_of(reference)

    @classmethod
    def parse(cls, text: str) -> Secret:
        """A secret from a setting: a reference (`secret://…`), otherwise the value itself. Raises
        SecretError."""
        if text.startswith(SCHEME):
            return cls(text)
        return cls.of_value(text)

    @classmethod
    def of_value(cls, value: str) -> Secret:
        """A secret with this value. Raises SecretError if it is empty."""
        if not value:
            raise SecretError("a secret is empty")
        made = cls.__new__(cls)
        made._reference, made._value = "", value
        return made

    @property
    def reference(self) -> str | None:
        """The reference; None for a secret that was given as a value."""
        return self._reference or None

    def value(self) -> str:
        """The secret itself. Each call reads it again, so that a rotated secret is used. Raises SecretError."""
        if self._value is not None:
            return self._value
        return _reader_of(self._reference)()

    def kept_in(self, file: Path) -> Secret:
        """A reference to the value in a file. Writes `file` (mode 0600) unless the secret is in a file already.
        Raises SecretError, OSError."""
        if self._reference.startswith(f"{SCHEME}file/"):
            return self
        write_private(file, self.value())
        return Secret(f"{SCHEME}file{file.absolute()}")

    def __repr__(self) -> str:
        return f"Secret({self._reference or REDACTED!r})"

    def __str__(self) -> str:
        return self._reference or REDACTED

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self._reference, self._value) == (other._reference, other._value)

    def __hash__(self) -> int:
        return hash((self._reference, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        if self._value is not None:
            raise SecretError(f"a secret that was given as a value cannot be sent to workers: use {FORMS}")
        return Secret, (self._reference,)


def reference_of(value: Any) -> str:
    """msgspec's hook for data that leaves the process: a secret as its reference.

    Raises SecretError for a secret without a reference.
    """
    if not isinstance(value, Secret):
        raise NotImplementedError(f"{type(value).__name__} cannot be encoded")
    if value.reference is None:
        raise SecretError(f"a secret that was given as a value cannot be sent to workers: use {FORMS}")
    return value.reference


def redacted(value: Any) -> str:
    """msgspec's hook for output that people read: a secret as its reference, or as `***`."""
    if not isinstance(value, Secret):
        raise NotImplementedError(f"{type(value).__name__} cannot be encoded")
    return str(value)


def decode_secret(wanted: type[Any], text: Any) -> Secret:
    """msgspec's hook for fields of type Secret. Raises ValueError, which msgspec reports with the field."""
    if wanted is not Secret:
        raise NotImplementedError(f"{wanted.__name__} cannot be decoded")
    if not isinstance(text, str):
        raise ValueError(f"a secret is a string: its value, or {FORMS}")
    try:
        return Secret.parse(text)
    except SecretError as error:
        raise ValueError(str(error)) from None


def secrets_of(settings: msgspec.Struct) -> Iterator[tuple[str, Secret]]:
    """The names and values of all secrets in settings, as in `kafka_options.sasl.password`."""
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Secret):
            yield field.encode_name, value
        elif isinstance(value, msgspec.Struct):
            for name, secret in secrets_of(value):
                yield f"{field.encode_name}.{name}", secret


def with_secret_files(settings: Struct, folder: Path, prefix: str = "") -> Struct:
    """Settings for workers on this machine. A secret that is not in a file is written to one below `folder`
    (mode 0600) and replaced by a reference to it. Raises SecretError, OSError."""
    changed: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        value, name = getattr(settings, field.name), f"{prefix}{field.encode_name}"
        if isinstance(value, Secret):
            changed[field.name] = value.kept_in(folder / name)
        elif isinstance(value, msgspec.Struct):
            changed[field.name] = with_secret_files(value, folder, f"{name}.")
    return msgspec.structs.replace(settings, **changed)


def write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner can read (mode 0600), atomically. Creates a missing folder with mode
    0700. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as output:
        output.write(text)
        output.flush()
        os.fsync(output.fileno())
    part.replace(file)


def _reader_of(reference: str) -> Callable[[], str]:
    """The function that reads a reference. Raises SecretError if it is not a reference."""
    kind, _, place = reference.removeprefix(SCHEME).partition("/")
    read = _READERS.get(kind)
    if not reference.startswith(SCHEME) or read is None or not place.strip("/"):
        raise SecretError(f"{reference}: not a reference to a secret; the forms are {FORMS}")
    return lambda: read(reference, place)


def _from_file(reference: str, place: str) -> str:
    try:
        text = Path("/", place).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        # The text of a decoding error quotes bytes of the file.
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SecretError(f"{reference}: the file cannot be read ({reason})") from None
    return _not_empty(text.removesuffix("\n").removesuffix("\r"), reference, "the file is empty")


def _from_environment(reference: str, name: str) -> str:
    return _not_empty(os.environ.get(name, ""), reference, f"the variable {name} is not set in this process")


def _from_gcp(reference: str, name: str) -> str:
    # Takes a second to import; few users need it.
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.cloud import secretmanager  # noqa: PLC0415

    try:
        answer = secretmanager.SecretManagerServiceClient().access_secret_version(name=name)
        text = answer.payload.data.decode("utf-8")
    except (GoogleAPIError, GoogleAuthError) as error:
        raise SecretError(f"{reference}: {error}") from error
    except UnicodeDecodeError:
        raise SecretError(f"{reference}: not UTF-8") from None
    return _not_empty(text, reference, "the secret is empty")


def _not_empty(value: str, reference: str, otherwise: str) -> str:
    if not value:
        raise SecretError(f"{reference}: {otherwise}")
    return value


_READERS: Final[Mapping[str, Callable[[str, str], str]]] = MappingProxyType(
    {"file": _from_file, "env": _from_environment, "gcp": _from_gcp}
)
