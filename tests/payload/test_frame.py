"""The frame: one test for each of its rules, then random payloads and the reference."""

import datetime as dt
import io
import json
import pickle
import warnings
from itertools import product

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import braze_frames as bf

from ..payloads import (
    ID,
    LABELS,
    OTHER_ID,
    as_bytes,
    assert_equals,
    campaigns,
    cells,
    day,
    dtype_names,
    email,
    entry,
    labels,
    response,
    two_days,
)
from ..reference import WrongError, flatten

THREE = ["date", "channel", "variation"]
KINDS = ("file", "path", "response", "windows", "rows")


def values(frame):
    """The given values of each row."""
    return [row for _, row in cells(frame)]


def test_index_is_date_channel_variation_unique_and_sorted():
    found = [entry("b", sent=1), entry("B", sent=2), entry("é", sent=3)]
    frame = bf.read_braze_series(two_days(found, found[::-1]))
    assert frame.index.names == THREE
    assert frame.index.is_unique
    assert frame.index.is_monotonic_increasing
    assert labels(two_days(found, found[::-1])) == ["B", "b", "é"] * 2


def test_date_is_a_naive_day_in_microseconds_and_labels_are_default_strings():
    frame = bf.read_braze_series({"x": email(entry("A", sent=1))})
    dates = frame.index.get_level_values("date")
    assert dates.dtype == "datetime64[us]"
    assert dates.tz is None
    for level in ("campaign", "channel", "variation"):
        assert frame.index.get_level_values(level).dtype == pd.Index(["a"]).dtype


@pytest.mark.parametrize(
    ("name", "kind"),
    # An object whose `data` are rows is an answer.
    [
        *product(["Time", "time", "message", "size"], KINDS),
        *product(["data"], KINDS[:4]),
    ],
)
def test_a_campaign_may_be_called_as_a_key_of_an_answer_is(name, kind, tmp_path):
    answer = email(entry("A", "a", sent=1))
    path = tmp_path / "answer.json"
    path.write_bytes(as_bytes(answer))
    sources = {
        "file": io.BytesIO(as_bytes(answer)),
        "path": path,
        "response": answer,
        "windows": [answer],
        "rows": answer["data"],
    }
    frame = bf.read_braze_series({name: sources[kind]})
    assert frame.index.to_list() == [
        (name, pd.Timestamp("2026-03-01"), "email", "A"),
    ]


@pytest.mark.parametrize("grain", ["variation", "campaign"])
def test_what_is_renamed_in_one_frame_stays_in_it(grain):
    def read():
        return bf.read_braze_series(email(entry("A", "a", sent=1)), grain=grain)

    names, columns = read().index.names, [*read().columns]
    first = read()
    first.columns.name = "stat"
    first.index.names = [f"my {name}" for name in names]
    first.columns = [f"my {name}" for name in columns]
    second = read()
    second.columns.names, second.index.names = ["x"], [*map(str.upper, names)]
    third = read()
    assert third.index.names == names
    assert [*third.columns] == columns
    assert third.columns.name is None


def test_an_empty_series_is_an_empty_frame_with_index_and_dtypes():
    for source in (response(), io.BytesIO(b'{"data": []}'), [response(), response()]):
        frames = bf.read_braze_series(source, grain="all")
        expected = flatten({None: [response()]})
        assert_equals(frames.variations, expected.variation)
        assert_equals(frames.campaigns, expected.campaign)
        assert_equals(frames.elements, expected.element)
        assert list(frames.variations.columns) == ["variation_api_id"]
        assert list(frames.elements.columns) == ["clicks"]


def test_all_is_a_tuple_of_the_three_grains_from_one_read():
    found = entry("A", ID, sent=1, notif_button_1_Go_click=2)
    answer = email(found, conversions=3)
    frames = bf.read_braze_series(answer, grain="all")
    assert frames._fields == ("variations", "campaigns", "elements")
    for frame, grain in zip(frames, ("variation", "campaign", "element"), strict=True):
        expected = bf.read_braze_series(answer, grain=grain)
        pd.testing.assert_frame_equal(frame, expected)
    assert frames.elements.index.names == [*THREE, "element", "position", "title"]
    assert frames.campaigns.index.names == ["date"]


