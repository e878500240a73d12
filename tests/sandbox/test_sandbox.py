"""The sandbox over the wire: it answers, refuses and fails as the real thing does."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead, RemoteDisconnected
from urllib.parse import urlencode, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from braze_frames import errors
from braze_frames.sandbox import server
from braze_frames.sandbox.sandbox import Sandbox, shared

SERIES, LIST, DETAILS = (
    "/campaigns/data_series",
    "/campaigns/list",
    "/campaigns/details",
)
SUBJECT_TEST = "Basket Reminder: Subject Test"


@pytest.fixture
def sandbox():
    with Sandbox() as made:
        yield made


def connection(sandbox):
    return http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=20)


def ask(sandbox, path, query=None, *, method="GET", key=None, headers=None):
    """Return status, headers and bytes of one request on a connection of its own."""
    if headers is None:
        headers = {"Authorization": f"Bearer {key or sandbox.api_key}"}
    line = connection(sandbox)
    try:
        target = f"{path}?{urlencode(query)}" if query else path
        line.request(method, target, headers=headers)
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        line.close()


def get(sandbox, path, **query):
    status, _, body = ask(sandbox, path, query)
    assert status == 200
    return json.loads(body)


def times(sandbox, **query):
    query = {"campaign_id": sandbox.campaigns["Welcome Email"], "length": 1, **query}
    return [row["time"] for row in get(sandbox, SERIES, **query)["data"]]


# --- keys, paths, methods ---


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer ", '"Bearer {key}"', 'Bearer "{key}"', "{key}"],
)
def test_a_wrong_or_quoted_key_is_refused(sandbox, header):
    headers = {"Authorization": header.format(key=sandbox.api_key)}
    status, _, body = ask(sandbox, LIST, headers=headers)
    assert (status, json.loads(body)) == (401, {"message": "Invalid API key"})


def test_a_missing_key_is_refused(sandbox):
    status, _, body = ask(sandbox, LIST, headers={})
    assert (status, json.loads(body)) == (401, {"message": "Missing API key"})


def test_the_key_shows_in_no_repr_and_in_no_logged_request(sandbox):
    ask(sandbox, LIST)
    assert sandbox.api_key not in repr(sandbox)
    assert sandbox.api_key not in repr(sandbox.requests)


def test_another_path_is_not_found_and_another_method_not_allowed(sandbox):
    status, _, body = ask(sandbox, "/campaigns/everything")
    assert (status, json.loads(body)) == (404, {"message": "Invalid URL"})
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert ask(sandbox, LIST, method=method)[0] == 405
    status, _, body = ask(sandbox, LIST, method="HEAD")
    assert (status, body) == (405, b"")


def test_requests_are_noted_with_method_path_query_and_status(sandbox):
    ask(sandbox, LIST, {"page": 0})
    ask(sandbox, "/nowhere", headers={})
    assert sandbox.requests == [
        ("GET", LIST, {"page": "0"}, 200),
        ("GET", "/nowhere", {}, 401),
    ]


def test_every_answer_carries_the_rate_limit_consistent_with_its_date(sandbox):
    campaign_id = sandbox.campaigns["Welcome Email"]
    query = {"campaign_id": campaign_id, "length": 1}
    for path, limit, seconds in ((SERIES, 50_000, 60), (LIST, 250_000, 3600)):
        _, headers, _ = ask(sandbox, path, query)
        answered = parsedate_to_datetime(headers["Date"]).timestamp()
        assert headers["x-ratelimit-limit"] == str(limit)
        assert headers["X-RateLimit-Remaining"] == str(limit - 1)
        assert 0 <= int(headers["X-RateLimit-Reset"]) - answered <= seconds
        assert abs(answered - time.time()) < 60


def test_one_connection_serves_many_requests(sandbox):
    line = connection(sandbox)
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    line.connect()
    socket = line.sock
    for _ in range(3):
        line.request("GET", LIST, headers=headers)
        assert json.loads(line.getresponse().read())["message"] == "success"
        assert line.sock is socket
    line.close()


# --- the series ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"campaign_id": None}, "campaign_id is required"),
        ({"campaign_id": ""}, "campaign_id is required"),
        ({"campaign_id": "5f0c0c0c5f0c0c0c5f0c0c0c"}, "Invalid Campaign ID"),
        (
            {"campaign_id": "00000000-0000-4000-8000-000000000000"},
            "Invalid Campaign ID",
        ),
        ({"length": None}, "length is required"),
        ({"length": 0}, "length must be an integer between 1 and 100 inclusive"),
        ({"length": 101}, "length must be an integer between 1 and 100 inclusive"),
        ({"length": "-1"}, "length must be an integer between 1 and 100 inclusive"),
        ({"length": "7.0"}, "length must be an integer between 1 and 100 inclusive"),
        ({"length": "seven"}, "length must be an integer between 1 and 100 inclusive"),
        ({"ending_at": "yesterday"}, "Invalid value for ending_at"),
        ({"ending_at": "2026-02-30"}, "Invalid value for ending_at"),
        ({"ending_at": "2026-06-30T23:59:59 05:00"}, "Invalid value for ending_at"),
        ({"ending_at": "0001-01-01T00:00:00"}, "Invalid value for ending_at"),
    ],
)
def test_a_bad_parameter_is_named_in_a_400(sandbox, change, message):
    query = {"campaign_id": sandbox.campaigns[SUBJECT_TEST], "length": 7, **change}
    query = {name: value for name, value in query.items() if value is not None}
    status, _, body = ask(sandbox, SERIES, query)
    assert (status, json.loads(body)) == (400, {"message": message})


@pytest.mark.parametrize("length", [1, 2, 99, 100])
def test_a_series_has_exactly_the_days_asked_for_ascending(sandbox, length):
    asked = pd.date_range(end="2026-06-30", periods=length).strftime("%Y-%m-%d")
    assert times(sandbox, length=length) == list(asked)


def test_days_before_the_launch_and_after_today_are_there_and_zero(sandbox):
    campaign_id = sandbox.campaigns["Midsummer Flash Sale"]
    for ending_at in ("2026-05-31T12:00:00Z", "2027-01-31T12:00:00Z"):
        rows = get(
            sandbox, SERIES, campaign_id=campaign_id, length=100, ending_at=ending_at
        )["data"]
        assert len(rows) == 100
        assert {row["messages"]["email"][0]["sent"] for row in rows} == {0}
        assert {row["unique_recipients"] for row in rows} == {0}


def test_a_window_of_the_series_is_a_part_of_a_longer_one(sandbox):
    query = {"campaign_id": sandbox.campaigns[SUBJECT_TEST]}
    long = get(sandbox, SERIES, length=100, **query)["data"]
    short = get(
        sandbox, SERIES, length=30, ending_at="2026-05-31T23:59:59+00:00", **query
    )["data"]
    assert short == long[40:70]


def test_one_of_the_tests_is_answered_without_a_message_like_the_documented_one(
    sandbox,
):
    name = "First Order Coupon: In-App Test"
    body = get(sandbox, SERIES, campaign_id=sandbox.campaigns[name], length=1)
    assert list(body) == ["data"]
    assert list(body["data"][0]["messages"]) == ["trigger_in_app_message"]


@pytest.mark.parametrize(
    ("tz", "ending_at", "last"),
    [
        ("UTC", "2026-06-30", "2026-06-30"),
        ("UTC", "2026-06-30T23:59:59Z", "2026-06-30"),
        ("America/New_York", "2026-06-30", "2026-06-29"),
        ("America/New_York", "2026-06-30T23:59:59-04:00", "2026-06-30"),
        ("America/New_York", "2026-06-30T23:59:59-4:00", "2026-06-30"),
        ("America/New_York", "2026-03-08T23:59:59-04:00", "2026-03-08"),
        ("America/New_York", "2026-03-08T23:59:59-05:00", "2026-03-09"),
        ("America/New_York", "2026-11-01T23:59:59-05:00", "2026-11-01"),
        ("America/New_York", "2026-11-02T04:59:59", "2026-11-01"),
        ("America/New_York", "2026-11-02T05:00:00", "2026-11-02"),
        ("Asia/Seoul", "2026-06-30", "2026-06-30"),
        ("Asia/Seoul", "2026-06-29T14:59:59", "2026-06-29"),
        ("Asia/Seoul", "2026-06-29T15:00:00", "2026-06-30"),
        ("Asia/Seoul", "2026-06-30T23:59:59+09:00", "2026-06-30"),
        ("Asia/Kathmandu", "2026-06-29T18:15:00Z", "2026-06-30"),
    ],
)
def test_the_last_day_is_the_company_day_that_contains_ending_at(tz, ending_at, last):
    with Sandbox(tz=tz) as sandbox:
        assert times(sandbox, ending_at=ending_at) == [last]


@pytest.mark.parametrize("tz", ["Pacific/Auckland", "America/Los_Angeles"])
def test_without_ending_at_the_last_day_is_today(tz):
    with Sandbox(tz=tz) as sandbox:
        assert times(sandbox) == ["2026-06-30"]


# --- list and details ---


def test_the_list_leaves_archived_campaigns_out_unless_asked(sandbox):
    shown = get(sandbox, LIST)["campaigns"]
    everything = get(sandbox, LIST, include_archived="true")["campaigns"]
    assert {row["name"]: row["id"] for row in everything} == sandbox.campaigns
    hidden = {row["name"] for row in everything} - {row["name"] for row in shown}
    assert hidden == {"Winter Clearance"}
    assert set(shown[0]) == {"id", "last_edited", "name", "is_api_campaign", "tags"}


def test_the_list_ends_with_an_empty_page(sandbox):
    assert len(get(sandbox, LIST, page=0)["campaigns"]) >= 12
    assert get(sandbox, LIST, page=1)["campaigns"] == []


def test_the_list_is_sorted_oldest_first_and_can_be_turned(sandbox):
    oldest = [row["id"] for row in get(sandbox, LIST)["campaigns"]]
    newest = get(sandbox, LIST, sort_direction="desc")["campaigns"]
    assert [row["id"] for row in newest] == oldest[::-1]
    assert oldest[0] == sandbox.campaigns["Welcome Email"]


def test_the_list_can_be_cut_by_the_time_of_the_last_edit(sandbox):
    query = {"last_edit.time[gt]": "2026-04-30T00:00:00"}
    found = {row["name"] for row in get(sandbox, LIST, **query)["campaigns"]}
    assert found == {"Summer Collection", "Midsummer Flash Sale"}


@pytest.mark.parametrize(
    "query",
    [
        {"page": "one"},
        {"page": "-1"},
        {"sort_direction": "up"},
        {"include_archived": "maybe"},
        {"last_edit.time[gt]": "spring"},
    ],
)
def test_a_bad_parameter_of_the_list_is_named_in_a_400(sandbox, query):
    status, _, body = ask(sandbox, LIST, query)
    assert status == 400
    assert next(iter(query)) in json.loads(body)["message"]


def test_details_name_the_variations_by_their_ids(sandbox):
    campaign_id = sandbox.campaigns[SUBJECT_TEST]
    found = get(sandbox, DETAILS, campaign_id=campaign_id)
    [row] = get(sandbox, SERIES, campaign_id=campaign_id, length=1)["data"]
    named = {
        entry["variation_api_id"]: entry["variation_name"]
        for entry in row["messages"]["email"]
    }
    told = {key: one.get("name") for key, one in found["messages"].items()}
    # a control has a type and no name
    assert told == {
        key: name if name != "Control Group" else None for key, name in named.items()
    }
    kinds = [told.get("type") for told in found["messages"].values()]
    assert kinds == [None, None, "control"]
    windows = [event["window"] for event in found["conversion_behaviors"]]
    assert windows == [30 * 86_400, 7 * 86_400, 3 * 86_400, 14 * 86_400]


def test_details_give_the_name_that_a_single_variation_lacks_in_the_series(sandbox):
    campaign_id = sandbox.campaigns["Midsummer Flash Sale"]
    found = get(sandbox, DETAILS, campaign_id=campaign_id)
    [row] = get(sandbox, SERIES, campaign_id=campaign_id, length=1)["data"]
    variation = row["messages"]["email"][0]["variation_api_id"]
    assert found["messages"][variation] == {"channel": "email", "name": "Today Only"}
    assert found["first_sent"] == found["last_sent"] == "2026-06-19T09:00:00+00:00"
    assert "data" not in found
    assert found["archived"] is False


def test_details_of_no_campaign_are_a_400(sandbox):
    status, _, body = ask(sandbox, DETAILS, {"campaign_id": "x"})
    assert (status, json.loads(body)) == (400, {"message": "Invalid Campaign ID"})


# --- today, clock, truth ---


def test_today_can_be_moved_and_numbers_move_with_it(sandbox):
    campaign_id = sandbox.campaigns["Midsummer Flash Sale"]
    seen = []
    for today in ("2026-06-20", date(2026, 6, 27), pd.Timestamp("2026-08-01")):
        sandbox.today = today
        assert sandbox.today == pd.Timestamp(today).date()
        assert times(sandbox) == [str(sandbox.today)]
        rows = get(
            sandbox, SERIES, campaign_id=campaign_id, length=1, ending_at="2026-06-19"
        )["data"]
        seen.append(rows[0]["conversions_by_send_time"])
    assert seen == sorted(set(seen))


def test_the_clock_stands_at_noon_of_the_company_day():
    with Sandbox(today="2026-03-29", tz="Europe/Berlin") as sandbox:
        noon = datetime(2026, 3, 29, 12, tzinfo=ZoneInfo("Europe/Berlin"))
        assert sandbox.now() == noon
        assert sandbox.now().utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("today", ["someday", None, pd.NaT])
def test_a_today_that_is_no_day_is_refused(sandbox, today):
    with pytest.raises(ValueError, match=r"(?i)day|time|format"):
        sandbox.today = today
    assert sandbox.today == date(2026, 6, 30)


def test_an_unknown_time_zone_and_a_negative_seed_are_refused():
    with pytest.raises(errors.ConfigError, match="Mars/Base"):
        Sandbox(tz="Mars/Base")
    with pytest.raises(ValueError, match="-1"):
        Sandbox(seed=-1)


def test_ids_do_not_depend_on_today_and_seed(sandbox):
    with Sandbox(today="2026-01-01", seed=5) as other:
        assert other.campaigns == sandbox.campaigns
    assert all(str(UUID(found)) == found for found in sandbox.campaigns.values())


def test_the_truth_of_a_campaign_can_be_asked(sandbox):
    true = sandbox.truth(sandbox.campaigns[SUBJECT_TEST])
    assert true.index.names == ["channel", "variation"]
    assert true.loc[("email", "10% Off Your Basket"), "conversion_rate"] == 0.048
    with pytest.raises(ValueError, match="sandbox.campaigns"):
        sandbox.truth("nothing")


# --- failures ---


def test_a_status_is_answered_as_often_as_told_and_then_no_more(sandbox):
    sandbox.fail("status", status=503, times=2)
    assert [ask(sandbox, LIST)[0] for _ in range(3)] == [503, 503, 200]
    sandbox.fail()
    status, _, body = ask(sandbox, LIST)
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


def test_a_forbidden_request_says_that_the_permission_is_missing(sandbox):
    sandbox.fail("status", status=403)
    status, _, body = ask(sandbox, LIST)
    assert status == 403
    assert "permission" in json.loads(body)["message"]


def test_a_limit_that_is_reached_says_when_it_opens_again(sandbox):
    sandbox.fail("status", status=429)
    status, headers, _ = ask(sandbox, LIST)
    wait = int(headers["X-RateLimit-Reset"])
    wait -= int(parsedate_to_datetime(headers["Date"]).timestamp())
    assert (status, headers["X-RateLimit-Remaining"]) == (429, "0")
    assert 0 <= wait <= 1


def test_a_dropped_connection_gives_no_answer(sandbox):
    sandbox.fail("drop")
    with pytest.raises(RemoteDisconnected):
        ask(sandbox, LIST)
    assert sandbox.requests[-1].status is None
    assert ask(sandbox, LIST)[0] == 200


def test_a_cut_body_is_shorter_than_announced(sandbox):
    sandbox.fail("cut")
    with pytest.raises(IncompleteRead) as caught:
        ask(sandbox, LIST)
    assert caught.value.expected > 0
    assert ask(sandbox, LIST)[0] == 200


def test_garble_answers_with_something_that_is_not_json(sandbox):
    sandbox.fail("garble")
    status, _, body = ask(sandbox, LIST)
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_a_slow_answer_is_late_and_right(sandbox):
    sandbox.fail("slow", delay=0.2)
    begin = time.monotonic()
    assert get(sandbox, LIST)["message"] == "success"
    assert time.monotonic() - begin >= 0.2


def test_only_requests_of_the_path_are_spoiled(sandbox):
    sandbox.fail("status", status=502, path=SERIES)
    assert ask(sandbox, LIST)[0] == 200
    assert ask(sandbox, SERIES)[0] == 502
    assert ask(sandbox, SERIES)[0] == 400


def test_an_unknown_kind_of_failure_names_the_known_ones(sandbox):
    with pytest.raises(ValueError, match="status, drop, cut, slow, garble"):
        sandbox.fail("explode")


# --- life ---


@pytest.mark.parametrize("status", [599, 0, 200, 99, -1, "500", 1000, True])
def test_a_status_that_http_does_not_have_is_refused(sandbox, status):
    with pytest.raises(ValueError, match="status is"):
        sandbox.fail(status=status)


@pytest.mark.parametrize("target", ["http://[", "*", "campaigns/list", "[", "//["])
def test_what_is_no_address_is_answered_with_a_400(sandbox, target, capfd):
    key = f"Authorization: Bearer {sandbox.api_key}"
    with socket.create_connection(urlsplit(sandbox.url).netloc.split(":")) as line:
        line.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n".encode())
        assert line.recv(65536).split()[1] in {b"400", b"404"}
    assert capfd.readouterr().err == ""


def test_a_connection_is_not_kept_idle_for_ever(sandbox):
    class Hasty(server.Handler):
        timeout = 0.1

    assert server.Handler.timeout <= 60
    sandbox._server.RequestHandlerClass = Hasty
    where = urlsplit(sandbox.url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as idle:
        assert idle.recv(1) == b""  # it hung up


def test_stop_closes_open_connections_and_frees_the_port():
    sandbox = Sandbox()
    line = connection(sandbox)
    line.request("GET", LIST, headers={"Authorization": f"Bearer {sandbox.api_key}"})
    line.getresponse().read()
    sandbox.stop()
    sandbox.stop()
    with pytest.raises((ConnectionError, http.client.HTTPException)):  # noqa: PT012
        line.request("GET", LIST)
        line.getresponse()
    line.close()
    with pytest.raises(ConnectionError):
        ask(sandbox, LIST)
    assert "stopped" in repr(sandbox)
    with Sandbox(port=urlsplit(sandbox.url).port) as again:
        assert again.url == sandbox.url
        assert ask(again, LIST)[0] == 200


def test_a_taken_port_is_an_error(sandbox):
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=urlsplit(sandbox.url).port)


def test_the_shared_sandbox_is_one_and_a_new_one_after_it_was_stopped():
    first = shared()
    assert shared() is first
    first.stop()
    assert shared() is not first
    assert ask(shared(), LIST)[0] == 200


def test_many_clients_at_once_get_what_one_gets(sandbox):
    wanted = [
        {"campaign_id": found, "length": length}
        for found in sandbox.campaigns.values()
        for length in (30, 100)
    ]

    def body(query):
        return ask(sandbox, SERIES, query)[2]

    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(body, wanted * 2))
    assert together == [body(query) for query in wanted] * 2
    assert len(sandbox.requests) == 3 * len(wanted)


def test_connect_gives_a_client_with_the_sandbox_s_clock(sandbox):
    with sandbox.connect() as client:
        campaign_id = sandbox.campaigns[SUBJECT_TEST]
        days = client.series(campaign_id, 3)["data"]
        assert [row["time"] for row in days][-1] == "2026-06-30"
        sandbox.today = "2026-07-15"
        assert client.now() == sandbox.now()


# --- the command, and what it imports ---


def test_the_command_prints_how_to_reach_it_and_ends_on_an_interrupt():
    command = [sys.executable, "-W", "error", "-m", "braze_frames.sandbox"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(  # noqa: S603
        [*command, "--today", "2026-05-31", "--tz", "Asia/Tokyo", "--seed", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        told = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
        url = urlsplit(told.get("BRAZE_REST_ENDPOINT", ""))
        if url.netloc:
            line = http.client.HTTPConnection(url.netloc, timeout=20)
            key = told["BRAZE_API_KEY"]
            line.request("GET", LIST, headers={"Authorization": f"Bearer {key}"})
            status = line.getresponse().status
            line.close()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
    assert complaints == ""
    assert (status, process.returncode) == (200, 0)
    assert told["BRAZE_TZ"] == "Asia/Tokyo"


def test_the_command_refuses_what_it_cannot_use():
    command = [sys.executable, "-m", "braze_frames.sandbox", "--tz", "Mars/Base"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(  # noqa: S603
        command, check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 2
    assert "Mars/Base" in done.stderr
    assert "Traceback" not in done.stderr


def test_importing_the_sandbox_loads_no_server():
    code = (
        "import sys, braze_frames.sandbox;"
        "print([n for n in ('http.server', 'socketserver', 'argparse', 'requests')"
        " if n in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.stdout.strip() == "[]"
