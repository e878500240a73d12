"""The cache in use: what is asked, what is served, what it tells and removes."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

import braze_frames as bf
from braze_frames.cache.cache import as_cache
from braze_frames.cache.campaign import CampaignFiles
from braze_frames.sources.offline import labels_of
from braze_frames.storage.layout import folder_of
from braze_frames.storage.local import LocalStorage

from ..payloads import ID, OTHER_ID, day, email, entry
from ..worlds import KEY, World, inhabited, series_asked

WELCOME = "Welcome Email"
BASKET = "Basket Reminder: Subject Test"
STORY = "Weekend Deals: Push Story"
NOBODY = "00000000-0000-4000-8000-000000000000"
equal = pd.testing.assert_frame_equal


@pytest.fixture
def cache(tmp_path):
    """Return a cache in an empty folder."""
    return bf.Cache(tmp_path / "cache")


def asked(sandbox):
    """Return the lengths asked since the last look."""
    lengths = [int(request.query["length"]) for request in series_asked(sandbox)]
    sandbox.requests.clear()
    return sorted(lengths)


def test_a_warm_read_asks_for_nothing(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    first = bf.read_braze_series(id_, start="2025-12-01", client=client, cache=cache)
    assert len(asked(sandbox)) == 3
    for _ in range(2):
        again = bf.read_braze_series(
            id_, start="2025-12-01", client=client, cache=cache
        )
        equal(again, first)
    assert asked(sandbox) == []


@pytest.mark.parametrize("kind", [str, Path, bf.Cache])
def test_a_folder_or_a_cache_can_be_passed(sandbox, client, tmp_path, kind):
    for _ in range(2):
        bf.read_braze_series(
            sandbox.campaigns[WELCOME], client=client, cache=kind(tmp_path)
        )
    assert asked(sandbox) == [100]


def test_what_is_no_cache_is_refused():
    with pytest.raises(TypeError, match="bf.Cache"):
        as_cache(3)
    assert as_cache(False) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"settle_days": -1}, "settle_days=-1"),
        ({"max_age": "-1h"}, "max_age"),
        ({"max_age": "soon"}, "soon|abbreviation"),
    ],
)
def test_terms_that_make_no_sense_are_refused(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        bf.Cache(tmp_path, **options)


def test_the_next_day_asks_for_unsettled_days_alone(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    bf.read_braze_series(id_, start="2025-12-01", client=client, cache=cache)
    asked(sandbox)
    sandbox.today = "2026-07-01"
    again = bf.read_braze_series(id_, start="2025-12-01", client=client, cache=cache)
    assert asked(sandbox) == [32]
    equal(again, bf.read_braze_series(id_, start="2025-12-01", client=client))


def test_days_before_and_after_those_stored_are_all_that_is_asked(
    sandbox, client, cache
):
    id_ = sandbox.campaigns[BASKET]
    some = {"start": "2026-02-10", "end": "2026-03-01"}
    bf.read_braze_series(id_, client=client, cache=cache, **some)
    asked(sandbox)
    more = {"start": "2026-02-01", "end": "2026-03-05"}
    frame = bf.read_braze_series(id_, client=client, cache=cache, **more)
    assert asked(sandbox) == [33]
    equal(frame, bf.read_braze_series(id_, client=client, **more))
    asked(sandbox)
    far = {"start": "2025-06-01", "end": "2026-03-05"}
    bf.read_braze_series(id_, client=client, cache=cache, **far)
    assert sum(asked(sandbox)) == 245


def test_refresh_asks_for_all_days(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    bf.read_braze_series(id_, start="2025-12-01", client=client, cache=cache)
    asked(sandbox)
    bf.read_braze_series(
        id_, start="2025-12-01", client=client, cache=cache, refresh=True
    )
    assert sum(asked(sandbox)) == 212


def test_a_partial_today_is_replaced(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    sandbox.today = "2026-05-05"
    partial = bf.read_braze_series(id_, length=1, client=client, cache=cache)
    sandbox.today = "2026-05-06"
    whole = bf.read_braze_series(
        id_, start="2026-05-05", end="2026-05-05", client=client, cache=cache
    )
    assert whole["unique_recipients"].sum() > partial["unique_recipients"].sum()
    cells = cache.revisions().set_index("stat")
    assert (cells.loc["unique_recipients", "new"] > 0).all()


def test_columns_are_read_alone_and_in_the_order_of_the_table(sandbox, client, cache):
    for name in (BASKET, WELCOME, STORY):
        id_ = sandbox.campaigns[name]
        for grain in ("variation", "campaign", "all"):
            for columns in (["opens", "sent"], ["conversions"], "revenue"):
                options = {"columns": columns, "grain": grain, "client": client}
                expected = bf.read_braze_series(id_, **options)
                found = bf.read_braze_series(id_, cache=cache, **options)
                if grain != "all":
                    expected, found = [expected], [found]
                for one, other in zip(found, expected, strict=True):
                    equal(one, other)
    with pytest.raises(ValueError, match="unique_opens"):
        bf.read_braze_series(id_, columns=["unique_open"], client=client, cache=cache)


def test_all_grains_of_all_campaigns_are_served_as_they_came(sandbox, client, cache):
    names = sandbox.campaigns
    for today in ("2026-06-30", "2026-07-01", "2026-08-15"):
        sandbox.today = today
        options = {"start": "2026-04-01", "grain": "all", "client": client}
        expected = bf.read_braze_series(names, **options)
        for one, other in zip(
            bf.read_braze_series(names, cache=cache, **options), expected, strict=True
        ):
            equal(one, other)
    for grain, frame in zip(
        ("variation", "campaign", "element"), expected, strict=True
    ):
        options = {"start": "2026-04-01", "grain": grain, "client": client}
        equal(bf.read_braze_series(names, cache=cache, **options), frame)


def test_stats_that_the_table_does_not_know_keep_their_kind(cache):
    world = World("2026-06-30")
    entries = [entry("A", "a", sent=1, waves=n, depth=n / 2) for n in (2, 3, 4)]
    world.days[ID] = {
        f"2026-06-0{n}": day(messages={"email": [one]}, day_waves=n)
        for n, one in enumerate(entries, 1)
    }
    with inhabited(world) as client:
        for start, end in (("2026-06-01", "2026-06-03"), ("2026-06-01", "2026-06-01")):
            for grain in ("variation", "campaign"):
                options = {"start": start, "end": end, "grain": grain, "client": client}
                expected = bf.read_braze_series(ID, **options)
                equal(bf.read_braze_series(ID, cache=cache, **options), expected)
        found = bf.read_braze_series(
            ID, start="2026-06-01", end="2026-06-03", client=client, cache=cache
        )
        waves = bf.read_braze_series(
            ID,
            start="2026-06-01",
            end="2026-06-03",
            columns=["waves"],
            client=client,
            cache=cache,
        )
    assert list(waves) == ["variation_api_id", "waves"]
    assert found["waves"].tolist() == [2, 3, 4]
    assert found["depth"].tolist() == [1.0, 1.5, 2.0]


def test_a_renamed_variation_has_its_newest_name_on_all_days(cache):
    world = World("2026-06-30")
    old = day(messages={"email": [entry("Old", "a", sent=1)]})
    new = day(messages={"email": [entry("New", "a", sent=2)]})
    world.days[ID] = {"2026-05-01": old, "2026-06-29": old}
    with inhabited(world) as client:
        first = bf.read_braze_series(ID, start="2026-05-01", client=client, cache=cache)
        assert first.index.unique("variation").tolist() == ["Old"]
        world.move_to("2026-07-01")
        world.days[ID] = {"2026-05-01": old, "2026-06-29": new}
        options = {"start": "2026-05-01", "client": client}
        found = bf.read_braze_series(ID, cache=cache, **options)
        equal(found, bf.read_braze_series(ID, **options))
        assert found.index.unique("variation").tolist() == ["New"]
        deck = bf.read_braze_series(ID, cache=cache, as_of="2026-06-30", **options)
        equal(deck, first)


def test_names_from_details_are_kept(sandbox, client, cache):
    id_ = sandbox.campaigns[WELCOME]
    options = {"length": 3, "client": client, "cache": cache}
    bf.read_braze_series(id_, details=False, **options)
    named = bf.read_braze_series(id_, details=True, **options)
    assert named.braze.variations == ["Hello and Thank You"]
    sandbox.requests.clear()
    equal(bf.read_braze_series(id_, details=True, **options), named)
    assert sandbox.requests == []
    equal(bf.read_braze_series(id_, **options), named)
    assert sandbox.requests == []
    plain = bf.read_braze_series(id_, details=False, **options)
    assert plain.braze.variations == plain["variation_api_id"].unique().tolist()


def test_with_the_server_down_what_is_settled_is_served(sandbox, cache):
    names = {name: sandbox.campaigns[name] for name in (BASKET, WELCOME)}
    settled = {"start": "2026-03-01", "end": "2026-05-30"}
    with sandbox.connect(retries=0) as client:
        expected = bf.read_braze_series(names, client=client, cache=cache, **settled)
        sandbox.stop()
        equal(
            bf.read_braze_series(names, client=client, cache=cache, **settled), expected
        )
        with pytest.raises(bf.RequestError, match="2026-05-31 … 2026-06-03") as caught:
            bf.read_braze_series(
                names[BASKET],
                start="2026-03-01",
                end="2026-06-03",
                client=client,
                cache=cache,
            )
        assert "2026-03-01" not in str(caught.value)
        with pytest.raises(bf.PullError, match="2026-02-01 … 2026-02-28") as several:
            bf.read_braze_series(
                names, start="2026-02-01", end="2026-05-30", client=client, cache=cache
            )
        assert sorted(several.value.failed) == sorted(names)


def test_a_pull_that_fails_in_part_keeps_what_came(sandbox, client, cache):
    ids = {"good": sandbox.campaigns[BASKET], "bad": NOBODY}
    with pytest.raises(bf.PullError) as caught:
        bf.read_braze_series(ids, length=5, client=client, cache=cache)
    assert caught.value.frame.braze.campaigns == ["good"]
    sandbox.requests.clear()
    bf.read_braze_series(ids["good"], length=5, client=client, cache=cache)
    assert sandbox.requests == []


def test_windows_that_came_are_kept_where_others_of_the_campaign_failed(sandbox, cache):
    id_ = sandbox.campaigns[BASKET]
    options = {"start": "2025-07-01", "end": "2026-05-30", "cache": cache}
    with sandbox.connect(retries=0, max_workers=1) as client:
        sandbox.fail(times=1)
        with pytest.raises(bf.RequestError, match="2025-07-01 … 2025-08-03"):
            bf.read_braze_series(id_, client=client, **options)
        sandbox.requests.clear()
        bf.read_braze_series(id_, client=client, **options)
    assert asked(sandbox) == [34]


def test_a_refused_key_keeps_what_came_before(sandbox, cache):
    ids = list(sandbox.campaigns.values())
    with sandbox.connect(max_workers=1) as client:
        bf.read_braze_series(ids[:3], length=5, client=client, cache=cache)
        sandbox.fail(status=401, times=1000)
        with pytest.raises(bf.AuthError):
            bf.read_braze_series(ids, length=5, client=client, cache=cache)
    assert len(cache.info()) == 3


def test_a_cache_is_a_source_that_asks_nobody(sandbox, client, cache):
    names = sandbox.campaigns
    options = {"start": "2026-04-01", "end": "2026-06-30"}
    expected = bf.read_braze_series(names, client=client, cache=cache, **options)
    sandbox.stop()
    found = bf.read_braze_series(cache)
    equal(found, expected)
    assert found.attrs["braze"]["settled_until"] == "2026-05-30"
    week = bf.read_braze_series(cache, start="2026-05-01", end="2026-05-07")
    equal(
        week, expected.loc[(slice(None), slice("2026-05-01", "2026-05-07")), :][[*week]]
    )
    newest = bf.read_braze_series(cache, length=2, columns=["sent"])
    assert newest.index.unique("date").strftime("%m-%d").tolist() == ["06-29", "06-30"]
    assert list(newest) == ["variation_api_id", "sent"]


def test_an_empty_cache_is_no_frame(tmp_path, sandbox, client, cache):
    with pytest.raises(bf.CacheError, match="holds no days"):
        bf.read_braze_series(bf.Cache(tmp_path / "nothing"))
    bf.read_braze_series(
        sandbox.campaigns[BASKET], length=3, client=client, cache=cache
    )
    with pytest.raises(bf.CacheError, match="end=2020-01-01"):
        bf.read_braze_series(cache, end="2020-01-01")


def test_options_that_contradict_each_other_are_refused(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    with pytest.raises(ValueError, match="cache="):
        bf.read_braze_series(id_, client=client, as_of="2026-06-01")
    with pytest.raises(ValueError, match="cache="):
        bf.read_braze_series(email(entry("A", sent=1)), cache=cache, as_of="2026-06-01")
    with pytest.raises(ValueError, match="refresh"):
        bf.read_braze_series(
            id_, client=client, cache=cache, as_of="2026-06-01", refresh=True
        )
    with pytest.raises(ValueError, match="asks nobody"):
        bf.read_braze_series(cache, refresh=True)


def test_info_tells_what_is_stored(sandbox, client, cache):
    assert cache.info().empty
    bf.read_braze_series(
        {"Basket": sandbox.campaigns[BASKET]}, length=50, client=client, cache=cache
    )
    info = cache.info()
    assert list(info.columns) == [
        *("campaign", "name", "first", "last", "settled_until", "days", "rows"),
        *("bytes", "fetched_at"),
    ]
    row = info.iloc[0]
    assert row["campaign"] == sandbox.campaigns[BASKET]
    assert row["name"] == "Basket"
    assert [str(row[name].date()) for name in ("first", "last", "settled_until")] == [
        *("2026-05-12", "2026-06-30", "2026-05-30")
    ]
    assert (row["days"], row["rows"]) == (50, 150)
    files = list(cache.path.rglob("*.parquet"))
    assert row["bytes"] == sum(path.stat().st_size for path in files)
    assert row["fetched_at"] == pd.Timestamp("2026-06-30 12:00", tz="UTC")
    assert info.dtypes.equals(bf.Cache(cache.path / "none").info().dtypes)


def test_clear_removes_a_campaign_days_or_all_and_tells_what(sandbox, client, cache):
    names = {name: sandbox.campaigns[name] for name in (BASKET, WELCOME, STORY)}
    bf.read_braze_series(names, length=60, client=client, cache=cache)
    old = cache.clear(before="2026-05-10")
    assert old["days"].tolist() == [8, 8, 8]
    assert old["last"].unique().strftime("%m-%d").tolist() == ["05-09"]
    assert cache.info()["days"].tolist() == [52, 52, 52]
    assert cache.clear(campaign=BASKET)["name"].tolist() == [BASKET]
    assert cache.clear(campaign=names[WELCOME])["name"].tolist() == [WELCOME]
    assert cache.clear(campaign="nobody").empty
    assert cache.info()["name"].tolist() == [STORY]
    assert cache.clear()["days"].tolist() == [52]
    assert not list(cache.path.rglob("*.parquet"))
    assert cache.clear().empty


def test_what_was_cleared_is_fetched_again_and_nothing_else(sandbox, client, cache):
    id_ = sandbox.campaigns[STORY]
    options = {"start": "2026-03-01", "end": "2026-05-30", "grain": "all"}
    expected = bf.read_braze_series(id_, client=client, cache=cache, **options)
    asked(sandbox)
    cache.clear(before="2026-03-11")
    found = bf.read_braze_series(id_, client=client, cache=cache, **options)
    for one, other in zip(found, expected, strict=True):
        equal(one, other)
    assert asked(sandbox) == [10]


@pytest.mark.faults
def test_two_endpoints_may_have_the_same_campaign_id(tmp_path):
    frames, cache = [], bf.Cache(tmp_path)
    for seed in (0, 1):
        with bf.Sandbox(seed=seed) as sandbox, sandbox.connect() as client:
            id_ = sandbox.campaigns[BASKET]
            options = {"length": 5, "client": client}
            expected = bf.read_braze_series(id_, **options)
            for _ in range(2):
                equal(bf.read_braze_series(id_, cache=cache, **options), expected)
            frames.append(expected)
    assert not frames[0].equals(frames[1])
    info = cache.info()
    assert info["campaign"].tolist() == [id_, id_]
    assert info.index.is_unique
    both = bf.read_braze_series(cache)
    assert both.braze.campaigns == [f"{id_} [{id_[:8]}] [{end}]" for end in info.index]


def test_each_endpoint_has_a_folder_of_its_own():
    addresses = ["a.com", "a.com:80", "a.com/80", "a.com_80", "127.0.0.1:1", "A.com/80"]
    folders = [folder_of(address) for address in addresses]
    assert len(set(folders)) == len(folders)
    assert folders[0] == "a.com"
    assert all("/" not in folder and ":" not in folder for folder in folders)


def test_a_sandbox_never_reaches_the_users_real_cache(tmp_path):
    code = """
