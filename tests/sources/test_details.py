"""Campaign details: when they are asked, what they give, and that they never harm."""

import json

import pandas as pd
import pytest

import braze_frames as bf

from ..payloads import ID, OTHER_ID, day, entry
from ..worlds import World, inhabited, series_asked

DETAILS = "/campaigns/details"
WELCOME = "Welcome Email"
BASKET = "Basket Reminder: Subject Test"
SPAN = {"start": "2026-06-28", "end": "2026-06-29"}
equal = pd.testing.assert_frame_equal


def asked(sandbox):
    """Return the ids whose details were asked since the last look."""
    paths = [(one.path, one.query["campaign_id"]) for one in sandbox.requests]
    sandbox.requests.clear()
    return [id_ for path, id_ in paths if path == DETAILS]


def test_details_are_asked_where_a_variation_has_no_name_and_nowhere_else(
    sandbox, client
):
    ids = {name: sandbox.campaigns[name] for name in (WELCOME, BASKET)}
    frame = bf.read_braze_series(ids, length=3, client=client)
    assert asked(sandbox) == [ids[WELCOME]]
    assert frame.xs(WELCOME, level="campaign").braze.variations == [
        "Hello and Thank You"
    ]
    bf.read_braze_series(ids, length=3, client=client, details=False)
    assert asked(sandbox) == []
    bf.read_braze_series(ids, length=3, client=client, details=True)
    assert sorted(asked(sandbox)) == sorted(ids.values())


def test_what_details_said_is_kept_with_the_campaign(sandbox, client, tmp_path):
    id_ = sandbox.campaigns[WELCOME]
    options = {"length": 3, "client": client, "cache": tmp_path}
    first = bf.read_braze_series(id_, **options)
    assert asked(sandbox) == [id_]
    equal(bf.read_braze_series(id_, **options), first)
    assert asked(sandbox) == []
    bf.read_braze_series(id_, refresh=True, **options)
    assert asked(sandbox) == [id_]
    sandbox.stop()
    offline = bf.read_braze_series(bf.Cache(tmp_path))
    assert offline.braze.variations == ["Hello and Thank You"]


@pytest.mark.parametrize("fault", ["status", "drop", "cut", "garble", "forbidden"])
def test_where_details_cannot_be_had_ids_stand_without_a_word(
    sandbox, client, tmp_path, fault, recwarn
):
    id_, status = sandbox.campaigns[WELCOME], {"forbidden": 403, "status": 500}
    kind = "status" if fault == "forbidden" else fault
    sandbox.fail(kind, status=status.get(fault), times=1, path="details")
    options = {"length": 3, "client": client, "cache": tmp_path}
    frame = bf.read_braze_series(id_, **options)
    assert frame.braze.variations == frame["variation_api_id"].unique().tolist()
    assert asked(sandbox) == [id_], "one try"
    equal(bf.read_braze_series(id_, **options), frame)
    assert asked(sandbox) == [], "that they were asked is kept"
    assert not [one for one in recwarn if issubclass(one.category, bf.BrazeWarning)]
    named = bf.read_braze_series(id_, details=True, **options)
    assert named.braze.variations == ["Hello and Thank You"]


def test_a_refused_key_is_an_error_and_so_is_what_was_asked_in_so_many_words(
    sandbox, client
):
    id_ = sandbox.campaigns[WELCOME]
    sandbox.fail("status", status=401, path="details")
    with pytest.raises(bf.AuthError):
        bf.read_braze_series(id_, length=2, client=client)
    sandbox.fail("status", status=403, path="details")
    with pytest.raises(bf.AuthError, match="campaigns.details"):
        bf.read_braze_series(id_, length=2, client=client, details=True)


def told(windows=(), **messages):
    """Return campaign details with these messages and windows in days."""
    behaviors = [{"type": "Makes Purchase", "window": 86_400 * n} for n in windows]
    return {
        "message": "success",
        "name": "A campaign",
        "conversion_behaviors": behaviors,
        "messages": messages,
        "first_sent": "2026-06-01T09:00:00+00:00",
        "last_sent": "2026-06-20T09:00:00+00:00",
    }


