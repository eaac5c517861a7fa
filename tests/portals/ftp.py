"""A real FTP server with TLS, users and passive mode."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer


@contextlib.contextmanager
def ftp_server(
    users: Mapping[str, tuple[str, Path]],
    *,
    certificate: Path | None = None,
    masquerade: str | None = None,
    without: tuple[str, ...] = (),
) -> Iterator[int]:
    """Serves each user (password and folder); gives the port.

    With a certificate (PEM, key and chain) TLS is demanded, on both connections. `masquerade` is the address that
    passive answers name. `without` are commands that the server does not know.
    """
    authorizer = DummyAuthorizer()
    for user, (password, folder) in users.items():
        authorizer.add_user(user, password, str(folder), perm="elr")
    base = TLS_FTPHandler if certificate else FTPHandler
    settings: dict[str, object] = {
        "authorizer": authorizer,
        "banner": "ready",
        "auth_failed_timeout": 0,
        "masquerade_address": masquerade,
        "proto_cmds": {name: value for name, value in base.proto_cmds.items() if name not in without},
    }
    if certificate:
        settings |= {
            "certfile": str(certificate), "tls_control_required": True, "tls_data_required": True,
            "ssl_context": None,
        }  # fmt: skip
    handler = type("Handler", (base,), settings)
    # A loop of its own: several servers may run at once.
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            server.serve_forever(timeout=0.02, blocking=False, handle_exit=False)

    thread = threading.Thread(target=serve, name="ftp", daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        ended.set()
        thread.join()
        server.close_all()