import braze_frames as bf
from braze_frames.sandbox.sandbox import shared
client = bf.connect("sandbox")
id_ = client.campaigns()["id"].iloc[0]
for cache in (True, bf.Cache()):
    bf.read_braze_series(id_, client=client, cache=cache)
paths = [request.path for request in shared().requests]
print(len(bf.Cache().info()), paths.count("/campaigns/data_series"))
"""
    home = tmp_path / "home"
    temporary = tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(temporary),
    }
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1"]
    assert list(home.iterdir()) == []
    assert list(temporary.iterdir()) == []


def test_the_default_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    cache = bf.Cache()
    assert tmp_path in cache.path.parents
    with bf.connect("US-05", "made-up") as client:
        assert cache.storage_for(client).root == cache.path / "rest.iad-05.braze.com"


def test_nothing_of_the_key_is_in_any_file(tmp_path):
    world = World("2026-06-30")
    world.days[ID] = {"2026-06-29": day(messages={"email": [entry("A", sent=1)]})}
    with inhabited(world) as client:
        bf.read_braze_series({"a": ID}, client=client, cache=tmp_path)
        world.move_to("2026-07-01")
        world.days[ID] = {}
        with pytest.warns(bf.PayloadWarning, match="without messages"):
            bf.read_braze_series({"a": ID}, client=client, cache=tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 3
    for path in files:
        assert KEY.encode() not in path.read_bytes()
        assert KEY not in str(path)


@pytest.mark.faults
def test_an_id_that_tries_to_leave_the_folder_is_refused(tmp_path, sandbox, client):
    outside = tmp_path / "outside.parquet"
    outside.write_bytes(b"mine")
    cache = bf.Cache(tmp_path / "cache")
    for id_ in ("../x", "../outside.parquet", "/etc/passwd", "..", f"{ID}/../x"):
        with pytest.raises(bf.SourceError):
            CampaignFiles(LocalStorage(cache.path / "host"), id_)
        with pytest.raises(bf.SourceError):
            bf.read_braze_series([id_, ID], client=client, cache=cache)
        assert cache.clear(campaign=id_).empty
    assert outside.read_bytes() == b"mine"
    assert list(tmp_path.rglob("*")) == [outside]


def test_answers_that_a_wrong_time_zone_shifts_are_stored_under_their_days(cache):
    with bf.Sandbox(tz="Asia/Seoul") as sandbox, sandbox.connect() as right:
        id_ = sandbox.campaigns[BASKET]
        options = {"start": "2025-12-01", "end": "2026-06-15"}
        expected = bf.read_braze_series(id_, client=right, **options)
        with sandbox.connect(tz="UTC") as wrong:
            with pytest.warns(bf.WindowWarning, match="UTC"):
                found = bf.read_braze_series(id_, client=wrong, cache=cache, **options)
            equal(found, expected)
            sandbox.requests.clear()
            equal(
                bf.read_braze_series(id_, client=wrong, cache=cache, **options),
                expected,
            )
            assert sandbox.requests == []


def test_upper_case_and_lower_case_are_the_same_campaign(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    bf.read_braze_series(id_, length=5, client=client, cache=cache)
    sandbox.requests.clear()
    bf.read_braze_series(id_.upper(), length=5, client=client, cache=cache)
    assert sandbox.requests == []


@pytest.mark.faults
def test_a_clock_set_back_loses_nothing(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    bf.read_braze_series(id_, start="2026-03-01", client=client, cache=cache)
    before = bf.read_braze_series(cache)
    sandbox.today = "2026-06-10"
    options = {"start": "2026-03-01", "client": client}
    found = bf.read_braze_series(id_, cache=cache, **options)
    equal(found, bf.read_braze_series(id_, **options))
    kept = bf.read_braze_series(cache)
    assert kept.index.equals(before.index)
    sandbox.today = "2026-06-30"
    equal(
        bf.read_braze_series(id_, cache=cache, **options),
        bf.read_braze_series(id_, **options),
    )


def test_names_that_several_campaigns_have_are_told_apart(tmp_path):
    one, two = (
        CampaignFiles(LocalStorage(tmp_path / "a"), id_) for id_ in (ID, OTHER_ID)
    )
    third = CampaignFiles(LocalStorage(tmp_path / "b"), ID)
    assert labels_of([(one, "x"), (two, "x")]) == [
        f"x [{ID[:8]}]",
        f"x [{OTHER_ID[:8]}]",
    ]
    assert labels_of([(one, "x"), (third, None)]) == ["x", ID]
    assert len(set(labels_of([(one, "x"), (third, "x")]))) == 2


def test_the_longest_age_is_a_duration_of_the_users_choice(sandbox, client, tmp_path):
    id_ = sandbox.campaigns[BASKET]
    patient = bf.Cache(tmp_path, max_age="2 days")
    assert patient.max_age == timedelta(days=2)
    bf.read_braze_series(id_, length=9, end="2026-06-30", client=client, cache=patient)
    sandbox.requests.clear()
    sandbox.today = "2026-07-02"
    options = {"length": 9, "end": "2026-06-30", "client": client}
    bf.read_braze_series(id_, cache=patient, **options)
    assert sandbox.requests == []
    bf.read_braze_series(id_, cache=bf.Cache(tmp_path), **options)
    assert asked(sandbox) == [9]
