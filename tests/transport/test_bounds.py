"""Whatever a server sends, one answer ends: in time, in bounds, with our error."""

import gzip
import subprocess
import time
from contextlib import contextmanager
from threading import Event, Thread

import pytest

import braze_frames as bf

from ..servers import answer, raw, sent, serve, serve_raw

ID = "3bbc4555-8fa1-4c9b-a46e-48a8b1d9b5f1"
KEY = "made-up-key-1234"
GOOD = {"message": "success", "data": []}
WHOLE = raw()


def client_of(url, **options):
    """Connect to a server that sends what it likes."""
    return bf.BrazeClient(url, KEY, **options)


def ask(play, **options):
    """Ask once for a series; return what came and how many requests there were."""
    with serve_raw(play) as (url, heads), client_of(url, **options) as client:
        return client.series(ID, 1), len(heads)


def refused(play, **options):
    """Ask once for a series; return the error."""
    with serve_raw(play) as (url, _), client_of(url, **options) as client:
        with pytest.raises(bf.BrazeError) as caught:
            client.series(ID, 1)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


def dripping(connection, _number):
    """Send the head, then a byte at a time, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
    drip(connection)


def dripping_head(connection, _number):
    """Send headers a byte at a time, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    drip(connection)


def drip(connection):
    """Send a byte now and then until the client goes away."""
    late = Event()
    while not late.wait(0.02):
        connection.sendall(b" ")


@pytest.mark.parametrize("play", [dripping, dripping_head])
def test_an_answer_takes_ten_timeouts_at_most(play):
    error = refused(play, timeout=0.1)
    assert isinstance(error, bf.RequestError)
    assert "did not end within 1 s" in str(error)


def endless(status):
    """Return a play of a body without end."""

    def play(connection, _number):
        connection.sendall(f"HTTP/1.1 {status}\r\n\r\n[".encode())
        while True:
            connection.sendall(b" " * 2**20)

    return play


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "503 Busy", "302 Found"])
def test_a_body_without_end_is_refused_at_its_bound(status):
    error = refused(endless(status))
    assert isinstance(error, bf.RequestError)
    assert "larger than 256 MB" in str(error)


def test_a_bomb_is_not_unpacked_beyond_the_bound():
    parts = 20 * gzip.compress(bytes(2**24))
    bomb = raw("200 OK", parts, "Content-Encoding: gzip")
    assert len(bomb) < 2**20
    assert "larger than 256 MB" in str(refused(sent(bomb)))


def packed(body=b'{"message":"success","data":[]}', cut=0):
    """Return a gzip body, without its last bytes, whose length is told as sent."""
    whole = gzip.compress(body)
    part = whole[: len(whole) - cut]
    headers = ("Content-Encoding: gzip", f"Content-Length: {len(part)}")
    return raw("200 OK", part, *headers)


def test_packed_answers_are_unpacked_in_one_or_more_parts():
    one, other = b'{"message":"success",', b'"data":[]}'
    both = gzip.compress(one) + gzip.compress(other)
    for body in (packed(), raw("200 OK", both, "Content-Encoding: gzip")):
        assert ask(sent(body)) == (GOOD, 1)


@pytest.mark.parametrize("cut", [1, 8, 12, 25])
def test_a_packed_answer_that_was_cut_is_asked_again(cut):
    assert ask(sent(packed(cut=cut), WHOLE)) == (GOOD, 2)


@pytest.mark.parametrize("size", [0, 1, 20, 30])
def test_json_cut_where_no_length_is_told_is_asked_again(size):
    cut = raw("200 OK", b'{"message":"success","data":[]}'[:size], "X-Length: none")
    assert ask(sent(cut, WHOLE)) == (GOOD, 2)
    assert "cut off" in str(refused(sent(cut), retries=1))


@pytest.mark.parametrize("status", ["408 Timeout", "425 Too Early", "503 Busy"])
@pytest.mark.parametrize("after", ["soon", "-5", "", "1.5", "²", "0"])
def test_what_may_pass_is_asked_again_whatever_retry_after_says(status, after):
    busy = raw(status, b"{}", f"Retry-After: {after}", "Content-Length: 2")
    assert ask(sent(busy, WHOLE)) == (GOOD, 2)