@pytest.fixture
def account():
    """Serve a test whose variations have no names, and a campaign with one."""
    world = World("2026-06-30")
    control = entry(None, "c", enrolled=50)
    unnamed = [entry(None, "a", sent=4), entry(None, "b", sent=5), control]
    for n in (28, 29):
        world.days[ID] = world.days.get(ID, {}) | {
            f"2026-06-{n}": day(messages={"email": unnamed})
        }
        world.days[OTHER_ID] = world.days.get(OTHER_ID, {}) | {
            f"2026-06-{n}": day(messages={"email": [entry("N", "n", sent=4)]})
        }
    with inhabited(world) as client:
        yield world, client


def test_a_control_is_told_by_its_type(account):
    world, client = account
    world.details[ID] = told(
        a={"channel": "email", "name": "Hat"},
        b={"channel": "email"},
        c={"channel": "email", "type": "control"},
    )
    frame = bf.read_braze_series(ID, client=client, **SPAN)
    assert frame.braze.variations == ["Control Group", "Hat", "b"]
    assert frame.braze.control == "Control Group"


@pytest.mark.parametrize(
    ("windows", "until"),
    [
        ((3,), "2026-06-26"),
        ((7, 30, 3), "2026-05-30"),
        ((0.5,), "2026-06-28"),
        ((), "2026-05-30"),
    ],
)
def test_days_are_settled_a_day_after_the_longest_conversion_window(
    account, windows, until
):
    world, client = account
    world.details[ID] = told(windows, a={"name": "Hat"})
    frame = bf.read_braze_series(ID, client=client, **SPAN)
    assert frame.attrs["braze"]["settled_until"] == until
    plain = bf.read_braze_series(ID, client=client, details=False, **SPAN)
    assert plain.attrs["braze"]["settled_until"] == "2026-05-30"


def test_where_campaigns_differ_each_says_until_when_it_is_settled(account, tmp_path):
    world, client = account
    world.details[ID] = told((3,), a={"name": "Hat"})
    ids = {"test": ID, "other": OTHER_ID}
    for _ in range(2):
        frame = bf.read_braze_series(ids, client=client, cache=tmp_path, **SPAN)
        about = frame.attrs["braze"]
        assert about["settled_until"] == "2026-05-30"
        assert about["settled"] == {"test": "2026-06-26", "other": "2026-05-30"}
        assert json.loads(json.dumps(about)) == about
    alone = bf.read_braze_series({"test": ID}, client=client, **SPAN).attrs["braze"]
    assert alone["settled_until"] == "2026-06-26"
    assert "settled" not in alone
    world.move_to("2026-07-10")
    cache = bf.Cache(tmp_path)
    assert bf.read_braze_series(cache).attrs["braze"]["settled_until"] == "2026-06-27"


def test_a_limit_that_is_closed_makes_no_read_wait_for_names(sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    sandbox.fail("status", status=429, times=1, path="details")
    frame = bf.read_braze_series(id_, length=2, client=client)
    assert frame.braze.variations == frame["variation_api_id"].unique().tolist()
    assert len(series_asked(sandbox)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"messages": []},
        {"messages": {"a": 5, "b": {"name": ["x"]}}, "conversion_behaviors": 5},
        {"messages": {}, "conversion_behaviors": [{"window": "long"}, 7, {}]},
        {"messages": {}, "conversion_behaviors": [{"window": True}, {"window": -1}]},
    ],
)
def test_odd_details_are_no_reason_to_fail(account, answer):
    world, client = account
    world.details[ID] = answer or [1]
    frame = bf.read_braze_series(ID, client=client, **SPAN)
    assert len(frame) == 6
    assert frame.attrs["braze"]["settled_until"] == "2026-05-30"
