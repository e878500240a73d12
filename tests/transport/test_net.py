"""In a pull of many one answer may be anything at all: the others come."""

import gzip
import json
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import braze_frames as bf

from ..payloads import as_bytes, day, entry, response
from ..servers import raw, serve_raw

DAY = "2026-06-30"
IDS = {f"C{n}": f"{n:08d}-8fa1-4c9b-a46e-48a8b1d9b5f1" for n in range(12)}
ODD = "C7"
GOOD = as_bytes(response(day(DAY, {"email": [entry("A", IDS["C1"], sent=1)]})))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "errors", "message", "messages", "time", "email"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TREES = st.one_of(
    JSON,
    st.builds(lambda data, errors: {"data": data, "errors": errors}, JSON, JSON),
    st.builds(
        lambda time, messages, errors: {
            "data": [{"time": time, "messages": messages}],
            "errors": errors,
        },
        st.sampled_from([DAY, "9999-12-31", "0000-00-00", "²", 5]) | JSON,
        JSON | st.just({"email": [{"sent": 1}]}),
        JSON,
    ),
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.just(GOOD),
    TREES.map(lambda tree: json.dumps(tree).encode()),
    TREES.map(lambda tree: json.dumps(tree).encode("utf-16")),
    st.binary(max_size=60).map(gzip.compress),
)
STATUSES = st.one_of(
    st.sampled_from([200, 200, 200, 201, 202, 204, 301, 302, 304, 308, 400, 404, 408]),
    st.sampled_from([410, 418, 425, 500, 502, 503, 599, 600, 999]),
)
NAMES = st.sampled_from(
    [
        "Location",
        "Content-Encoding",
        "Content-Length",
        "Transfer-Encoding",
        "Retry-After",
        "X-RateLimit-Reset",
        "Date",
        "Set-Cookie",
        "Content-Type",
    ]
)
VALUES = st.sampled_from(
    [
        *("http://[", "/\xe9\xff", "//x:99999", "/campaigns", "", "gzip", "br", "2"),
        *("chunked", "-1", "9" * 400, "\xb2", "0", "soon", "text/html; charset=\xff"),
    ]
) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
ANSWERS = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda status, body, headers: raw(
            f"{status} Odd", body, *(f"{name}: {value}" for name, value in headers)
        ),
        STATUSES,
        BODIES,
        st.lists(st.tuples(NAMES, VALUES), max_size=3),
    ),
)


@pytest.fixture(scope="module")
def account():
    """Serve good answers, but one campaign's is what the list's only item says."""
    odd = [b""]

    def play(connection, number):
        asked = heads[number - 1]
        connection.sendall(odd[0] if IDS[ODD].encode() in asked else raw(body=GOOD))

    with serve_raw(play) as (url, heads):
        yield url, odd


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=ANSWERS)
def test_one_answer_may_be_anything_at_all_and_the_others_come(account, answer):
    url, odd = account
    odd[0] = answer
    with bf.BrazeClient(url, "made-up-key-1234", retries=0, timeout=2) as client:
        came, failed = read(client)
    assert {*IDS} - {ODD} <= {*came.braze.campaigns}
    assert {*failed} <= {ODD}
    for error in failed.values():
        assert isinstance(error, bf.RequestError | bf.PayloadError)
        assert str(error).isprintable()


def read(client):
    """Read all twelve; return what came and what failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.errors.BrazeWarning)
        try:
            return bf.read_braze_series(IDS, start=DAY, end=DAY, client=client), {}
        except bf.PullError as error:
            return error.frame, error.failed