def test_early_hints_are_skipped():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    hints += b"HTTP/1.1 102 Processing\r\n\r\n"
    assert ask(sent(hints + WHOLE)) == (GOOD, 1)


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("Location: /moved", b"GET /moved?campaign_id"),
        ("Location: /moved?length=1&page=2", b"&page=2"),
        ("X-Location: none", b"GET /campaigns/data_series?campaign_id"),
    ],
)
def test_a_redirect_keeps_the_parameters(location, asked):
    moved = raw("302 Found", b"{}", location, "Content-Length: 2")
    with serve_raw(sent(moved, WHOLE)) as (url, heads), client_of(url) as client:
        assert client.series(ID, 1) == GOOD
    assert asked in heads[1]
    assert f"campaign_id={ID}".encode() in heads[1]
    assert heads[1].count(b"length=1") == 1


@pytest.mark.parametrize(
    "location",
    ["http://[", "http://127.0.0.1:99999/", "//evil.example/", "https://127.0.0.1/"],
)
def test_a_redirect_to_an_odd_place_is_not_followed(location):
    moved = raw("302 Found", b"{}", f"Location: {location}", "Content-Length: 2")
    error = refused(sent(moved))
    assert isinstance(error, bf.RequestError)
    assert error.status == 302
    assert "redirects to" in str(error)


def test_a_redirect_to_bytes_that_are_no_text_is_asked_as_such():
    moved = raw("302 Found", b"{}", "Location: /\xe9\xff", "Content-Length: 2")
    gone = raw("404 Not Found", b'{"message":"Invalid URL"}')
    assert refused(sent(moved, gone)).status == 404


def limit(*headers, body=b"{}"):
    """Return a 429 with these headers."""
    return raw("429 Too Many", body, f"Content-Length: {len(body)}", *headers)


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_a_reset_in_smaller_units_is_read_as_such(unit):
    reset = f"X-RateLimit-Reset: {int((time.time() + 1) * unit)}"
    assert ask(sent(limit(reset), WHOLE)) == (GOOD, 2)
    late = f"X-RateLimit-Reset: {int((time.time() + 7200) * unit)}"
    error = refused(sent(limit(late)))
    assert isinstance(error, bf.RateLimitError)
    assert "UTC, in 7" in str(error)


@pytest.mark.parametrize(
    "header",
    [
        f"X-RateLimit-Reset: {'9' * 400}",
        "Retry-After: 1000000000000",
        f"Retry-After: {'9' * 400}",
        "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",
    ],
)
def test_a_limit_that_never_opens_is_that_requests_error(header):
    error = refused(sent(limit(header)))
    assert isinstance(error, bf.RateLimitError)
    assert error.status == 429


@pytest.mark.parametrize(
    "header",
    ["X-RateLimit-Reset: ²", "X-RateLimit-Reset: soon", "Retry-After: -1", "X-None: 1"],
)
def test_a_limit_that_does_not_say_when_it_opens_is_tried_again(header):
    assert ask(sent(limit(header), WHOLE)) == (GOOD, 2)


def test_a_date_that_overflows_is_as_if_not_given():
    odd = limit("Date: Mon, 01 Jan 0001 00:00:00 +2359", "X-RateLimit-Reset: 1")
    assert ask(sent(odd, WHOLE)) == (GOOD, 2)


