"""Fetching against real servers that misbehave as portals do, and as attackers would."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gzip
import hashlib
import random
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gogobe.io.access import Access
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import Fetched, FetchError, FetchSettings
from gogobe.io.networks import AllowedHosts
from tests.portals import Portal, Request, Response, certificate, portal, raw_portal

BODY = gzip.compress(random.Random(1).randbytes(10_000))
PAGE = b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>login</html>"
LOOPBACK = AllowedHosts.parse("127.0.0.0/8, ::1")
QUICK = FetchSettings(
    attempts=3,
    backoff=0.001,
    connect_timeout=60,
    read_timeout=60,
    deadline=120,
    total=240,
    max_bytes=50_000,
    allowed=LOOPBACK,
)


def answer(request: Request) -> Response:
    """By path; `/flaky` fails twice, then gives the file."""
    if request.path == "/flaky" and request.number < 3:
        return Response(500)
    answers = {
        "/gzip": Response(body=BODY, headers={"Content-Encoding": "gzip"}),
        "/gone": Response(404, b"no"),
        "/login": Response(body=PAGE),
        "/login-drop-by-drop": Response(body=PAGE, pause=0.002),
        "/drop-by-drop": Response(body=BODY, pause=0.02),
        "/short": Response(body=BODY[:100], length=len(BODY)),
        "/empty": Response(),
        "/huge": Response(body=b"x" * 60_000),
        "/broken": Response(503, b"x" * 100_000),
        "/busy": Response(429),
        "/teapot": Response(418, b"short"),
        "/moved-nowhere": Response(302),
        "/loop": Response(302, headers={"Location": "/loop"}),
        "/relative": Response(302, b"x" * 100_000, headers={"Location": "a/../file.gz?x=1 2"}),
        "/cookie": Response(302, headers={"Location": "/with-cookie", "Set-Cookie": "a=b"}),
    }
    if request.path == "/with-cookie" and request.headers.get("Cookie") != "a=b":
        return Response(403)
    return answers.get(request.path, Response(body=BODY))


@pytest.fixture(scope="module")
def served() -> Iterator[Portal]:
    with portal(answer) as running:
        yield running


def get(url: str, folder: Path, settings: FetchSettings = QUICK) -> Fetched:
    """Fetches into `folder / "file"`."""
    fetcher = Fetcher(settings)
    try:
        return fetcher.fetch(url, folder / "file")
    finally:
        fetcher.close()


def refused(url: str, folder: Path, settings: FetchSettings = QUICK) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(url, folder, settings)
    return caught.value


@pytest.mark.parametrize("path", ["/file.gz", "/flaky", "/gzip", "/cookie"])
def test_the_raw_bytes_come_whole(served: Portal, tmp_path: Path, path: str):
    fetched = get(served.url + path, tmp_path)
    assert (tmp_path / "file").read_bytes() == BODY
    assert fetched == Fetched(len(BODY), hashlib.sha256(BODY).hexdigest())


def test_the_body_is_asked_for_as_it_is(served: Portal, tmp_path: Path):
    get(f"{served.url}/asked", tmp_path, dataclasses.replace(QUICK, headers={"User-Agent": "Mozilla/5.0"}))
    (request,) = [one for one in served.requests if one.path == "/asked"]
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"] == "Mozilla/5.0"
    assert request.headers["Host"] == served.host


@pytest.mark.parametrize(
    ("path", "reason", "attempts"),
    [
        ("/gone", "not_found", 1),
        ("/login", "html_page", 1),
        ("/login-drop-by-drop", "html_page", 1),
        ("/empty", "empty_body", 1),
        ("/huge", "too_large", 1),
        ("/teapot", "http_status", 1),
        ("/moved-nowhere", "http_status", 1),
        ("/loop", "too_many_redirects", 1),
        ("/short", "short_body", 3),
        ("/broken", "server_error", 3),
        ("/busy", "server_error", 3),
    ],
)
def test_what_cannot_be_had_says_why(served: Portal, tmp_path: Path, path: str, reason: str, attempts: int):
    error = refused(served.url + path, tmp_path)
    assert (error.reason, error.attempts, error.transient) == (reason, attempts, attempts == 3)
    assert served.url + path in str(error)


def test_redirects_are_bounded(served: Portal, tmp_path: Path):
    before = served.paths.count("/loop")
    refused(f"{served.url}/loop", tmp_path, dataclasses.replace(QUICK, max_redirects=3))
    assert served.paths.count("/loop") - before == 4


def test_a_redirect_is_followed_as_a_browser_would(served: Portal, tmp_path: Path):
    get(f"{served.url}/relative", tmp_path)
    assert served.paths[-1] == "/file.gz?x=1%202"
    get(f"{served.url}/א ב.gz#part", tmp_path)
    assert served.paths[-1] == "/%D7%90%20%D7%91.gz"


def test_a_connection_is_used_again(served: Portal, tmp_path: Path):
    fetcher = Fetcher(QUICK)
    for _ in range(3):
        fetcher.fetch(f"{served.url}/again", tmp_path / "file")
    assert len({one.connection for one in served.requests if one.path == "/again"}) == 1
    fetcher.close()


def test_cookies_end_with_their_file(served: Portal, tmp_path: Path):
    fetcher = Fetcher(QUICK)
    fetcher.fetch(f"{served.url}/cookie", tmp_path / "file")
    fetcher.fetch(f"{served.url}/plain", tmp_path / "file")
    fetcher.close()
    assert served.requests[-1].path == "/plain"
    assert "Cookie" not in served.requests[-1].headers


def test_threads_share_a_client(served: Portal, tmp_path: Path):
    fetcher = Fetcher(QUICK)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            for _ in range(10):
                fetcher.fetch(f"{served.url}/file", tmp_path / f"{number}")
        except FetchError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {(tmp_path / f"{number}").read_bytes() for number in range(4)} == {BODY}
    fetcher.close()


# How long it may take


def given_up(url: str, folder: Path, settings: FetchSettings) -> FetchError:
    """The error of a download whose request was sent. A machine under load may take longer than the deadline to
    send it; the download is then repeated."""
    while (error := refused(url, folder, settings)).reason == "unreachable":
        pass
    return error


def spoken_slowly(text: bytes, pause: float) -> Callable[[socketserver.BaseRequestHandler], None]:
    def speak(handler: socketserver.BaseRequestHandler) -> None:
        handler.request.recv(1 << 16)
        for byte in text:
            handler.request.sendall(bytes([byte]))
            time.sleep(pause)
        time.sleep(30)

    return speak


def silent(handler: socketserver.BaseRequestHandler) -> None:
    time.sleep(30)


HURRIED = dataclasses.replace(QUICK, attempts=2, deadline=0.3)


def test_a_body_that_comes_drop_by_drop_is_given_up(served: Portal, tmp_path: Path):
    """No single read takes long enough to run into the read timeout."""
    error = given_up(f"{served.url}/drop-by-drop", tmp_path, HURRIED)
    assert (error.reason, error.transient, error.attempts) == ("too_slow", True, 2)
    assert "fetch_deadline" in str(error)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 1000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1" + b"0" * 10_000,
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 10000\r\n\r\n" + b"x" * 10_000,
    ],
)
def test_an_answer_that_never_ends_is_given_up(tmp_path: Path, text: bytes):
    with raw_portal(spoken_slowly(text, 0.01)) as host:
        error = given_up(f"http://{host}/x.gz", tmp_path, HURRIED)
    assert (error.reason, error.attempts) == ("too_slow", 2)


@pytest.mark.timeout(60)
def test_redirects_share_one_deadline(tmp_path: Path):
    def slowly(request: Request) -> Response:
        time.sleep(0.1)
        return Response(302, headers={"Location": f"/{request.number}{request.path}"})

    patient = dataclasses.replace(HURRIED, max_redirects=1000)
    with portal(slowly) as running:
        error = given_up(f"{running.url}/x", tmp_path, patient)
    assert (error.reason, error.attempts) == ("too_slow", 2)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_portal_that_says_nothing_is_given_up(tmp_path: Path, scheme: str):
    """For https this is the handshake."""
    give_up = given_up if scheme == "http" else refused
    with raw_portal(silent) as host:
        error = give_up(f"{scheme}://{host}/x.gz", tmp_path, HURRIED)
    assert (error.reason, error.attempts) == ("too_slow" if scheme == "http" else "unreachable", 2)


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_body_that_stops_is_given_up(tmp_path: Path):
    text = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
    with raw_portal(spoken_slowly(text, 0)) as host:
        settings = dataclasses.replace(QUICK, attempts=1, read_timeout=1, deadline=50)
        error = refused(f"http://{host}/x.gz", tmp_path, settings)
    assert error.reason == "too_slow"


def test_all_attempts_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On a clock that only the attempts and the pauses move: each attempt takes all of its time."""
    clock = SimpleNamespace(now=1000.0)

    def pass_until(moment: float) -> None:
        clock.now = max(clock.now, moment)

    def attempt(
        _fetcher: Fetcher, _url: str, _target: Path, _access: Access, until: float, _cancelled: object
    ) -> None:
        pass_until(until)
        raise FetchError("too_slow", "no end", transient=True)

    time_of_fetches = SimpleNamespace(
        monotonic=lambda: clock.now, sleep=lambda seconds: pass_until(clock.now + seconds)
    )
    monkeypatch.setattr("gogobe.io.fetch.time", time_of_fetches)
    monkeypatch.setattr(Fetcher, "_fetch_once", attempt)
    error = refused(
        "http://portal/x.gz", tmp_path, dataclasses.replace(QUICK, attempts=1000, deadline=10, total=45)
    )
    assert (error.reason, error.attempts) == ("too_slow", 5)
    assert clock.now == 1045.0


