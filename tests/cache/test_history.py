"""What the numbers were at a moment, and what later fetches changed."""

import tempfile
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import braze_frames as bf
from braze_frames.core.arguments import moment_in

from ..payloads import ID, day, entry
from ..worlds import World, inhabited
from .test_equals import assert_same, histories

BASKET = "Basket Reminder: Subject Test"
STORY = "Weekend Deals: Push Story"
SPAN = {"start": "2026-04-01", "end": "2026-06-01"}
equal = pd.testing.assert_frame_equal


@pytest.fixture
def cache(tmp_path):
    """Return a cache in an empty folder."""
    return bf.Cache(tmp_path / "cache")


@pytest.mark.parametrize("grain", ["variation", "campaign", "element"])
def test_what_mondays_deck_said_is_answered_exactly(sandbox, client, cache, grain):
    ids = {name: sandbox.campaigns[name] for name in (BASKET, STORY)}
    options = {"grain": grain, "client": client, "cache": cache, **SPAN}
    decks = {}
    for today in ("2026-06-01", "2026-06-08", "2026-06-15", "2026-08-01"):
        sandbox.today = today
        decks[today] = bf.read_braze_series(ids, **options)
    if grain != "element":
        assert not decks["2026-06-01"].equals(decks["2026-06-08"])
    sandbox.stop()
    for today, deck in decks.items():
        equal(bf.read_braze_series(ids, as_of=today, **options), deck)
        noon = datetime.fromisoformat(f"{today}T12:00+00:00")
        equal(bf.read_braze_series(ids, as_of=noon, **options), deck)
        equal(bf.read_braze_series(cache, grain=grain, as_of=today), deck)
    for before, after in pairwise(decks):
        moment = datetime.fromisoformat(f"{after}T11:59+00:00")
        equal(bf.read_braze_series(ids, as_of=moment, **options), decks[before])


def test_the_default_days_are_those_of_that_moment(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    options = {"length": 30, "client": client, "cache": cache}
    sandbox.today = "2026-06-01"
    deck = bf.read_braze_series(id_, **options)
    sandbox.today = "2026-06-20"
    bf.read_braze_series(id_, **options)
    again = bf.read_braze_series(id_, as_of="2026-06-01", **options)
    equal(again, deck)
    about = again.attrs["braze"]
    assert about["settled_until"] == "2026-05-01"


def test_days_that_were_not_known_then_are_an_error_that_names_them(
    sandbox, client, cache
):
    id_ = sandbox.campaigns[BASKET]
    options = {"client": client, "cache": cache}
    sandbox.today = "2026-06-01"
    bf.read_braze_series(id_, start="2026-05-20", **options)
    with pytest.raises(bf.CacheError, match="2026-05-20 … 2026-05-31"):
        bf.read_braze_series(id_, start="2026-05-20", as_of="2026-05-31", **options)
    with pytest.raises(bf.CacheError, match="2026-05-18 … 2026-05-19"):
        bf.read_braze_series(id_, start="2026-05-18", as_of="2026-06-01", **options)


@pytest.mark.filterwarnings("ignore::braze_frames.PayloadWarning")
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), st.data())
def test_every_earlier_state_can_be_read_again(history, data):
    world, start = World("2026-03-01"), date(2026, 3, 1)
    with inhabited(world) as client, tempfile.TemporaryDirectory() as folder:
        cache, states = bf.Cache(folder, settle_days=3), []
        for age, contents, _, last in history:
            world.move_to(str(start + timedelta(days=age)))
            world.days[ID] = contents
            options = {"start": start, "end": start + timedelta(days=last)}
            try:
                frames = bf.read_braze_series(
                    ID, grain="all", client=client, cache=cache, **options
                )
            except bf.PayloadError:
                return
            states.append((world.now, options, frames))
        for now, options, frames in states:
            moment = now + data.draw(
                st.sampled_from([timedelta(0), timedelta(hours=5)])
            )
            found = bf.read_braze_series(
                ID, grain="all", client=client, cache=cache, as_of=moment, **options
            )
            assert_same(found, frames)


