"""Secrets: passwords and private keys as typed references that are resolved where they are used.

A reference names the place of a secret and travels with the job; the value does not:

    secret://file/run/secrets/database          the content of /run/secrets/database, without its last line end
    secret://env/DATABASE_PASSWORD              an environment variable of the process that needs it
    secret://gcp/projects/P/secrets/S/versions/V    Google Secret Manager (`latest` is a version too)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

SCHEME: Final = "secret://"
FORMS: Final = "secret://file/PATH, secret://env/NAME or secret://gcp/projects/…/secrets/…/versions/…"
REDACTED: Final = "***"


class SecretError(Exception):
    """A secret that cannot be resolved, or would leave the process; the message names the reference, never the
    value."""


class Secret:
    """A secret as a reference, or as its value where it was given as one.

    `repr`, `str` and `format` show the reference, or `***`. A reference pickles as itself; a value refuses to
    be pickled, because whatever is pickled here becomes part of a job that others can read. msgspec encodes
    this type by a hook only: `reference_of` or `redacted`.
    """

    __slots__ = ("_reference", "_value")

    def __init__(self, reference: str) -> None:
        """Raises SecretError when `reference` is not one of the three forms."""
        self._value: str | None = None
        self._reference = reference
        _reader_of(reference)

    @classmethod
    def parse(cls, text: str) -> Secret:
        """A secret from a setting: a reference (`secret://…`), or else the value itself. Raises SecretError."""
        if text.startswith(SCHEME):
            return cls(text)
        return cls.of_value(text)

    @classmethod
    def of_value(cls, value: str) -> Secret:
        """A secret whose value is known already. Raises SecretError when it is empty."""
        if not value:
            raise SecretError("a secret is empty")
        made = cls.__new__(cls)
        made._reference, made._value = "", value
        return made

    @property
    def reference(self) -> str | None:
        """Where the value is, None where only the value is known."""
        return self._reference or None

    def value(self) -> str:
        """The secret itself, read anew at each call so that a rotated one is taken up. Raises SecretError."""
        if self._value is not None:
            return self._value
        return _reader_of(self._reference)()

    def kept_in(self, file: Path) -> Secret:
        """A reference to the same value in a file: `file`, written with mode 0600, unless it is in a file
        already. Raises SecretError, OSError."""
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
            raise SecretError(f"a secret is given as its value and cannot be sent to workers: use {FORMS}")
        return Secret, (self._reference,)


def reference_of(value: Any) -> str:
    """msgspec's hook for whatever leaves the process: a secret as its reference.

    Raises SecretError for one that is known by its value only.
    """
    if not isinstance(value, Secret):
        raise NotImplementedError(f"{type(value).__name__} cannot be encoded")
    if value.reference is None:
        raise SecretError(f"a secret is given as its value and cannot be sent to workers: use {FORMS}")
    return value.reference


def redacted(value: Any) -> str:
    """msgspec's hook for whatever people read: a secret as its reference, or as `***`."""
    if not isinstance(value, Secret):
        raise NotImplementedError(f"{type(value).__name__} cannot be encoded")
    return str(value)


def decode_secret(wanted: type[Any], text: Any) -> Secret:
    """msgspec's hook for fields of type Secret. Raises ValueError, which msgspec reports with the field."""
    if wanted is not Secret:
        raise NotImplementedError(f"{wanted.__name__} cannot be decoded")
    if not isinstance(text, str):
        raise ValueError(f"a secret is a text: its value, or {FORMS}")
    try:
        return Secret.parse(text)
    except SecretError as error:
        raise ValueError(str(error)) from None


def write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner can read (mode 0600), whole or not at all; its folder is made with mode
    0700 if it is missing. Raises OSError."""
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
    """What reads a reference. Raises SecretError when it is none."""
    kind, _, place = reference.removeprefix(SCHEME).partition("/")
    read = _READERS.get(kind)
    if not reference.startswith(SCHEME) or read is None or not place.strip("/"):
        raise SecretError(f"{reference}: not a reference to a secret; the forms are {FORMS}")
    return lambda: read(reference, place)


def _from_file(reference: str, place: str) -> str:
    try:
        text = Path("/", place).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        # Of a decoding error only the kind: its text quotes bytes of the file.
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SecretError(f"{reference}: the file cannot be read ({reason})") from None
    return _not_empty(text.removesuffix("\n").removesuffix("\r"), reference, "the file is empty")


def _from_environment(reference: str, name: str) -> str:
    return _not_empty(os.environ.get(name, ""), reference, f"the variable {name} is not set in this process")


def _from_gcp(reference: str, name: str) -> str:
    # Takes a second to import, and few need it.
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
