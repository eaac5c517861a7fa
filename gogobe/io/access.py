"""The settings for requests to a chain's portal: hosts, login, headers, proxy, certificates."""

from __future__ import annotations

from dataclasses import dataclass

from gogobe.chains.portal import PortalSettings
from gogobe.io.fetching import FetchError
from gogobe.secrets import Secret, SecretError


@dataclass(frozen=True)
class Access:
    """The settings of a chain and its portal for requests.

    `hosts` are the allowed hosts of its files and redirects, in addition to the setting `fetch_hosts`; None:
    any host. `url` is the portal's address, `user` and `password` its login. Secrets remain references until
    they are used.
    """

    hosts: frozenset[str] | None = None
    engine: str = ""
    url: str = ""
    user: str = ""
    password: Secret | None = None
    headers: tuple[tuple[str, str], ...] = ()
    proxy: Secret | None = None
    verify_tls: bool = True
    ca_file: str = ""

    @classmethod
    def of(cls, hosts: frozenset[str], portal: PortalSettings | None) -> Access:
        """The access of a chain with these hosts to one of its portals."""
        if portal is None:
            return cls(hosts)
        return cls(
            hosts,
            portal.engine,
            portal.url,
            portal.user,
            portal.password,
            tuple(portal.headers.items()),
            portal.proxy,
            portal.verify_tls,
            portal.ca_file,
        )

    def password_value(self) -> str:
        """The password; empty without one. Raises FetchError (`no_secret`)."""
        return _value_of(self.password, "password")

    def proxy_value(self) -> str:
        """The address of the proxy; empty without one. Raises FetchError (`no_secret`)."""
        return _value_of(self.proxy, "proxy")


def _value_of(secret: Secret | None, name: str) -> str:
    try:
        return "" if secret is None else secret.value()
    except SecretError as error:
        # This affects one portal only, so it is no outage, for which all others would wait.
        raise FetchError("no_secret", f"{name} of the portal: {error}", transient=True) from error