def test_revisions_hold_the_cells_that_changed_and_no_others(cache):
    world = World("2026-06-29")
    some = {"sent": 10, "opens": 4, "waves": 3}
    world.days[ID] = {
        "2026-06-27": day(messages={"email": [entry("A", "a", **some)]}, revenue=5.5),
        "2026-06-28": day(messages={"email": [entry("A", "a", **some)]}),
    }
    options = {"start": "2026-06-27", "end": "2026-06-28", "cache": cache}
    with inhabited(world) as client:
        bf.read_braze_series(ID, client=client, **options)
        assert cache.revisions().empty
        world.move_to("2026-06-30")
        less = {"sent": 10, "opens": 3, "waves": 4}
        world.days[ID]["2026-06-27"] = day(
            messages={"email": [entry("B", "a", **less)]}, revenue=6.25
        )
        del world.days[ID]["2026-06-28"]
        found = bf.read_braze_series(ID, client=client, **options)
    assert found["opens"].tolist() == [3]
    table = cache.revisions()
    assert list(table.columns) == [
        *("campaign", "date", "channel", "variation", "stat", "old", "new", "seen_at")
    ]
    assert set(table["campaign"]) == {ID}
    assert set(table["seen_at"]) == {pd.Timestamp("2026-06-30 12:00", tz="UTC")}
    cells = [
        (str(row.date.date()), row.channel, row.variation, row.stat, row.old, row.new)
        for row in table.itertuples(index=False)
    ]
    assert [tuple(map(str, cell)) for cell in cells] == [
        ("2026-06-27", "<NA>", "<NA>", "revenue", "5.5", "6.25"),
        ("2026-06-27", "email", "B", "opens", "4", "3"),
        ("2026-06-27", "email", "B", "waves", "3", "4"),
        ("2026-06-28", "email", "B", "opens", "4", "<NA>"),
        ("2026-06-28", "email", "B", "sent", "10", "<NA>"),
        ("2026-06-28", "email", "B", "waves", "3", "<NA>"),
    ]
    assert (table["new"] > table["old"]).sum() == 2, "they compare and add as numbers"
    assert table["new"].sum() == 6.25 + 3 + 4
    equal(cache.revisions(ID), table)
    assert cache.revisions("nobody").empty
    assert table.dtypes.equals(cache.revisions("nobody").dtypes)


@pytest.mark.faults
@pytest.mark.parametrize("harm", [bytes, None])
def test_lost_history_is_an_error_and_no_wrong_number(sandbox, client, cache, harm):
    id_ = sandbox.campaigns[BASKET]
    options = {"client": client, "cache": cache, **SPAN}
    for today in ("2026-06-01", "2026-06-08"):
        sandbox.today = today
        newest = bf.read_braze_series(id_, **options)
    (path,) = (cache.path / "sandbox-seed-0-UTC" / "revision").rglob("*.parquet")
    path.unlink()
    if harm:
        path.write_bytes(harm(1000))
    warned = pytest.warns(bf.CacheWarning) if harm else nullcontext()
    with warned, pytest.raises(bf.CacheError, match="2026-05-02 … 2026-06-01 were not"):
        bf.read_braze_series(id_, as_of="2026-06-01", **options)
    equal(bf.read_braze_series(id_, as_of="2026-06-08", **options), newest)
    sandbox.today = "2026-06-15"
    bf.read_braze_series(id_, **options)
    equal(bf.read_braze_series(id_, as_of="2026-06-08", **options), newest)
    with pytest.raises(bf.CacheError, match="2026-05-02 … 2026-06-01 were not"):
        bf.read_braze_series(id_, as_of="2026-06-01", **options)


def test_the_same_numbers_again_are_no_revision(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    options = {"length": 20, "client": client, "cache": cache, "refresh": True}
    for _ in range(2):
        bf.read_braze_series(id_, **options)
    assert cache.revisions().empty
    assert not (cache.path / "sandbox-seed-0-UTC" / "revision").exists()


def test_clearing_days_clears_their_history(sandbox, client, cache):
    id_ = sandbox.campaigns[BASKET]
    for today in ("2026-06-01", "2026-06-05"):
        sandbox.today = today
        bf.read_braze_series(id_, length=40, client=client, cache=cache)
    assert cache.revisions()["date"].min() < pd.Timestamp("2026-05-25")
    cache.clear(before="2026-05-25")
    assert cache.revisions()["date"].min() >= pd.Timestamp("2026-05-25")
    cache.clear(campaign=id_)
    assert cache.revisions().empty


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-06-01", "2026-06-01T21:59:59.999999+00:00"),
        (date(2026, 6, 1), "2026-06-01T21:59:59.999999+00:00"),
        ("2026-06-01T09:00", "2026-06-01T07:00:00+00:00"),
        (pd.Timestamp("2026-06-01 09:00", tz="UTC"), "2026-06-01T09:00:00+00:00"),
        (datetime(2026, 6, 1, 9, tzinfo=UTC), "2026-06-01T09:00:00+00:00"),
    ],
)
def test_a_day_means_its_end_and_a_moment_itself(value, moment):
    found = moment_in(value, ZoneInfo("Europe/Berlin"))
    assert found.astimezone(UTC).isoformat() == moment


@pytest.mark.parametrize("value", ["no moment", pd.NaT, "2026-13-01"])
def test_what_is_no_moment_is_refused(sandbox, client, cache, value):
    with pytest.raises(ValueError, match="as_of"):
        bf.read_braze_series(
            sandbox.campaigns[BASKET], client=client, cache=cache, as_of=value
        )
