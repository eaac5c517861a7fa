"""Secrets: what is shown, what travels, and what is resolved where."""

from __future__ import annotations

import copy
import pickle
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from apache_beam.internal.cloudpickle import cloudpickle
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcTransport,
)

from gogobe.secrets import Secret, SecretError, decode_secret, redacted, reference_of, write_private

PLANTED = "planted-7f3a"


class Holder(msgspec.Struct):
    name: str
    password: Secret | None = None


def test_a_value_is_in_nothing_that_is_printed():
    secret = Secret.parse(PLANTED)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!s:>20}",
        repr(Holder("a", secret)),
    ]
    assert [text for text in shown if PLANTED in text] == []
    assert secret.reference is None
    assert secret.value() == PLANTED


@pytest.mark.parametrize("pickled", [pickle.dumps, cloudpickle.dumps])
def test_a_reference_travels_and_a_value_does_not(pickled: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLANTED", PLANTED)
    travelling = pickled(Holder("a", Secret("secret://env/PLANTED")))
    assert PLANTED.encode() not in travelling
    assert pickle.loads(travelling).password.value() == PLANTED
    with pytest.raises(SecretError, match="given as a value") as refused:
        pickled(Holder("a", Secret.parse(PLANTED)))
    assert PLANTED not in str(refused.value)


def test_a_value_can_be_copied_within_the_process():
    secret = Secret.parse(PLANTED)
    assert copy.deepcopy([secret]) == [copy.copy(secret)] == [Secret.of_value(PLANTED)]
    assert secret != Secret.parse("another")
    assert len({secret, Secret.parse(PLANTED), Secret("secret://env/A")}) == 2


def test_msgspec_needs_to_know_who_reads():
    value, reference = Holder("a", Secret.parse(PLANTED)), Holder("a", Secret("secret://env/A"))
    assert msgspec.json.encode(value, enc_hook=redacted) == b'{"name":"a","password":"***"}'
    assert msgspec.json.encode(reference, enc_hook=reference_of) == b'{"name":"a","password":"secret://env/A"}'
    with pytest.raises(SecretError, match="given as a value"):
        msgspec.json.encode(value, enc_hook=reference_of)
    with pytest.raises(TypeError):
        msgspec.json.encode(value)


def test_msgspec_decodes_a_reference_or_a_value_and_names_the_field_otherwise():
    decoded = msgspec.convert({"name": "a", "password": "secret://env/A"}, Holder, dec_hook=decode_secret)
    assert decoded.password == Secret("secret://env/A")
    assert msgspec.convert({"name": "a"}, Holder, dec_hook=decode_secret).password is None
    for wrong in (3, "", "secret://vault/x"):
        with pytest.raises(msgspec.ValidationError, match=r"\$\.password"):
            msgspec.convert({"name": "a", "password": wrong}, Holder, dec_hook=decode_secret)


@pytest.mark.parametrize("content", ["pass word", "pass word\n", "pass word\r\n"])
def test_a_file_s_last_line_end_is_no_part_of_it(tmp_path: Path, content: str):
    file = tmp_path / "secret"
    file.write_bytes(content.encode())
    secret = Secret.parse(f"secret://file{file}")
    assert secret.value() == "pass word"
    file.write_text("rotated")
    assert secret.value() == "rotated"


@pytest.mark.parametrize(
    "text", ["secret://", "secret://file", "secret://file/", "secret://vault/x", "secret:///x"]
)
def test_what_is_no_reference_is_refused_with_the_forms(text: str):
    with pytest.raises(SecretError, match=r"secret://file/PATH, secret://env/NAME"):
        Secret.parse(text)


def test_what_cannot_be_resolved_is_named_and_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PLANTED", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xffsecret")
    for reference, why in [
        ("secret://env/PLANTED", "PLANTED is not set"),
        (f"secret://file{tmp_path}/none", "No such file"),
        (f"secret://file{tmp_path}", "Is a directory"),
        (f"secret://file{tmp_path}/empty", "is empty"),
        (f"secret://file{tmp_path}/binary", r"not UTF-8\)$"),
    ]:
        with pytest.raises(SecretError, match=rf"^{reference}: .*{why}"):
            Secret(reference).value()


def test_a_value_is_kept_in_a_file_that_only_its_owner_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "new" / "password"
    kept = Secret.parse(PLANTED).kept_in(file)
    assert (kept.reference, kept.value()) == (f"secret://file{file}", PLANTED)
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    monkeypatch.setenv("PLANTED", "second")
    file.chmod(0o644)
    assert Secret("secret://env/PLANTED").kept_in(file).value() == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept.kept_in(tmp_path / "other") is kept
    assert [one.name for one in file.parent.iterdir()] == ["password"]


def test_a_private_file_is_not_written_through_another_s_link(tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_text("as before")
    (tmp_path / "secret.part").symlink_to(victim)
    write_private(tmp_path / "secret", PLANTED)
    assert victim.read_text() == "as before"


@pytest.fixture
def secret_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Google's own client against a server of the test's own that knows one secret."""

    def access(request: Any, context: grpc.ServicerContext) -> Any:
        if request.name != "projects/p/secrets/s/versions/latest":
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} not found")
        return secretmanager.AccessSecretVersionResponse(payload={"data": PLANTED.encode()})

    handler = grpc.unary_unary_rpc_method_handler(
        access,
        request_deserializer=secretmanager.AccessSecretVersionRequest.deserialize,
        response_serializer=secretmanager.AccessSecretVersionResponse.serialize,
    )
    service = "google.cloud.secretmanager.v1.SecretManagerService"
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    transport = SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel(f"127.0.0.1:{port}"))
    client = secretmanager.SecretManagerServiceClient
    monkeypatch.setattr(secretmanager, "SecretManagerServiceClient", lambda: client(transport=transport))
    yield
    server.stop(None)


@pytest.mark.usefixtures("secret_manager")
def test_google_s_secret_manager_is_asked():
    assert Secret("secret://gcp/projects/p/secrets/s/versions/latest").value() == PLANTED
    with pytest.raises(SecretError, match=r"^secret://gcp/projects/p/secrets/none/versions/1: .*not found"):
        Secret("secret://gcp/projects/p/secrets/none/versions/1").value()