def test_variation_api_id_is_a_nullable_string():
    frame = bf.read_braze_series(email(entry("A", ID), entry("B", None)))
    assert dtype_names(frame)["variation_api_id"] == "string"
    assert frame["variation_api_id"].tolist() == [ID, pd.NA]


def test_a_mapping_makes_the_campaign_level_even_for_one_campaign():
    answer = email(entry("A", ID, sent=1), conversions=2)
    frames = bf.read_braze_series({"Spring": answer}, grain="all")
    assert frames.variations.index.names == ["campaign", *THREE]
    assert frames.campaigns.index.names == ["campaign", "date"]
    assert frames.campaigns.index.tolist() == [("Spring", pd.Timestamp("2026-03-01"))]


def test_a_mapping_takes_files_and_responses_side_by_side(tmp_path):
    answer = email(entry("A", ID, sent=1))
    path = tmp_path / "x.json"
    path.write_bytes(as_bytes(answer))
    source = {"c": answer, "b": path, "a": io.BytesIO(as_bytes(answer))}
    frame = bf.read_braze_series(source)
    assert [place[0] for place, _ in cells(frame)] == ["a", "b", "c"]
    assert values(frame) == [{"variation_api_id": ID, "sent": 1}] * 3


def test_paths_make_the_campaign_level_labelled_by_file_name(tmp_path):
    paths = [tmp_path / name for name in ("b.json", "a.jsonl", "c.v2.json")]
    for path in paths:
        path.write_bytes(as_bytes(email(entry("A", ID, sent=1))))
    for source in (paths, list(map(str, paths)), str(tmp_path / "*.json*")):
        frame = bf.read_braze_series(source)
        found = frame.index.get_level_values("campaign").tolist()
        assert found[:2] == ["a", "b"]
        assert len(found) == 3
    for source in (paths[:1], str(tmp_path / "b.*")):
        frame = bf.read_braze_series(source)
        assert frame.index.get_level_values("campaign").tolist() == ["b"]


