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
    body = {"data": [{"time": "2026-03-29", "messages": {"email": [{"sent": 1}]}}]}
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
        (400, "Invalid value for ending_at", "check what was asked"),
        (403, "Forbidden", "campaigns.data_series"),
        (403, "Access Denied: no permission", "campaigns.data_series"),
        (403, "Your IP may not access this", "IP allow-list.*proxy.*server-side"),
        (403, "This key is for server-side use", "IP allow-list.*server-side"),
        (403, "", "IP allow-list.*proxy"),
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


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": ["no such campaign", 5]}, "no such campaign; 5"),
        ({"errors": {"campaign_id": "is odd"}}, "campaign_id.*is odd"),
        ({"error": "boom"}, "boom"),
        ({"errors": 5}, "400 for .*: 5;"),
        ({"message": {"text": "nested"}, "errors": True}, "nested.*True"),
        ([], "gave no reason"),
    ],
)
def test_a_refusal_shows_message_error_and_errors(body, words):
    with serve(answer(400, body)) as (_, url), client_of(url) as client:
        with pytest.raises(bf.RequestError, match=words):
            client.series(ID, 1)


@pytest.mark.parametrize("status", [200, 400, 403])
def test_no_message_quotes_more_than_200_characters(status):
    body = {"message": "m" * 5000, "errors": ["e" * 3000] * 30}
    with serve(answer(status, body)) as (_, url), client_of(url) as client:
        with pytest.raises(bf.BrazeError) as caught:
            client.series(ID, 1)
        with pytest.raises(bf.BrazeError):
            client.details(ID)
    assert len(str(caught.value)) < 450
    with serve(answer(200, {**body, "data": []})) as (_, url), client_of(url) as client:
        with pytest.warns(bf.PayloadWarning) as warned:
            client.series(ID, 1)
    assert len(str(warned[0].message)) < 300


def test_control_characters_of_a_server_are_shown_by_repr():
    said = answer(418, {"message": "\x1b[31mred\x00 \u202eback\nnext"})
    with serve(said) as (_, url), client_of(url) as client:
        with pytest.raises(bf.RequestError) as caught:
            client.series(ID, 1)
    assert str(caught.value).isprintable()
    assert r"\x1b[31mred\x00 \u202eback\nnext" in str(caught.value)


def test_control_characters_of_a_campaigns_name_are_shown_by_repr():
    with serve(answer(500)) as (_, url), client_of(url, retries=0) as client:
        with pytest.raises(bf.PullError) as caught:
            bf.read_braze_series({"\x1b[2JSale": ID}, length=1, client=client)
    assert str(caught.value).isprintable()
    assert r"\x1b[2JSale" in str(caught.value)


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


@pytest.mark.parametrize(
    ("pasted", "instance", "host"),
    [
        ("https://dashboard-05.braze.com", "US-05", "rest.iad-05.braze.com"),
        ("dashboard-05.braze.com/sign_in?x=1", "US-05", "rest.iad-05.braze.com"),
        ("dashboard-01.braze.eu", "EU-01", "rest.fra-01.braze.eu"),
        ("https://dashboard.us-10.braze.com", "US-10", "rest.us-10.braze.com"),
        ("dashboard.au-01.braze.com", "AU-01", "rest.au-01.braze.com"),
        ("sdk.iad-05.braze.com", "US-05", "rest.iad-05.braze.com"),
        ("sdk.fra-02.braze.eu", "EU-02", "rest.fra-02.braze.eu"),
        ("sdk.us-10.braze.com", "US-10", "rest.us-10.braze.com"),
        ("sdk.id-01.braze.com", "ID-01", "rest.id-01.braze.com"),
        ("US10", "US-10", "rest.us-10.braze.com"),
        ("us5", "US-05", "rest.iad-05.braze.com"),
        ("US-5", "US-05", "rest.iad-05.braze.com"),
        ("iad-05", "US-05", "rest.iad-05.braze.com"),
        ("fra 01", "EU-01", "rest.fra-01.braze.eu"),
        ("dashboard-05", "US-05", "rest.iad-05.braze.com"),
        ("rest.iad-05", "US-05", "rest.iad-05.braze.com"),
        ("us\u201105", "US-05", "rest.iad-05.braze.com"),
        ("'EU-02'", "EU-02", "rest.fra-02.braze.eu"),
    ],
)
def test_a_pasted_address_is_refused_with_the_rest_host_it_means(
    pasted, instance, host
):
    with pytest.raises(bf.ConfigError) as caught:
        bf.connect(pasted, KEY)
    assert host in str(caught.value)
    assert f'bf.connect("{instance}")' in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://rest.iad-05.braze.com/campaigns/data_series",
        "https://rest.iad-05.braze.com/campaigns/data_series?campaign_id=x",
        "rest.iad-05.braze.com/v1",
        "https://rest.iad-05.braze.com#frag",
        "https://rest.iad-05.braze.com?x=1",
        "https://user:pass@rest.iad-05.braze.com",
    ],
)
def test_an_endpoint_with_more_than_a_host_names_the_host(endpoint):
    with pytest.raises(bf.ConfigError, match="pass only 'rest.iad-05.braze.com'"):
        bf.connect(endpoint, KEY)


