"""Addresses (URLs) as text: their host and file name, and the forms that may be stored and shown.

An address can contain secrets: `user:password@` before the host, or a signature in the query. Neither may
enter a message, a table, a dead letter or a log. `public_address` removes both from one address.
`without_credentials` removes credentials from a text that quotes addresses: a raw message, the text of an
error. Code that stores an external message (the original of a dead letter, in a topic, a table or the object
store) applies `without_credentials` before it truncates the text, because half a credential is not
recognized.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

MAX_NAME: Final = 255
REDACTED: Final = "***@"
_END: Final = b"\0"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# The slashes before a host, plain or escaped as in JSON.
_SLASH: Final = r"(?:\\{0,3}/|\\u002[fF]|\\)"
_ADDRESS: Final = re.compile(rf"(\s*(?:[A-Za-z][\w+.-]*:)?{_SLASH}{{2,8}})(.*)\Z", re.DOTALL)
# In a longer text an address ends at the next blank, quotation mark or angle bracket, or where another
# address begins.
_QUOTED: Final = re.compile(rf'((?::|(?<![\w/\\])){_SLASH}{{2,8}})((?:(?!:{_SLASH}{{2}})(?:\\"|[^\s"<>]))*)')
_AT: Final = r"(?:@|\\u0040)"
_USER_INFO: Final = re.compile(rf"[^/?#]*{_AT}")
# A password that contains an unescaped "/", "?" or "#". By RFC 3986 the part before it would be a port, but
# it is no number.
_ODD_USER_INFO: Final = re.compile(rf"[^/?#@:\[\]]+:(?!\d{{0,5}}(?:\\?[/?#]|\Z)).*{_AT}", re.DOTALL)

# The parameters of signed addresses (Azure, AWS, Google, CloudFront), keyed by one that every signature of
# that kind has. All of them are removed, so the rest of an address is the same after each signing.
_SIGNED: Final[Mapping[str, re.Pattern[str]]] = {
    "sig": re.compile(r"s[vsertip]|sig|s[rt]t|spr|sip|sks|skt|ske|skv|skoid|sktid|saoid|suoid|scid|sdd|ses"),
    "signature": re.compile(r"signature|expires|policy|key-pair-id|awsaccesskeyid|googleaccessid"),
    "x-amz-signature": re.compile(r"x-amz-.*"),
    "x-goog-signature": re.compile(r"x-goog-.*"),
}
_SECRET: Final = re.compile(
    r"(?:access_?|auth_?|id_?|sas_?|security_?)?token|x-amz-security-token|jwt|hmac|api_?key|passw(?:or)?d|pwd"
    r"|(?:client_?)?secret"
)


def file_name_of(url: str) -> str:
    """The last segment of an address's path, unquoted: the published file's name on most portals.

    At most 255 characters, control characters as U+FFFD; empty where the address has no such segment.
    """
    try:
        path = urlsplit(public_address(url)).path
    except ValueError:
        return ""
    return _CONTROL.sub("\ufffd", unquote(path.rsplit("/", 1)[-1]))[:MAX_NAME]


def host_of(url: str) -> str:
    """The host of an address in lower case, without its port; empty where it has none. Raises nothing."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def authority_of(url: str) -> str:
    """The host and port of an address in lower case, as written; empty where it has no host. Raises
    nothing."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def identity_of(chain: str, address: str, file_name: str) -> bytes:
    """The identity of an announced file: sha256 of chain, address without its signature, and file name."""
    text = (part.encode("utf-8", "surrogatepass") for part in (chain, address, file_name))
    return hashlib.sha256(_END.join((*text, b""))).digest()


def has_credentials(url: str) -> bool:
    """Whether an address has a user or a password before its host."""
    return _without_user_info(url) != url


def without_credentials(text: str) -> str:
    """A text in which `***@` replaces the user and password of each address.

    Addresses are found in plain text and in JSON with escaped "/" and "@". An address in a text ends at the
    first blank, so a password with a blank is not found; `public_address` finds it.

    >>> without_credentials("failed: https://user:secret@portal.example/PriceFull.gz")
    'failed: https://***@portal.example/PriceFull.gz'
    """
    return _QUOTED.sub(_with_user_info(REDACTED), text)


def public_address(url: str) -> str:
    """An address in the form that may be stored and shown: without user and password, and without query
    parameters that sign it or contain a token. The rest is unchanged. Raises nothing.

    >>> public_address("https://user:secret@portal.example/PriceFull.gz?sv=2024&sig=abc")
    'https://portal.example/PriceFull.gz'
    """
    if "?" not in url and "@" not in url and "\\" not in url:
        return url  # the common case: nothing to remove
    head, mark, query = _without_user_info(url).partition("?")
    query, hash_mark, fragment = query.partition("#")
    kept = _without_secrets(query)
    return f"{head}{mark if kept else ''}{kept}{hash_mark}{fragment}"


def _without_user_info(url: str) -> str:
    found = _ADDRESS.match(url)
    return url if found is None else _with_user_info("")(found)


def _with_user_info(new: str) -> Callable[[re.Match[str]], str]:
    """A replacement function for `_ADDRESS` and `_QUOTED`: replaces the user information after the slashes by
    `new`."""

    def replace(found: re.Match[str]) -> str:
        slashes, rest, mark = found[1], found[2], ""
        while present := _USER_INFO.match(rest) or _ODD_USER_INFO.match(rest):
            rest, mark = rest[present.end() :], new
        return f"{slashes}{mark}{rest}"

    return replace


def _without_secrets(query: str) -> str:
    """A query without its secret parameters. `&amp;`, as in HTML links, separates parameters like `&`."""
    parts = query.split("&")
    names = [unquote(part.partition("=")[0]).lower().removeprefix("amp;") for part in parts]
    secret = [_SECRET, *(pattern for key, pattern in _SIGNED.items() if key in names)]
    kept = [
        part
        for part, name in zip(parts, names, strict=True)
        if not any(pattern.fullmatch(name) for pattern in secret)
    ]
    return "&".join(kept)
