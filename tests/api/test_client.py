"""The client over the wire: what is sent, repeated, waited for and refused."""

import json
import signal
import socketserver
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Barrier, Event, Thread

import pandas as pd
import pytest

import braze_frames as bf

from ..servers import answer, serve

ID = "3bbc4555-8fa1-4c9b-a46e-48a8b1d9b5f1"
KEY = "made-up-key-1234"
GOOD = {"message": "success", "data": []}


def client_of(url, **options):
    """Connect to a scripted server."""
    return bf.BrazeClient(url, KEY, **options)


def limited(seconds, name="X-RateLimit-Reset", wait=None):
    """Answer 429 until some seconds from now."""
    now = datetime.now(UTC)
    reset = int(now.timestamp()) + seconds
    value = reset if name == "X-RateLimit-Reset" else seconds
    headers = {name: str(value), "Date": format_datetime(now, usegmt=True)}
    return answer(429, {"message": "limit"}, headers=headers, wait=wait)


@contextmanager
def serve_in_parts(*answers):
    """Serve bytes as they are; a connection stays open until the client leaves it."""
    left = list(answers)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            self.request.sendall(left.pop(0))
            self.request.recv(1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_key_and_parameters_are_sent_as_documented():
    with serve(answer()) as (script, url), client_of(url) as client:
        client.series(ID, 7, "2020-06-28T23:59:59-5:00")
    path, headers = script.requests[0]
    assert path.startswith("/campaigns/data_series?")
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert script.queries[0] == {
        "campaign_id": [ID],
        "length": ["7"],
        "ending_at": ["2020-06-28T23:59:59-05:00"],
    }


def test_a_plus_in_the_offset_arrives_as_a_plus():
    with serve(answer()) as (script, url), client_of(url) as client:
        client.series(ID, 1, "2026-06-28T23:59:59+02:00")
    assert "%2B02" in script.requests[0][0]


def test_the_reader_asks_for_the_end_of_the_day_in_the_companys_zone():
    body = {"data": [{"time": "2026-03-29", "messages": {}}]}
    with serve(answer(body=body)) as (script, url):
        with client_of(url, tz="Europe/Berlin") as client:
            bf.read_braze_series(
                ID, start="2026-03-29", end="2026-03-29", client=client
            )
    assert script.queries[0]["ending_at"] == ["2026-03-29T23:59:59+02:00"]
    assert script.queries[0]["length"] == ["1"]


@pytest.mark.parametrize(
    "bad", [answer(500), answer(501), answer(503), answer(520), answer(drop=True)]
)
def test_server_errors_and_dropped_connections_are_repeated(bad):
    with serve(bad, bad, answer()) as (script, url), client_of(url) as client:
        assert client.series(ID, 1) == GOOD
    assert len(script.requests) == 3


def test_a_body_that_was_cut_off_is_read_again():
    cut = answer(cut=True)
    with serve(cut, cut, answer()) as (script, url), client_of(url) as client:
        assert client.series(ID, 1) == GOOD
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n{{{{",
    ],
    ids=["stalled", "not gzip"],
)
def test_a_body_that_stalls_or_is_damaged_is_read_again(broken):
    whole = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":[]}'
    with serve_in_parts(broken, whole) as url:
        with client_of(url, timeout=0.5) as client:
            assert client.series(ID, 1) == {"data": []}


@pytest.mark.parametrize(
    "bad",
    [answer(502), answer(drop=True), answer(cut=True)],
    ids=["5xx", "drop", "cut"],
)
def test_repeats_are_bounded(bad):
    with serve(bad) as (script, url), client_of(url, retries=2) as client:
        with pytest.raises(bf.RequestError):
            client.series(ID, 1)
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (400, "Invalid Campaign ID", "Invalid Campaign ID.*API identifier"),
        (401, "Invalid API key", "instance.*quotes"),
        (403, "Forbidden", "campaigns.data_series"),
        (404, "Not Found", "REST host"),
        (418, "teapot", "teapot"),
    ],
)
def test_refusals_are_not_repeated_and_say_what_to_do(status, message, words):
    said = answer(status, {"message": message})
    with serve(said) as (script, url), client_of(url) as client:
        with pytest.raises(bf.RequestError, match=words) as caught:
            client.series(ID, 1)
    assert caught.value.status == status
    assert isinstance(caught.value, bf.AuthError) == (status in {401, 403})
    assert len(script.requests) == 1


def test_a_queued_answer_is_an_error():
    with (
        serve(answer(202, {"message": "queued"})) as (_, url),
        client_of(url) as client,
    ):
        with pytest.raises(bf.RequestError, match="queued.*nothing was exported"):
            client.series(ID, 1)
        with pytest.raises(bf.RequestError, match="queued"):
            bf.read_braze_series(ID, length=1, client=client)


def test_a_good_answer_without_data_is_an_error():
    with (
        serve(answer(body={"message": "success"})) as (_, url),
        client_of(url) as client,
    ):
        with pytest.raises(bf.PayloadError, match="data"):
            client.series(ID, 1)


def test_errors_in_a_good_answer_are_one_warning():
    body = {**GOOD, "errors": ["some days are late"]}
    with serve(answer(body=body)) as (_, url), client_of(url) as client:
        with pytest.warns(bf.PayloadWarning, match="some days are late") as caught:
            client.series(ID, 1)
    assert len(caught) == 1


def test_a_429_is_waited_for_and_uses_up_no_retry():
    with serve(limited(1), limited(1), answer()) as (script, url):
        with client_of(url, retries=0) as client:
            assert client.series(ID, 1) == GOOD
    assert len(script.requests) == 3


def test_a_429_gives_no_new_retries():
    bad = answer(500)
    with serve(bad, limited(1), bad, bad, bad) as (script, url):
        with client_of(url, retries=2) as client:
            with pytest.raises(bf.RequestError, match="500"):
                client.series(ID, 1)
    assert len(script.requests) == 4


def test_retry_after_goes_before_the_reset():
    with serve(limited(1, "Retry-After"), answer()) as (script, url):
        with client_of(url) as client:
            assert client.series(ID, 1) == GOOD
    assert len(script.requests) == 2


def test_the_reset_is_taken_by_the_servers_own_clock():
    past = datetime.now(UTC) - timedelta(days=300)
    headers = {
        "X-RateLimit-Reset": str(int(past.timestamp()) + 1),
        "Date": format_datetime(past, usegmt=True),
    }
    with serve(answer(429, headers=headers), answer()) as (script, url):
        with client_of(url) as client:
            assert client.series(ID, 1) == GOOD
    assert len(script.requests) == 2


def test_a_limit_that_opens_too_late_is_an_error_that_says_when():
    with serve(limited(3600)) as (script, url), client_of(url) as client:
        with pytest.raises(bf.RateLimitError, match=r"opens again at .* UTC") as caught:
            client.series(ID, 1)
    assert caught.value.status == 429
    assert len(script.requests) == 1


def test_all_threads_wait_at_one_gate():
    jobs = [(ID, 1, "2026-06-30T23:59:59+00:00")] * 40
    with serve(limited(2), answer()) as (script, url):
        with client_of(url, max_workers=8) as client:
            outcomes = [outcome for _, outcome in client.fetch_series(jobs)]
    assert len(outcomes) == 40
    assert all(isinstance(outcome, bytes) for outcome in outcomes)
    assert len(script.requests) == 41


def test_connections_are_used_again():
    jobs = [(ID, 1, "2026-06-30T23:59:59+00:00")] * 60
    with serve(answer()) as (script, url), client_of(url, max_workers=4) as client:
        list(client.fetch_series(jobs))
        list(client.fetch_series(jobs))
    assert len(script.requests) == 120
    assert script.connections <= 4


def test_a_refused_key_stops_what_was_not_yet_sent():
    jobs = [(ID, 1, "2026-06-30T23:59:59+00:00")] * 500
    with serve(answer(401)) as (script, url), client_of(url, max_workers=2) as client:
        with pytest.raises(bf.AuthError):
            list(client.fetch_series(jobs))
    assert len(script.requests) < 20


def test_the_key_is_not_sent_to_another_host():
    with serve(answer()) as (other, elsewhere):
        moved = answer(302, headers={"Location": f"{elsewhere}/campaigns/data_series"})
        with serve(moved) as (_, url), client_of(url) as client:
            with pytest.raises(bf.RequestError, match="redirects to"):
                client.series(ID, 1)
    assert other.requests == []


def test_a_redirect_on_the_same_host_is_followed():
    moved = answer(301, headers={"Location": "/elsewhere"})
    with serve(moved, answer()) as (script, url), client_of(url) as client:
        assert client.series(ID, 1) == GOOD
    assert script.requests[1][0].startswith("/elsewhere?")
    assert script.queries[1] == script.queries[0]  # facts/faults_2, row 7: not lost


def test_a_redirect_in_a_circle_ends():
    moved = answer(301, headers={"Location": "/again"})
    with serve(moved) as (script, url), client_of(url) as client:
        with pytest.raises(bf.RequestError, match="301"):
            client.series(ID, 1)
    assert len(script.requests) < 10


def test_no_proxy_is_asked_for_loopback(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serve(answer()) as (_, url), client_of(url) as client:
        assert client.series(ID, 1) == GOOD


def test_a_refused_connection_says_what_to_check():
    with serve(answer()) as (_, url):
        pass
    with client_of(url, retries=0) as client:
        with pytest.raises(bf.RequestError, match="did not answer.*host") as caught:
            client.series(ID, 1)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_late_answer_is_an_error():
    late = Event()
    with serve(answer(wait=late)) as (_, url):
        with client_of(url, retries=0, timeout=0.2) as client:
            with pytest.raises(bf.RequestError, match="no answer in time"):
                client.series(ID, 1)
        late.set()


@pytest.mark.parametrize("length", [0, 101, -1])
def test_lengths_that_the_api_refuses_are_not_sent(length):
    with serve(answer()) as (script, url), client_of(url) as client:
        with pytest.raises(ValueError, match="1 to 100"):
            client.series(ID, length)
    assert script.requests == []


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("507f1f77bcf86cd799439011", "24 hex digits"),
        (f" {ID}", "blanks around"),
        ("welcome", "no campaign id"),
    ],
)
def test_ids_that_are_none_are_not_sent(id_, words):
    with serve(answer()) as (script, url), client_of(url) as client:
        with pytest.raises(bf.SourceError, match=words):
            client.series(id_, 1)
    assert script.requests == []