def test_a_path_given_twice_is_read_once(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(as_bytes(email(entry("A", ID, sent=1))))
    frame = bf.read_braze_series([path, str(path)])
    assert [place[0] for place, _ in cells(frame)] == ["a"]


def test_files_of_one_name_in_two_folders_stay_two_campaigns(tmp_path):
    paths = [tmp_path / folder / "a.json" for folder in ("one", "two")]
    for sent, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(as_bytes(email(entry("A", ID, sent=sent))))
    frame = bf.read_braze_series(paths)
    assert frame.index.is_unique
    assert sorted(frame["sent"]) == [0, 1]


def test_a_list_of_responses_is_one_campaign_in_windows():
    windows = [
        email(entry("A", ID, sent=1), time="2026-03-02"),
        email(entry("A", ID, sent=2), time="2026-03-01"),
    ]
    frame = bf.read_braze_series(windows)
    assert frame.index.names == THREE
    assert frame["sent"].tolist() == [2, 1]


def test_entries_of_one_variation_in_one_day_are_added_up():
    found = [
        entry("A", ID, sent=1, opens=2, revenue=0.5),
        entry("A", ID, sent=4, clicks=None, revenue=2),
        entry(None, ID, clicks=8, winks=3),
        entry("A", ID, winks=5),
    ]
    frame = bf.read_braze_series(email(*found))
    expected = {"sent": 5, "opens": 2, "clicks": 8, "revenue": 2.5, "winks": 8}
    assert values(frame) == [{"variation_api_id": ID} | expected]


def test_entries_without_ids_are_added_up_by_name():
    frame = bf.read_braze_series(email(entry("A", sent=1), entry("A", sent=2)))
    assert values(frame) == [{"sent": 3}]


def test_sums_are_exact_to_the_end_of_int64():
    half = 2**62
    frame = bf.read_braze_series(
        email(entry("A", sent=half), entry("A", sent=half - 1))
    )
    assert frame["sent"].tolist() == [2**63 - 1]
    found = [entry("A", sent=n) for n in (2**63 - 1, 1, -5)]
    assert bf.read_braze_series(email(*found))["sent"].tolist() == [2**63 - 5]


@pytest.mark.parametrize("stat", ["sent", "winks"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_outside_int64_is_refused(stat, sign):
    found = [entry("A", **{stat: sign * 2**62})] * 3
    with pytest.raises(bf.PayloadError, match=stat) as caught:
        bf.read_braze_series(email(*found))
    assert "2026-03-01" in str(caught.value)
    assert "email" in str(caught.value)


def test_one_channel_and_one_variation_take_the_day_totals():
    totals = {"conversions": 3, "conversions1_by_send_time": 1, "conversions4": 2}
    answer = email(entry(None, ID, sent=9), unique_recipients=8, revenue=1.5, **totals)
    frame = bf.read_braze_series(answer)
    own = {"variation_api_id": ID, "sent": 9}
    assert values(frame) == [own | totals | {"unique_recipients": 8, "revenue": 1.5}]


def test_only_missing_cells_are_filled():
    first = [entry("A", ID, conversions=0, revenue=None)]
    second = [entry("A", ID, conversions=None)]
    frame = bf.read_braze_series(two_days(first, second, conversions=5, revenue=2.0))
    own = {"variation_api_id": ID, "revenue": 2.0}
    assert values(frame) == [own | {"conversions": 0}, own | {"conversions": 5}]


def test_a_missing_day_total_fills_nothing():
    answer = two_days([entry("A", ID, sent=1)], [entry("A", ID, sent=2)])
    answer["data"][0]["conversions"] = 3
    answer["data"][1]["conversions"] = None
    assert [row.get("conversions") for row in values(bf.read_braze_series(answer))] == [
        3,
        None,
    ]


def test_other_day_keys_are_never_filled_in():
    frame = bf.read_braze_series(email(entry("A", ID, sent=1), day_winks=5))
    assert values(frame) == [{"variation_api_id": ID, "sent": 1}]


def test_empty_lists_are_no_channel_for_the_fill():
    messages = {"email": [entry("A", ID)], "sms": [], "webhook": None}
    frame = bf.read_braze_series(response(day(messages=messages, conversions=5)))
    assert frame["conversions"].tolist() == [5]


def test_one_variation_given_twice_in_a_day_is_still_one_for_the_fill():
    found = [entry("A", ID, sent=1), entry("A", ID, sent=2)]
    frame = bf.read_braze_series(email(*found, conversions=5))
    assert values(frame) == [{"variation_api_id": ID, "sent": 3, "conversions": 5}]


@pytest.mark.parametrize(
    "others",
    [
        {"email": [entry("B", OTHER_ID, sent=1)]},
        {"sms": [entry("A", ID, sent=1)]},
        {"email": [entry("A", None, sent=1)]},
        {"email": [{}]},
    ],
)
def test_day_totals_are_never_spread_over_channels_or_variations(others):
    days = [
        day("2026-03-01", {"email": [entry("A", ID, sent=1)]}, conversions=5),
        day("2026-03-02", others, conversions=5),
    ]
    frame = bf.read_braze_series(response(*days))
    assert "conversions" not in frame.columns


def test_two_spellings_of_a_channel_are_one_for_the_fill():
    days = [
        day("2026-03-01", {"apple_push": [entry("A", ID)]}, conversions=5),
        day("2026-03-02", {"ios_push": [entry("A", ID)]}, conversions=6),
    ]
    assert bf.read_braze_series(response(*days))["conversions"].tolist() == [5, 6]


def test_the_fill_looks_at_the_days_that_are_read():
    found = two_days(
        [entry("A", ID)], [entry("A", ID), entry("B", OTHER_ID)], conversions=5
    )
    assert "conversions" not in bf.read_braze_series(found).columns
    frame = bf.read_braze_series(found, end="2026-03-01")
    assert frame["conversions"].tolist() == [5]


def test_the_fill_works_for_each_campaign_by_itself():
    single = email(entry("A", ID, sent=1), conversions=5)
    tested = email(entry("A", ID, sent=1), entry("B", OTHER_ID, sent=2), conversions=7)
    frame = bf.read_braze_series({"single": single, "tested": tested})
    assert [row.get("conversions") for row in values(frame)] == [5, None, None]


def test_the_campaign_grain_has_a_row_for_each_day_and_only_given_totals():
    days = [
        day("2026-03-01"),
        day("2026-03-02", conversions=None, revenue=1),
        day("2026-03-03", unique_recipients=4),
    ]
    frame = bf.read_braze_series(response(*days), grain="campaign")
    assert list(frame.columns) == ["unique_recipients", "revenue"]
    assert values(frame) == [{}, {"revenue": 1.0}, {"unique_recipients": 4}]


def test_unknown_day_totals_follow_the_known_ones():
    totals = {"zz": 1, "aa": 2.5, "conversions": 3, "unique_recipients": 4}
    answer = email(entry("A"), **totals)
    frame = bf.read_braze_series(answer, grain="campaign")
    assert list(frame.columns) == ["unique_recipients", "conversions", "aa", "zz"]
    assert [str(t) for t in frame.dtypes] == ["Int64", "Int64", "Float64", "Int64"]


def test_equal_days_of_two_windows_are_joined():
    first = two_days([entry("A", ID, sent=1)], [entry("A", ID, sent=2)], conversions=3)
    second = email(entry("A", ID, sent=2), time="2026-03-02", conversions=3)
    frame = bf.read_braze_series([first, second])
    assert frame["sent"].tolist() == [1, 2]
    assert frame["conversions"].tolist() == [3, 3]


def test_the_same_day_twice_in_one_response_is_joined_and_not_added_up():
    found = email(entry("A", ID, sent=2), conversions=3)["data"]
    frame = bf.read_braze_series(response(*found, *found))
    assert frame["sent"].tolist() == [2]


def test_windows_may_differ_in_names_and_the_later_one_wins():
    windows = [email(entry(name, ID, sent=2)) for name in ("old", "new")]
    assert labels(windows) == ["new"]
    assert labels(windows[::-1]) == ["old"]


def test_days_out_of_the_range_are_not_read_at_all():
    bad = [
        day("2026-02-28", {"email": [entry("A", ID, sent="text")]}, conversions=True),
        day("2026-03-02", {"email": "no list"}),
        day("2026-03-02", {"sms": [entry("Z", ID, winks=[1])]}),
    ]
    good = day("2026-03-01", {"email": [entry("A", ID, sent=1)]}, conversions=2)
    frame = bf.read_braze_series(
        response(*bad, good), start="2026-03-01", end="2026-03-01"
    )
    assert values(frame) == [{"variation_api_id": ID, "sent": 1, "conversions": 2}]


@pytest.mark.parametrize(
    "span",
    [
        {"start": "2026-03-02", "end": "2026-03-03"},
        {"start": dt.date(2026, 3, 2), "end": dt.datetime(2026, 3, 3, 12)},
        {"start": pd.Timestamp("2026-03-02"), "end": "2026-03-03 12:00"},
        {"length": 2, "end": "2026-03-03"},
    ],
)
def test_start_end_and_length_filter_files_by_inclusive_days(span):
    days = [day(f"2026-03-0{n}", {"email": [entry("A", sent=n)]}) for n in range(1, 6)]
    assert bf.read_braze_series(response(*days), **span)["sent"].tolist() == [2, 3]


def test_columns_keep_the_named_stats_and_the_id():
    answer = email(entry("A", ID, sent=1, opens=2, winks=3), conversions=4)
    frame = bf.read_braze_series(answer, columns=["winks", "sent", "delivered"])
    assert list(frame.columns) == ["variation_api_id", "sent", "winks"]
    frame = bf.read_braze_series(answer, columns=["conversions"], grain="campaign")
    assert list(frame.columns) == ["conversions"]


def test_attrs_are_small_and_nothing_but_json():
    frame = bf.read_braze_series({"Spring": email(entry("A", ID, sent=1))})
    text = json.dumps(frame.attrs["braze"], allow_nan=False)
    assert json.loads(text) == frame.attrs["braze"]
    many = {f"c{n}": email(entry("A", ID, sent=1)) for n in range(600)}
    attrs = bf.read_braze_series(many).attrs["braze"]
    assert len(json.dumps(attrs)) < 500 * 200


def full_frame():
    """A frame with holes, large counts, amounts and every level."""
    found = [
        entry("Größe $50\n", ID, sent=2**53 + 1, revenue=0.1, winks=1.5),
        entry("B", None, opens=0),
    ]
    return bf.read_braze_series({"é": email(*found), "b": email(entry("A", ID))})


def test_parquet_and_pickle_give_the_same_frame_back(tmp_path):
    frame = full_frame()
    frame.to_parquet(tmp_path / "frame.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "frame.parquet"), frame)
    back = pickle.loads(pickle.dumps(frame))  # noqa: S301
    pd.testing.assert_frame_equal(back, frame)


def test_concat_keeps_values_and_dtypes():
    frame = full_frame()
    halves = [frame.xs(name, drop_level=False) for name in ("b", "é")]
    pd.testing.assert_frame_equal(pd.concat(halves), frame)
    found = bf.read_braze_series(email(entry("A", ID, sent=1)))
    both = pd.concat({"x": found, "y": found}, names=["campaign"])
    expected = bf.read_braze_series({k: email(entry("A", ID, sent=1)) for k in "xy"})
    pd.testing.assert_frame_equal(both, expected)


def test_the_callers_objects_are_left_as_they_were():
    answer = email(entry("A", ID, sent=3.0, notif_button_1_x_click=1), conversions=2)
    before = json.dumps(answer)
    bf.read_braze_series(answer, grain="all")
    assert json.dumps(answer) == before


def lines(windows):
    """Windows as the lines of a file."""
    return io.BytesIO(b"\n".join(map(as_bytes, windows)))


def joined(windows):
    """All days of some windows in one response."""
    return {"data": [found for window in windows for found in window["data"]]}


def read(source, **options):
    """What a read gives, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = bf.read_braze_series(source, **options)
    return found, [warning.category for warning in caught]


def reference(found, **span):
    """What the reference gives; None where it refuses the payload."""
    try:
        return flatten(found, **span)
    except WrongError:
        return None


SPANS = st.sampled_from(
    [{}, {}, {"start": dt.date(2026, 2, 28)}, {"end": dt.date(2026, 2, 28)}]
)


@settings(deadline=None)
@given(campaigns(), SPANS)
def test_random_payloads_read_as_the_reference_reads_them(windows, span):
    expected = reference({None: windows}, **span)
    one = joined(windows)
    for source in (lambda: windows, lambda: one, lambda: lines(windows)):
        if expected is None:
            with pytest.raises(bf.PayloadError):
                read(source(), grain="all", **span)
            continue
        frames, caught = read(source(), grain="all", **span)
        assert_equals(frames.variations, expected.variation)
        assert_equals(frames.campaigns, expected.campaign)
        assert_equals(frames.elements, expected.element)
        assert caught == [bf.PayloadWarning] * warnings_of(expected)


def warnings_of(expected, grain="all"):
    """How many there are: of stats left out, and of campaigns without a row.

    A campaign without messages lacks rows of variations alone.
    """
    days = {place[:-1] for place in expected.campaign.rows}
    rows = {place[: len(place) - 3] for place in expected.variation.rows}
    silent = grain in {"all", "variation"} and bool(days - rows)
    return bool(expected.left_out) + silent


@settings(deadline=None)
@given(campaigns(), st.sampled_from(["variation", "campaign", "element"]))
def test_each_grain_alone_reads_as_the_reference_reads_it(windows, grain):
    expected = reference({None: windows})
    assume(expected is not None)  # a sum that overflows may be one of another grain
    for source in (joined(windows), io.BytesIO(as_bytes(joined(windows)))):
        frame, caught = read(source, grain=grain)
        assert_equals(frame, getattr(expected, grain))
        assert caught == [bf.PayloadWarning] * warnings_of(expected, grain)


@settings(deadline=None)
@given(st.dictionaries(LABELS, campaigns(), min_size=1, max_size=3), st.booleans())
def test_several_campaigns_read_as_the_reference_reads_them(found, decoded):
    sources = {label: joined(windows) for label, windows in found.items()}
    good = {k: [one] for k, one in sources.items() if reference({k: [one]})}
    if not decoded:
        sources = {k: io.BytesIO(as_bytes(one)) for k, one in sources.items()}
    if len(good) == len(sources):
        frames, caught = read(sources, grain="all")
        assert caught == [bf.PayloadWarning] * warnings_of(flatten(good))
    else:
        with pytest.raises(bf.PullError) as error:
            read(sources, grain="all")
        assert error.value.failed.keys() == sources.keys() - good.keys()
        frames = error.value.frame
    if good:
        expected = flatten(good)
        assert_equals(frames.variations, expected.variation)
        assert_equals(frames.campaigns, expected.campaign)
        assert_equals(frames.elements, expected.element)