def test_a_gateway_may_have_a_path_of_its_own():
    url = "https://gateway.example.com/braze"
    assert bf.connect(f"{url}/", KEY).url == url
    with pytest.raises(bf.ConfigError, match="more than a host"):
        bf.connect(f"{url}/campaigns/list", KEY)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://host.com:99999",
        "https://host.com:0",
        "https://host.com:x",
        "https://ho st.com",
        "https://a..b",
        "https://.host.com",
        "https://host.com\\evil",
        "https://[::1",
        "http://[",
        "https://ho\x00st.com",
        "https://-a.com",
        "https://",
        "\u0665\u0665",
        5,
    ],
)
def test_what_is_no_address_is_refused(endpoint):
    with pytest.raises(bf.ConfigError, match="BRAZE_REST_ENDPOINT"):
        bf.connect(endpoint, KEY)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": None},
        {"timeout": float("nan")},
        {"timeout": "30"},
        {"retries": -1},
        {"retries": 1.5},
        {"max_workers": 0},
        {"max_workers": True},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name}="):
        bf.connect("US-05", KEY, **options)


@pytest.mark.parametrize("endpoint", ["US5", "braze", "", None, "US-"])
def test_other_endpoints_are_refused_with_both_ways_to_set_one(endpoint):
    ways = r'bf.connect\("US-05"\).*BRAZE_REST_ENDPOINT.*"sandbox"'  # "US5" means it
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


def listed(*numbers):
    """Answer a page of campaigns of these numbers."""
    rows = [
        {"id": f"{n:08d}-8fa1-4c9b-a46e-48a8b1d9b5f1", "name": f"C{n}"} for n in numbers
    ]
    return answer(body={"campaigns": rows})


def test_a_campaign_on_two_pages_is_listed_once():
    pages = [listed(1, 2), listed(2, 3), listed()]
    with serve(*pages) as (script, url), client_of(url) as client:
        assert client.campaigns()["name"].tolist() == ["C1", "C2", "C3"]
    assert len(script.requests) == 3


def test_a_page_without_a_new_campaign_ends_the_list():
    with serve(listed(1, 2)) as (script, url), client_of(url) as client:
        assert client.campaigns()["name"].tolist() == ["C1", "C2"]
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    "page", [5, {}, None, [5], [None], [{"name": "no id"}], [{"id": 5}], ["text"]]
)
def test_a_list_that_is_none_is_an_error(page):
    with serve(answer(body={"campaigns": page})) as (_, url), client_of(url) as client:
        with pytest.raises(bf.PayloadError, match="campaigns"):
            client.campaigns()


