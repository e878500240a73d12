"""A pull of many campaigns: one that is odd in any way fails alone, the others come."""

import gzip
import json
import os
import pickle
import resource
import tempfile
from pathlib import Path
from uuid import UUID

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import braze_frames as bf

from ..cache.test_faults import forked, result_of
from ..payloads import day, email, entry
from ..worlds import KEY, World, inhabited

IDS = [str(UUID(int=number, version=4)) for number in range(1, 13)]
ODD = IDS[6]
SPAN = {"start": "2026-06-28", "end": "2026-06-29"}

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["2026-06-28", "9999-12-31", "boom", "email", "sent", "\ud800"]),
)
KEYS = st.sampled_from(
    [
        "data",
        "message",
        "errors",
        "time",
        "messages",
        "email",
        "sent",
        "revenue",
        "variation_name",
        "variation_api_id",
        "conversions",
        "x",
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(KEYS, parts, max_size=4)
    ),
    max_leaves=12,
)
DAYS = st.fixed_dictionaries(
    {"time": st.sampled_from(["2026-06-28", "2026-06-29"]) | LEAVES},
    optional={"messages": TREES, "conversions": LEAVES, "revenue": LEAVES},
)
ANSWERS = TREES | st.fixed_dictionaries(
    {"data": st.lists(DAYS, max_size=3)}, optional={"errors": TREES, "message": TREES}
)
NESTED = b'{"data":' + b"[" * 3000 + b"]" * 3000 + b"}"
BODIES = st.one_of(
    st.binary(max_size=60),
    ANSWERS.map(lambda tree: json.dumps(tree).encode()),
    st.sampled_from([b"", NESTED, b'{"data": [1e999]}', '{"data"'.encode("utf-16")]),
    st.binary(max_size=60).map(lambda body: gzip.compress(body)[:-3]),
)


class Strange(World):
    """Answers as it should, but for one campaign, of which it says anything at all."""

    def __init__(self):
        super().__init__("2026-06-30")
        self.strange = 200, b""
        known = {
            f"2026-06-{n}": day(messages={"email": [entry("A", "a", sent=n)]})
            for n in (28, 29)
        }
        self.days = dict.fromkeys(IDS, known)

    def body(self, id_, length, last):
        """Return status and body."""
        if id_ == ODD:
            return self.strange
        return 200, json.dumps(self.answer(id_, length, last)).encode()


@pytest.fixture(scope="module")
def strange():
    """Serve a strange account."""
    world = Strange()
    with inhabited(world, retries=0) as client:
        yield world, client


def came_of(source, **options):
    """Return the frame of a pull, and what failed."""
    try:
        return bf.read_braze_series(source, **options), {}
    except bf.PullError as error:
        return error.frame, error.failed


def eleven_came(frame, failed):
    """Check that the others are there with their two days, and whose error is told."""
    assert list(failed) in ([], [ODD])
    assert all(isinstance(error, bf.BrazeError) for error in failed.values())
    others = frame.drop(index=ODD, level="campaign", errors="ignore")
    assert others.braze.campaigns == sorted(set(IDS) - {ODD})
    assert others["sent"].tolist() == [28, 29] * 11


@pytest.mark.filterwarnings("ignore::braze_frames.BrazeWarning")
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sampled_from([200] * 6 + [201, 204, 304, 400, 404, 500, 599]),
    body=BODIES,
    cached=st.booleans(),
)
@example(status=204, body=b'{"data": []}', cached=False)
@example(status=304, body=b'{"data": []}', cached=True)
def test_one_odd_answer_leaves_the_other_campaigns(strange, status, body, cached):
    world, client = strange
    world.strange = status, body
    with tempfile.TemporaryDirectory() as folder:
        options = {"client": client, "cache": folder if cached else None, **SPAN}
        eleven_came(*came_of(IDS, **options))


@pytest.mark.filterwarnings("ignore::braze_frames.BrazeWarning")
@settings(max_examples=30)
@given(body=BODIES, suffix=st.sampled_from([".json", ".jsonl", ".json.gz"]))
def test_one_odd_file_leaves_the_other_campaigns(body, suffix):
    with tempfile.TemporaryDirectory() as folder:
        paths = {id_: Path(folder, f"{id_}.json") for id_ in IDS}
        for path in paths.values():
            days = email(entry("A", "a", sent=28), time="2026-06-28")
            days["data"] += email(entry("A", "a", sent=29), time="2026-06-29")["data"]
            path.write_text(json.dumps(days))
        paths[ODD] = Path(folder, f"odd{suffix}")
        paths[ODD].write_bytes(body)
        eleven_came(*came_of(paths))


