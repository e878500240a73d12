"""From ids and dates to a frame, over a real sandbox."""

import json
import warnings

import pandas as pd
import pytest

import braze_frames as bf

from .worlds import series_asked

BASKET = "Basket Reminder: Subject Test"
WELCOME = "Welcome Email"
ORDERS = "Order Updates"
NOBODY = "00000000-0000-4000-8000-000000000000"


def days_of(frame):
    """Return the first and last day of a frame."""
    dates = frame.index.get_level_values("date")
    return str(dates.min().date()), str(dates.max().date())


def test_one_request_gives_the_hundred_days_up_to_today(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frame = pd.read_braze_series(id_, details=False, client=client)
    assert days_of(frame) == ("2026-03-23", "2026-06-30")
    assert [request.path for request in sandbox.requests] == ["/campaigns/data_series"]


def test_start_and_end_are_included_and_end_is_cut_to_today(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frame = bf.read_braze_series(
        id_, start="2026-06-01", end="2027-01-01", client=client
    )
    assert days_of(frame) == ("2026-06-01", "2026-06-30")


def test_long_ranges_are_read_in_windows_without_a_seam(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frame = bf.read_braze_series(id_, start="2025-06-01", details=False, client=client)
    dates = frame.index.get_level_values("date")
    assert list(dates) == list(pd.date_range("2025-06-01", "2026-06-30"))
    asked = [int(request.query["length"]) for request in sandbox.requests]
    assert sorted(asked) == [95, 100, 100, 100]


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"start": "2026-06-02", "end": "2026-06-01"}, "after end"),
        ({"start": "2026-07-01"}, "after today, 2026-06-30"),
        ({"length": 0}, "starts at 1"),
        ({"start": "2026-06-01", "length": 3}, "give one of them"),
        ({"start": "no day"}, "no day"),
        ({"end": pd.NaT}, "no day"),
        ({"grain": "daily"}, "'variation', 'campaign', 'element', 'all'"),
        ({"on_error": "ignore"}, "'raise', 'warn'"),
        ({"columns": ["unique_open"]}, "unique_opens"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(sandbox, client, dates, words):
    with pytest.raises(ValueError, match=words):
        bf.read_braze_series(sandbox.campaigns[WELCOME], client=client, **dates)


@pytest.mark.parametrize("length", [2.5, 30.0, True, [3]])
def test_a_length_that_is_no_whole_number_is_refused(sandbox, client, length):
    with pytest.raises(TypeError):
        bf.read_braze_series(sandbox.campaigns[WELCOME], length=length, client=client)


@pytest.mark.parametrize(
    ("company", "tz"),
    [
        ("Asia/Seoul", "UTC"),
        ("Asia/Kolkata", "America/Los_Angeles"),
        ("America/New_York", "America/Los_Angeles"),
        ("Pacific/Auckland", "Europe/Berlin"),
    ],
)
def test_a_company_zone_ahead_of_tz_is_mended_with_one_warning(company, tz):
    with bf.Sandbox(tz=company) as sandbox, sandbox.connect() as right:
        id_ = sandbox.campaigns[WELCOME]
        asked = {"start": "2025-12-01", "end": "2026-06-15"}
        expected = bf.read_braze_series(id_, client=right, **asked)
        sandbox.requests.clear()
        with sandbox.connect(tz=tz) as wrong:
            with pytest.warns(bf.WindowWarning, match=tz) as caught:
                frame = bf.read_braze_series(id_, client=wrong, **asked)
        assert len(caught) == 1
        assert len(series_asked(sandbox)) == 4
        pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("tz", ["UTC", "Asia/Seoul", "Europe/Berlin"])
def test_right_answers_warn_of_nothing(tz):
    with bf.Sandbox(tz="America/New_York") as sandbox, sandbox.connect(tz=tz) as client:
        id_ = sandbox.campaigns[WELCOME]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            frame = bf.read_braze_series(
                id_, start="2026-03-01", end="2026-06-15", client=client
            )
        assert days_of(frame) == ("2026-03-01", "2026-06-15")


def test_a_list_of_one_id_has_the_campaign_level(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frame = bf.read_braze_series([id_], length=2, client=client)
    assert frame.index.names == ["campaign", "date", "channel", "variation"]
    assert frame.braze.campaigns == [id_]


def test_a_repeated_id_is_fetched_once(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frame = bf.read_braze_series([id_, id_], length=2, client=client)
    assert len(frame) == 2
    both = bf.read_braze_series({"a": id_, "b": id_}, length=2, client=client)
    assert both.braze.campaigns == ["a", "b"]
    assert len(series_asked(sandbox)) == 2


def test_the_table_of_campaigns_a_series_and_a_mapping_are_sources(sandbox, client):
    names = [WELCOME, ORDERS]
    table = client.campaigns()
    table = table[table["name"].isin(names)]
    ids = {name: sandbox.campaigns[name] for name in names}
    frames = [
        bf.read_braze_series(source, length=3, client=client)
        for source in (table, pd.Series(ids), ids)
    ]
    assert frames[0].braze.campaigns == sorted(names)
    pd.testing.assert_frame_equal(frames[0], frames[1])
    pd.testing.assert_frame_equal(frames[0], frames[2])


def test_a_name_that_stands_twice_gets_the_id_behind_it(sandbox, client):
    ids = [sandbox.campaigns[WELCOME], sandbox.campaigns[ORDERS]]
    frame = bf.read_braze_series(
        pd.Series(ids, index=["Same", "Same"]), length=1, client=client
    )
    assert frame.braze.campaigns == sorted(f"Same [{id_[:8]}]" for id_ in ids)


def test_a_campaign_that_fails_is_named_and_the_others_come(sandbox, client):
    ids = {"good": sandbox.campaigns[WELCOME], "bad": NOBODY}
    with pytest.raises(bf.PullError, match="1 of 2 campaigns.*bad.*400") as caught:
        bf.read_braze_series(ids, length=2, client=client)
    assert isinstance(caught.value.failed["bad"], bf.RequestError)
    assert caught.value.frame.braze.campaigns == ["good"]
    with pytest.warns(bf.BrazeWarning, match="bad"):
        frame = bf.read_braze_series(ids, length=2, client=client, on_error="warn")
    assert frame.braze.campaigns == ["good"]


def test_nothing_that_came_is_an_error_even_where_failures_only_warn(sandbox, client):
    with pytest.raises(bf.PullError):
        bf.read_braze_series([NOBODY], length=2, client=client, on_error="warn")


def test_a_single_source_raises_its_own_error(sandbox, client):
    with pytest.raises(bf.RequestError, match="Invalid Campaign ID"):
        bf.read_braze_series(NOBODY, length=2, client=client)


def test_a_refused_key_ends_the_pull_at_once(sandbox, client):
    sandbox.fail("status", status=401, times=1000)
    ids = list(sandbox.campaigns.values())
    with pytest.raises(bf.AuthError) as caught:
        bf.read_braze_series(ids, start="2024-01-01", client=client)
    assert caught.value.status == 401
    assert len(sandbox.requests) < len(ids) * 10


def test_all_grains_come_from_one_fetch(sandbox, client):
    id_ = sandbox.campaigns["Weekend Deals: Push Story"]
    frames = bf.read_braze_series(id_, grain="all", client=client)
    assert len(series_asked(sandbox)) == 1
    assert list(frames._fields) == ["variations", "campaigns", "elements"]
    assert frames.elements["clicks"].sum() > 0
    for grain, frame in zip(("variation", "campaign", "element"), frames, strict=True):
        alone = bf.read_braze_series(id_, grain=grain, client=client)
        pd.testing.assert_frame_equal(alone, frame)


def test_columns_keep_what_is_named_in_the_order_of_the_table(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frame = bf.read_braze_series(
        id_, length=2, columns=["opens", "sent", "read"], client=client
    )
    assert list(frame.columns) == ["variation_api_id", "sent", "opens"]


def test_details_name_variations_that_have_no_name(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    plain = bf.read_braze_series(id_, length=2, client=client, details=False)
    assert plain.braze.variations == plain["variation_api_id"].unique().tolist()
    named = bf.read_braze_series(id_, length=2, client=client, details=True)
    assert named.braze.variations == ["Hello and Thank You"]
    sandbox.fail(status=403, path="details")
    with pytest.raises(bf.AuthError, match="campaigns.details"):
        bf.read_braze_series(id_, length=2, client=client, details=True)
    sandbox.fail("garble", path="details")
    with pytest.raises(bf.PayloadError, match="details"):
        bf.read_braze_series(id_, length=2, client=client, details=True)


def test_what_was_read_says_where_from_and_until_when_it_is_settled(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frame = bf.read_braze_series(id_, length=2, client=client, details=False)
    about = frame.attrs["braze"]
    assert json.loads(json.dumps(about)) == about
    assert about["settled_until"] == "2026-05-30"
    assert about["campaigns"] == {id_: id_}
    assert about["fetched_at"].startswith("2026-06-30T12:00:00")


def test_the_environment_says_whom_to_ask(sandbox, monkeypatch):
    monkeypatch.setenv("BRAZE_REST_ENDPOINT", sandbox.url)
    monkeypatch.setenv("BRAZE_API_KEY", sandbox.api_key)
    asked = {"start": "2026-06-01", "end": "2026-06-03"}
    frame = bf.read_braze_series(sandbox.campaigns[WELCOME], **asked)
    assert len(frame) == 3


def test_without_an_endpoint_both_ways_to_set_it_are_said():
    with pytest.raises(bf.ConfigError, match="BRAZE_REST_ENDPOINT.*sandbox"):
        bf.read_braze_series(NOBODY)


def test_a_garbled_answer_is_an_error(sandbox, client):
    sandbox.fail("garble")
    with pytest.raises(bf.PayloadError, match="HTML"):
        bf.read_braze_series(sandbox.campaigns[WELCOME], length=2, client=client)


def test_frames_survive_parquet_pickle_and_concat(frame, tmp_path):
    path = tmp_path / "frame.parquet"
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)
    frame.to_pickle(tmp_path / "frame.pickle")
    back = pd.read_pickle(tmp_path / "frame.pickle")  # noqa: S301
    pd.testing.assert_frame_equal(back, frame)
    joined = pd.concat({"a": frame, "b": frame}, names=["campaign"])
    assert (joined.dtypes == frame.dtypes).all()
    assert joined.loc["a"].equals(frame)


def test_day_totals_of_one_variation_fill_its_row(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    frames = bf.read_braze_series(id_, grain="all", length=5, client=client)
    filled = frames.variations["conversions"].tolist()
    assert filled == frames.campaigns["conversions"].tolist()
    several = bf.read_braze_series(sandbox.campaigns[ORDERS], length=5, client=client)
    assert "conversions" not in several.columns


def test_a_zone_that_is_not_the_clients_is_refused(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    with pytest.raises(ValueError, match="tz='Asia/Seoul' is not the client's, 'UTC'"):
        bf.read_braze_series(id_, length=2, client=client, tz="Asia/Seoul")
    frame = bf.read_braze_series(id_, length=2, client=client, tz="UTC")
    assert frame.attrs["braze"]["tz"] == "UTC"