@pytest.mark.timeout(60)
def test_no_attempt_lasts_longer_than_all_together_may(tmp_path: Path):
    with raw_portal(silent) as host:
        error = given_up(f"http://{host}/x.gz", tmp_path, dataclasses.replace(QUICK, total=0.3))
    assert (error.reason, error.attempts) == ("too_slow", 1)


def test_a_portal_that_is_not_there(tmp_path: Path):
    for url in ("http://127.0.0.1:9/file.gz", "https://portal.invalid/file.gz"):
        error = refused(url, tmp_path, dataclasses.replace(QUICK, connect_timeout=2))
        assert (error.reason, error.attempts, error.transient) == ("unreachable", 3, True)


@pytest.mark.parametrize(
    "text", [b"garbage\r\n\r\n", b"\x16\x03\x01", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 400_000]
)
def test_what_is_no_answer_of_http(tmp_path: Path, text: bytes):
    def speak(handler: socketserver.BaseRequestHandler) -> None:
        handler.request.recv(1 << 16)
        handler.request.sendall(text)
        handler.request.shutdown(socket.SHUT_WR)
        handler.request.recv(1)

    with raw_portal(speak) as host:
        assert refused(f"http://{host}/x.gz", tmp_path).reason == "bad_response"


def test_a_disk_that_is_full_is_no_fault_of_the_file(served: Portal, tmp_path: Path):
    full = tmp_path / "file"
    full.symlink_to("/dev/full")
    settings = dataclasses.replace(QUICK, max_bytes=1 << 30)
    with (
        portal(lambda _: Response(body=bytes(5 << 20))) as running,
        pytest.raises(OSError, match="space") as raised,
    ):
        get(f"{running.url}/x", tmp_path, settings)
    assert raised.value.errno == errno.ENOSPC