def test_an_ending_that_is_no_moment_is_refused():
    with serve(answer()) as (_, url), client_of(url) as client:
        with pytest.raises(ValueError, match="no moment"):
            client.series(ID, 1, "yesterday")


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("US-05", "https://rest.iad-05.braze.com"),
        ("us-10", "https://rest.us-10.braze.com"),
        ("EU-01", "https://rest.fra-01.braze.eu"),
        ("AU-01", "https://rest.au-01.braze.com"),
        ("ID-01", "https://rest.id-01.braze.com"),
        ("JP-01", "https://rest.jp-01.braze.com"),
        ("kr-01", "https://rest.kr-01.braze.com"),
        ("rest.iad-03.braze.com", "https://rest.iad-03.braze.com"),
        ("https://rest.iad-03.braze.com/", "https://rest.iad-03.braze.com"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_instances_hosts_and_urls_are_endpoints(endpoint, url):
    assert bf.connect(endpoint, KEY).url == url


@pytest.mark.parametrize("endpoint", ["US5", "braze", "", None, "US-"])
def test_other_endpoints_are_refused_with_both_ways_to_set_one(endpoint):
    ways = r'bf.connect\("US-05"\).*BRAZE_REST_ENDPOINT.*"sandbox"'
    with pytest.raises(bf.ConfigError, match=ways):
        bf.connect(endpoint, KEY)


@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_a_foreign_host_is_asked_by_https_only(scheme):
    with pytest.raises(bf.ConfigError, match="use https"):
        bf.connect(f"{scheme}://rest.iad-01.braze.com", KEY)


def test_a_time_zone_that_is_none_is_refused():
    with pytest.raises(bf.ConfigError, match="Mars/Base"):
        bf.connect("US-05", KEY, tz="Mars/Base")


def test_arguments_go_before_the_environment(monkeypatch):
    monkeypatch.setenv("BRAZE_REST_ENDPOINT", "EU-01")
    monkeypatch.setenv("BRAZE_API_KEY", KEY)
    monkeypatch.setenv("BRAZE_TZ", "Asia/Tokyo")
    assert bf.connect().url == "https://rest.fra-01.braze.eu"
    assert bf.connect().tz == "Asia/Tokyo"
    assert bf.connect("US-01", tz="UTC").url == "https://rest.iad-01.braze.com"
    assert bf.connect("US-01", tz="UTC").tz == "UTC"


def test_campaigns_come_from_all_pages_with_their_types():
    rows = [
        {
            "id": f"{n:08d}-8fa1-4c9b-a46e-48a8b1d9b5f1",
            "name": f"Campaign {n}",
            "tags": ["even"] if n % 2 == 0 else [],
            "last_edited": "2026-01-02T03:04:05+00:00",
            "is_api_campaign": False,
        }
        for n in range(150)
    ]
    pages = [answer(body={"campaigns": page}) for page in (rows[:100], rows[100:], [])]
    with serve(*pages) as (script, url), client_of(url) as client:
        table = client.campaigns()
    assert [query["page"] for query in script.queries] == [["0"], ["1"], ["2"]]
    assert "last_edit.time[gt]" not in script.queries[0]
    assert len(table) == 150
    assert str(table["last_edited"].dtype) == "datetime64[us, UTC]"


def test_campaigns_without_a_name_or_tags_and_with_fractions_of_seconds_are_listed():
    rows = [
        {"id": ID, "name": "One", "tags": ["a"], "last_edited": "2026-01-02T03:04:05Z"},
        {"id": ID, "name": None, "tags": None, "last_edited": "2026-01-02T03:04:05.6Z"},
    ]
    pages = [answer(body={"campaigns": page}) for page in (rows, [])]
    for options, found in (({}, 2), ({"name": "one"}, 1), ({"tag": "a"}, 1)):
        with serve(*pages) as (_, url), client_of(url) as client:
            assert len(client.campaigns(**options)) == found


def test_campaigns_are_chosen_by_name_tag_and_edit(sandbox, client):
    assert client.campaigns(name="welcome")["name"].tolist() == ["Welcome Email"]
    assert all("test" in tags for tags in client.campaigns(tag="test")["tags"])
    everything = client.campaigns(archived=True)
    assert len(everything) > len(client.campaigns())
    late = client.campaigns(edited_since="2026-06-01")
    assert (late["last_edited"] > pd.Timestamp("2026-06-01", tz="UTC")).all()
    assert 0 < len(late) < len(everything)


def test_details_are_the_decoded_answer(sandbox, client):
    details = client.details(sandbox.campaigns["Basket Reminder: Subject Test"])
    names = {message["name"] for message in details["messages"].values()}
    assert "10% Off Your Basket" in names


def test_the_sandbox_is_shared_and_has_its_own_clock():
    one, other = bf.connect("sandbox"), bf.connect("sandbox")
    assert one.url == other.url
    assert str(one.today()) == "2026-06-30"


def test_a_closed_client_repeats_no_request():
    told = []

    def ask():
        with pytest.raises(bf.RequestError) as caught:
            client.series(ID, 1)
        told.append(str(caught.value))

    with serve(limited(600)) as (script, url), client_of(url) as client:
        thread = Thread(target=ask)
        thread.start()
        while not script.requests:
            thread.join(0.01)
        client.close()
        thread.join(30)
    assert told == ["the client was closed before the answer came"]
    assert len(script.requests) == 1


def test_an_interrupted_program_does_not_wait_for_the_limit():
    program = (
        "import sys, braze_frames as bf\n"
        f"client = bf.BrazeClient(sys.argv[1], {KEY!r})\n"
        f"bf.read_braze_series([{ID!r}], length=1, client=client)\n"
    )
    asked = Barrier(2)
    with serve(limited(600, wait=asked)) as (_, url):
        run = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", program, url], stderr=subprocess.PIPE, text=True
        )
        with run:
            asked.wait(30)
            run.send_signal(signal.SIGINT)
            try:
                told = run.communicate(timeout=60)[1]
            finally:
                run.kill()
    assert told.strip().endswith("KeyboardInterrupt")


def test_a_closed_client_can_ask_again():
    with serve(answer()) as (_, url), client_of(url) as client:
        client.series(ID, 1)
        client.close()
        assert client.series(ID, 1) == GOOD


def test_many_threads_may_use_one_client():
    found = []
    with serve(answer()) as (_, url), client_of(url) as client:
        threads = [
            Thread(target=lambda: found.append(client.series(ID, 1))) for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [json.dumps(one) for one in found] == [json.dumps(GOOD)] * 16