def test_a_campaign_that_cannot_be_stored_fails_alone_and_its_answer_is_given(tmp_path):
    world = Strange()
    world.strange = 200, json.dumps(world.answer(IDS[0], 2, world.now.date())).encode()
    with inhabited(world) as client:
        bf.read_braze_series(IDS[0], client=client, cache=tmp_path, **SPAN)
        (root,) = tmp_path.iterdir()
        # A lock that is a folder can be taken by nobody.
        (root / ".locks" / f"{IDS[3]}.lock").mkdir()
        with pytest.raises(bf.PullError) as caught:
            bf.read_braze_series(IDS[:6], client=client, cache=tmp_path, **SPAN)
        assert list(caught.value.failed) == [IDS[3]]
        assert isinstance(caught.value.failed[IDS[3]], bf.CacheError)
        frame = caught.value.frame
        assert frame.braze.campaigns == sorted(IDS[:6])
        assert frame["sent"].tolist() == [28, 29] * 6
        with pytest.warns(bf.PayloadWarning, match="1 of 6 campaigns"):
            warned = bf.read_braze_series(
                IDS[:6], client=client, cache=tmp_path, on_error="warn", **SPAN
            )
        assert warned.equals(frame)
    assert len(bf.Cache(tmp_path).info()) == 5


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="no os.fork here; run on Linux or macOS"
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_full_disk_ends_the_pull(tmp_path):
    world = Strange()

    def pull():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        with inhabited(world) as client:
            with pytest.raises(bf.CacheError, match="free space"):
                bf.read_braze_series(IDS[:6], client=client, cache=tmp_path, **SPAN)

    assert result_of(forked(pull)) == 0
    assert bf.Cache(tmp_path).info().empty


# s3://, which stood here, is a store by now; other schemes stay none.
@pytest.mark.parametrize(
    "cache", ["sftp://bucket/numbers", "hdfs://host/numbers", "", "a\0b"]
)
def test_a_place_that_is_no_folder_is_known_before_anything_is_asked(
    sandbox, client, cache, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    id_ = sandbox.campaigns["Welcome Email"]
    with pytest.raises(ValueError, match="cache="):
        bf.read_braze_series(id_, client=client, cache=cache)
    assert sandbox.requests == []
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_cannot_be_made_is_known_before_anything_is_asked(
    sandbox, client, tmp_path
):
    id_ = sandbox.campaigns["Welcome Email"]
    (tmp_path / "file").write_text("numbers")
    with pytest.raises(bf.CacheError, match="file"):
        bf.read_braze_series(id_, client=client, cache=tmp_path / "file" / "cache")
    assert sandbox.requests == []


def test_a_folder_can_be_named_as_an_address(sandbox, client, tmp_path):
    id_ = sandbox.campaigns["Welcome Email"]
    cache = bf.Cache((tmp_path / "my numbers").as_uri())
    bf.read_braze_series(id_, length=2, client=client, cache=cache)
    assert cache.path == tmp_path / "my numbers"
    assert len(cache.info()) == 1


class Short(World):
    """Gives no more than the last days of what is asked."""

    most = 3

    def answer(self, id_, length, last):
        """Return an answer of the newest days."""
        whole = super().answer(id_, length, last)
        return whole | {"data": whole["data"][-self.most :]}


@pytest.mark.parametrize("cached", [False, True])
def test_fewer_days_than_asked_are_taken_with_one_warning(tmp_path, cached):
    world = Short("2026-06-30")
    world.days[ODD] = {
        f"2026-06-{n}": day(messages={"email": [entry("A", "a", sent=n)]})
        for n in range(20, 31)
    }
    options = {"start": "2026-06-20", "cache": tmp_path if cached else None}
    with inhabited(world) as client:
        with pytest.warns(bf.BrazeWarning) as caught:
            frame = bf.read_braze_series(ODD, client=client, **options)
    (warning,) = caught
    assert warning.category is bf.WindowWarning
    assert "fewer days" in str(warning.message)
    assert "tz" not in str(warning.message)
    assert frame["sent"].tolist() == [28, 29, 30]


def test_an_answer_without_a_day_tells_what_the_server_says(tmp_path):
    world = Strange()
    world.strange = 200, b'{"data": [], "errors": ["series is being rebuilt"]}'
    with inhabited(world, retries=0) as client:
        with pytest.raises(bf.PayloadError, match="series is being rebuilt"):
            bf.read_braze_series(ODD, client=client, **SPAN)


def test_an_error_of_a_pull_goes_through_a_pickle_with_all_that_came():
    world = Strange()
    world.strange = 400, b'{"message": "no"}'
    with inhabited(world) as client, pytest.raises(bf.PullError) as caught:
        bf.read_braze_series(IDS, client=client, progress=False, **SPAN)
    error = caught.value
    body = pickle.dumps(error)
    found = pickle.loads(body)  # noqa: S301
    assert (str(found), found.failed.keys()) == (str(error), error.failed.keys())
    assert [(type(e), str(e), e.status) for e in found.failed.values()] == [
        (type(e), str(e), e.status) for e in error.failed.values()
    ]
    pd.testing.assert_frame_equal(found.frame, error.frame)
    assert found.frame.attrs == error.frame.attrs
    assert KEY.encode() not in body