ODD = {
    "no http": b"\x00\xff\xfe garbage\r\n\r\n",
    "status 999": raw("999 Odd"),
    "status 600": raw("600 Odd"),
    "status 204": raw("204 No Content", b""),
    "status 304": raw("304 Not Modified", b""),
    "status text": raw("abc Odd"),
    "switching": b"HTTP/1.1 101 Switching Protocols\r\n\r\nhello",
    "two lengths": raw("200 OK", b"{}", "Content-Length: 2", "Content-Length: 3"),
    "odd length": raw("200 OK", b"[1", "Content-Length: \xb2"),
    "unasked packing": raw("200 OK", b"{}", "Content-Encoding: br"),
    "no gzip": raw("200 OK", b"{{{{", "Content-Encoding: gzip"),
    "chunk": raw("200 OK", b"xyz\r\n{}\r\n", "Transfer-Encoding: chunked"),
    "many headers": raw("200 OK", b"{}", *(f"X-{n}: 1" for n in range(200))),
    "long header": raw("200 OK", b"{}", "X-Long: " + "a" * 70_000),
    "cookies": raw("200 OK", b"[]", "Set-Cookie: \xff=\xfe; Domain=;;=; Max-Age=\xb2"),
    "nested": raw("200 OK", b"[" * 100_000 + b"]" * 100_000),
    "utf-16": raw("200 OK", '{"data": []'.encode("utf-16")),
    "html": raw("403 Forbidden", b"<html>no</html>"),
    "errors": raw("400 Bad", b'{"errors": 5}'),
    "data": raw("200 OK", b'{"data": 5}'),
    "empty": raw("200 OK", b""),
    "hang up": b"",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_nothing_but_our_errors_leaves_the_client(odd):
    assert isinstance(refused(sent(odd), retries=0), bf.RequestError | bf.PayloadError)


@contextmanager
def account_with(odd, bad):
    """Serve good answers, and for one campaign an odd one."""

    def play(connection, number):
        connection.sendall(odd if bad.encode() in heads[number - 1] else WHOLE)

    with serve_raw(play) as (url, heads):
        yield url


@pytest.mark.parametrize(
    "odd",
    [
        *(ODD[name] for name in ("no http", "status 999", "no gzip", "errors")),
        limit(f"X-RateLimit-Reset: {'9' * 400}"),
        limit("Retry-After: 7200"),
        raw("302 Found", b"", "Location: http://["),
    ],
)
def test_one_odd_answer_among_twelve_leaves_eleven(odd):
    ids = [f"{n:08d}-8fa1-4c9b-a46e-48a8b1d9b5f1" for n in range(12)]
    jobs = [(id_, 1, "2026-06-30T23:59:59+00:00") for id_ in ids]
    with account_with(odd, ids[5]) as url, client_of(url, retries=0) as client:
        came = dict(client.fetch_series(jobs))
    failed = {n for n, body in came.items() if isinstance(body, bf.RequestError)}
    assert len(came) == 12
    assert failed == {5}


def test_a_limit_that_opens_too_late_is_believed_at_the_second_answer():
    jobs = [(ID, 1, "2026-06-30T23:59:59+00:00")] * 40
    late = answer(429, {}, headers={"Retry-After": "3000"})
    with serve(late) as (script, url), client_of(url, max_workers=2) as client:
        came = [outcome for _, outcome in client.fetch_series(jobs)]
    assert all(isinstance(outcome, bf.RateLimitError) for outcome in came)
    assert len(script.requests) <= 4


def test_details_are_asked_once_where_that_is_wanted():
    busy = answer(503)
    with serve(busy) as (script, url), client_of(url) as client:
        ((_, error),) = client.fetch_details([ID], once=True)
    assert error.status == 503
    assert len(script.requests) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for loopback, which nobody trusts."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    told = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {cert}"
    told += " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run(["openssl", *told.split()], check=True, capture_output=True)  # noqa: S603, S607
    return cert, key


@contextmanager
def serve_tls(certificate):
    """Serve a good answer over TLS."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def play(connection, _number):
        connection.sendall(WHOLE)

    with serve_raw(play, wrap=context.wrap_socket) as (url, _):
        yield url.replace("http://127.0.0.1", "https://localhost")


def test_a_certificate_is_refused_with_its_cause(certificate):
    with serve_tls(certificate) as url, client_of(url, retries=0) as client:
        with pytest.raises(bf.RequestError, match="not trusted: self.signed"):
            client.series(ID, 1)


def test_the_bundle_of_the_environment_holds_on_loopback(certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with serve_tls(certificate) as url, client_of(url) as client:
        assert client.series(ID, 1) == GOOD
        other = url.replace("localhost", "127.0.0.1")
        with client_of(other, retries=0) as wrong:
            with pytest.raises(bf.RequestError, match="127.0.0.1"):
                wrong.series(ID, 1)


def test_a_bundle_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with client_of("https://localhost:9", retries=0) as client:
        with pytest.raises(bf.RequestError, match="REQUESTS_CA_BUNDLE"):
            client.series(ID, 1)


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://[", "the proxy that the environment names has no address"),
        ("http://127.0.0.1:9", "the connection was refused|the proxy refused"),
    ],
)
def test_a_proxy_that_is_none_is_that_requests_error(monkeypatch, proxy, words):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with client_of("US-05", retries=0) as client:
        with pytest.raises(bf.RequestError, match=words):
            client.series(ID, 1)


def test_a_server_without_tls_is_told_as_such():
    with serve_raw(sent(WHOLE), head_first=False) as (url, _):
        secure = url.replace("http://", "https://")
        with client_of(secure, retries=0) as client:
            with pytest.raises(bf.RequestError, match="TLS"):
                client.series(ID, 1)


def test_a_closed_client_leaves_a_handshake_that_is_never_answered():
    asked, told = Event(), []

    def play(connection, _number):
        connection.recv(65536)
        asked.set()
        connection.recv(65536)

    def ask_once():
        with pytest.raises(bf.RequestError) as caught:
            client.series(ID, 1)
        told.append(str(caught.value))

    with serve_raw(play, head_first=False) as (url, _):
        client = client_of(url.replace("http://", "https://"))
        thread = Thread(target=ask_once)
        thread.start()
        assert asked.wait(30)
        client.close()
        thread.join(30)
    assert told == ["the client was closed before the answer came"]