def test_odd_cells_of_a_list_are_missing():
    row = {"id": ID, "name": 5, "tags": "a", "last_edited": "9999-99", "is_api": "no"}
    later = {"id": ID, "name": "A", "tags": [1, "b"], "last_edited": "2026-01-02"}
    pages = [answer(body={"campaigns": [row, later]}), listed()]
    with serve(*pages) as (_, url), client_of(url) as client:
        table = client.campaigns()
    assert table["name"].isna().tolist() == [True, False]
    assert table["tags"].tolist() == [[], ["b"]]
    assert table["last_edited"].isna().tolist() == [True, False]
    assert table["is_api_campaign"].tolist() == [False, False]


@pytest.mark.parametrize("options", [{"tag": "none"}, {"tag": "none", "details": True}])
def test_an_empty_list_has_the_same_types(client, options):
    empty, full = client.campaigns(**options), client.campaigns(details=True)
    assert len(empty) == 0
    for name in empty:
        assert empty[name].dtype == full[name].dtype, name
    assert len(empty.columns) == (10 if "details" in options else 5)


@pytest.mark.parametrize("value", ["yesterday", 20260101, 1.5, True, None])
def test_an_edit_that_is_no_moment_is_refused(client, value):
    if value is None:
        value = pd.NaT
    with pytest.raises(ValueError, match="edited_since=.*no moment"):
        client.campaigns(edited_since=value)


def test_details_of_all_campaigns_come_side_by_side(sandbox, client):
    table = client.campaigns(details=True).set_index("name")
    assert len([r for r in sandbox.requests if r.path.endswith("details")]) == len(
        table
    )
    tested = table.loc["Basket Reminder: Subject Test"]
    assert tested["channels"] == ["email"]
    assert "10% Off Your Basket" in tested["variations"]
    behaviors = client.details(tested["id"])["conversion_behaviors"]
    assert tested["window_days"] == max(b["window"] for b in behaviors) // 86_400
    assert tested["first_sent"] <= tested["last_sent"]
    assert str(table["first_sent"].dtype) == "datetime64[us, UTC]"
    # the details spell it "in-app_message", the series as the frame does
    assert all("in-app_message" not in channels for channels in table["channels"])


def test_details_that_do_not_come_are_missing_with_one_warning(sandbox, client):
    sandbox.fail("status", status=400, path="details", times=2)
    with pytest.warns(bf.PayloadWarning, match="details did not come") as caught:
        table = client.campaigns(details=True)
    assert len(caught) == 1
    assert table["first_sent"].isna().sum() >= 2
    assert len(table) == len(client.campaigns())


def test_details_of_any_kind_make_a_row():
    control = {"channel": "email", "type": "control"}
    details = [
        {"messages": {"a": control, "b": {"channel": "sms"}, "c": 5}},
        {"messages": {}, "conversion_behaviors": [{"window": 90_000}, {"window": "x"}]},
        {"messages": {}, "channels": 5, "first_sent": "soon", "last_sent": 5},
        {"name": "no messages"},
    ]
    pages = [listed(1, 2, 3, 4), listed(), *(answer(body=body) for body in details)]
    with serve(*pages) as (_, url), client_of(url, max_workers=1) as client:
        with pytest.warns(bf.PayloadWarning, match="00000004"):
            table = client.campaigns(details=True)
    assert table["variations"].tolist() == [["Control Group", "b", "c"], [], [], []]
    assert table["window_days"].fillna(0).tolist() == [0, 2, 0, 0]  # 25 h: 2 days
    assert table["channels"].tolist() == [[], [], [], []]
    assert table["last_sent"].isna().all()


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
    # a control's message has a type and no name in Braze's newest documentation
    names = {message.get("name") for message in details["messages"].values()}
    assert "10% Off Your Basket" in names


@pytest.mark.parametrize("client", ["sandbox", "US-05", KEY, 5, bf.connect])
def test_what_is_no_client_is_refused_with_the_line_to_write(client):
    with pytest.raises(TypeError, match=r'client=bf.connect\("sandbox"\)') as caught:
        bf.read_braze_series(ID, client=client)
    assert KEY not in str(caught.value)
    assert client != "sandbox" or "'sandbox' is no client" in str(caught.value)


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