# Where it may go


@pytest.mark.parametrize(
    "url",
    [
        "ftp://portal/",
        "sftp://portal/file.gz",
        "gopher://127.0.0.1/x",
        "nonsense",
        "",
        "http:///x",
        "http://[bad/a.gz",
        "http://portal:0/x",
        "http://portal:99999/x",
        "http://portal:x/x",
        "http://por tal/x",
        "http://portal\\@127.0.0.1/x",
        "http://%31%32%37.0.0.1/x",
        "http://x..y/x",
        f"http://{'x' * 64}.example/x",
        "//127.0.0.1/x",
    ],
)
def test_other_addresses_are_not_fetched(tmp_path: Path, url: str):
    assert refused(url, tmp_path).reason in ("unsupported_url", "credentials_in_url")


def test_an_address_with_credentials_is_refused_and_not_shown(served: Portal, tmp_path: Path):
    before = len(served.requests)
    error = refused(f"http://user:S3cr3t@{served.host}/x.gz", tmp_path)
    assert error.reason == "credentials_in_url"
    assert "S3cr3t" not in str(error)
    assert served.host in str(error)
    assert len(served.requests) == before


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "0.0.0.0", "0", "[::1]",
     "[::ffff:127.0.0.1]", "[::]", "[0:0:0:0:0:ffff:7f00:1]", "１２７.0.0.1", "127。0。0。1"],
)  # fmt: skip
def test_this_machine_is_not_asked_unless_allowed(served: Portal, tmp_path: Path, host: str):
    before = len(served.requests)
    port = served.host.partition(":")[2]
    error = refused(
        f"http://{host}:{port}/file.gz", tmp_path, dataclasses.replace(QUICK, allowed=AllowedHosts())
    )
    assert error.reason == "forbidden_address"
    assert error.attempts == 1
    assert "fetch_hosts" in str(error)
    assert len(served.requests) == before


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "169.254.169.254", "192.168.0.1", "[fe80::1]", "[64:ff9b::7f00:1]"]
)
def test_no_private_address_is_asked(tmp_path: Path, address: str):
    assert refused(f"http://{address}/x.gz", tmp_path).reason == "forbidden_address"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_checked_again(tmp_path: Path, code: int):
    with (
        portal(lambda _: Response(body=b"jobmanager.rpc.address: 127.0.0.1")) as private,
        portal(lambda _: Response(code, headers={"Location": f"{private.url}/config"})) as public,
    ):
        settings = dataclasses.replace(QUICK, allowed=AllowedHosts.parse(public.host))
        error = refused(f"{public.url}/Price1.gz", tmp_path, settings)
        assert error.reason == "forbidden_address"
        assert private.url in str(error)
        assert private.requests == []
        everything = dataclasses.replace(QUICK, allowed=AllowedHosts.parse(f"{public.host} {private.host}"))
        assert get(f"{public.url}/Price1.gz", tmp_path, everything).size > 0


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "unsupported_url"),
        ("ftp://127.0.0.1/x", "unsupported_url"),
        ("http://[bad/a.gz", "unsupported_url"),
        ("http://user:S3cr3t@127.0.0.1/x", "credentials_in_url"),
        ("//user:S3cr3t@127.0.0.1/x", "credentials_in_url"),
        ("http://localhost:1/x", "forbidden_address"),
    ],
)
def test_a_redirect_to_what_is_not_fetched(tmp_path: Path, location: str, reason: str):
    with portal(lambda _: Response(302, headers={"Location": location})) as running:
        settings = dataclasses.replace(QUICK, allowed=AllowedHosts.parse(running.host))
        error = refused(f"{running.url}/x.gz?sig=S1gned", tmp_path, settings)
    assert error.reason == reason
    assert "S3cr3t" not in str(error)
    assert "S1gned" not in str(error)


def test_a_proxy_of_the_environment_is_not_used(
    served: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with portal(lambda _: Response(body=b"from the proxy")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.replace("//", "//user:S3cr3t@"))
        get(f"{served.url}/file.gz", tmp_path)
        assert refused("http://169.254.169.254/", tmp_path).reason == "forbidden_address"
        assert proxy.requests == []
    assert f"proxy {proxy.url} is not used" in caplog.text
    assert "S3cr3t" not in caplog.text


# TLS


def test_the_certificate_is_the_name_s_and_not_the_address_s(tmp_path: Path):
    names = certificate(tmp_path, "localhost")
    settings = dataclasses.replace(QUICK, ca_file=str(names.file))
    with portal(answer, "localhost", names.tls) as running:
        assert get(f"{running.url}/file.gz", tmp_path, settings).size == len(BODY)
        assert running.requests[-1].headers["Host"] == running.host
        other = running.url.replace("localhost", "127.0.0.1")
        assert refused(f"{other}/file.gz", tmp_path, settings).reason == "bad_certificate"
        error = refused(f"{running.url}/file.gz", tmp_path)  # not among the usual certificates
        assert (error.reason, error.attempts) == ("bad_certificate", 1)


def test_a_redirect_leaves_https_only_where_that_is_allowed(served: Portal, tmp_path: Path):
    names = certificate(tmp_path, "127.0.0.1")
    settings = dataclasses.replace(QUICK, ca_file=str(names.file))
    with portal(lambda _: Response(302, headers={"Location": f"{served.url}/plain"}), tls=names.tls) as secure:
        before = len(served.requests)
        error = refused(f"{secure.url}/x.gz", tmp_path, settings)
        assert error.reason == "insecure_redirect"
        assert "fetch_insecure_redirects" in str(error)
        assert len(served.requests) == before
        allowed = dataclasses.replace(settings, insecure_redirects=True)
        assert get(f"{secure.url}/x.gz", tmp_path, allowed).size == len(BODY)


def test_a_file_of_certificates_that_is_not_there_is_ours(tmp_path: Path):
    with raw_portal(silent) as host, contextlib.ExitStack() as stack:
        stack.enter_context(pytest.raises(OSError, match="certificate"))
        get(f"https://{host}/x", tmp_path, dataclasses.replace(QUICK, ca_file=str(tmp_path / "none.pem")))
