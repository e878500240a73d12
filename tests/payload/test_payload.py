"""What a response holds: every field and channel, types, holes and unknown keys."""

import gc
import gzip
import io
import json
import random
import warnings

import pandas as pd
import pytest

import braze_frames as bf
from braze_frames.payload.series import parse_answer
from braze_frames.schema.channels import CHANNEL_STATS

from ..payloads import (
    ID,
    OTHER_ID,
    as_bytes,
    assert_equals,
    cells,
    day,
    email,
    entry,
    response,
)
from ..reference import flatten

PUSH = ("sent", "direct_opens", "total_opens", "bounces", "body_clicks")
IN_APP = ("impressions", "clicks", "first_button_clicks", "second_button_clicks")
TOTALS = (
    "revenue",
    "unique_recipients",
    "conversions",
    "conversions_by_send_time",
    "conversions1",
    "conversions1_by_send_time",
    "conversions2",
    "conversions2_by_send_time",
    "conversions3",
    "conversions3_by_send_time",
)
FIELDS = {
    "ios_push": (*PUSH, *TOTALS),
    "apple_push": (*PUSH, *TOTALS),
    "android_push": PUSH,
    "kindle_push": PUSH,
    "web_push": PUSH,
    "android_china_push": PUSH,
    "windows_phone8_push": PUSH,
    "windows_universal_push": PUSH,
    "webhook": ("sent", "errors"),
    "email": (
        "sent",
        "opens",
        "unique_opens",
        "machine_open",
        "machine_amp_open",
        "clicks",
        "unique_clicks",
        "unsubscribes",
        "bounces",
        "delivered",
        "reported_spam",
    ),
    "sms": (
        "sent",
        "sent_to_carrier",
        "delivered",
        "undelivered",
        "rejected",
        "delivery_failed",
        "clicks",
        "opt_out",
        "help",
    ),
    "whats_app": ("sent", "delivered", "failed", "read"),
    "content_cards": (
        "sent",
        "total_impressions",
        "unique_impressions",
        "total_clicks",
        "unique_clicks",
        "total_dismissals",
        "unique_dismissals",
    ),
    "in_app_message": IN_APP,
    "trigger_in_app_message": (*IN_APP, *TOTALS, "enrolled"),
}
CASES = [(channel, stat) for channel, stats in FIELDS.items() for stat in stats]


def both(decoded, **options):
    """Read a response decoded and as bytes; both must give the same."""
    frame = bf.read_braze_series(decoded, **options)
    again = bf.read_braze_series(io.BytesIO(as_bytes(decoded)), **options)
    pd.testing.assert_frame_equal(frame, again)
    return frame


def only(frame):
    """The given values of the only row."""
    ((_, row),) = cells(frame)
    return row


@pytest.mark.parametrize(("channel", "stat"), CASES)
def test_every_field_of_every_channel_becomes_a_column(channel, stat):
    messages = {channel: [entry("A", **{stat: 7}), entry("B", **{stat: 0})]}
    frame = both(response(day(messages=messages)))
    assert list(frame.columns) == ["variation_api_id", stat]
    assert frame[stat].tolist() == [7, 0]
    assert str(frame[stat].dtype) == ("Float64" if stat == "revenue" else "Int64")
    label = "ios_push" if channel == "apple_push" else channel
    assert frame.index.get_level_values("channel").unique().tolist() == [label]


@pytest.mark.parametrize("stat", TOTALS)
def test_every_day_total_becomes_a_column_of_the_campaign_grain(stat):
    frame = both(email(entry("A"), **{stat: 7}), grain="campaign")
    assert list(frame.columns) == [stat]
    assert only(frame) == {stat: 7}
    assert str(frame[stat].dtype) == ("Float64" if stat == "revenue" else "Int64")


@pytest.mark.parametrize(
    ("alias", "label"),
    [
        ("apple_push", "ios_push"),
        ("content_card", "content_cards"),
        ("whatsapp", "whats_app"),
        ("in-app_message", "in_app_message"),
        ("trigger_in_app_message", "trigger_in_app_message"),
        ("banner", "banner"),
        ("", ""),
    ],
)
def test_a_channel_has_one_label_whatever_its_spelling(alias, label):
    frame = both(response(day(messages={alias: [entry("A", sent=1)]})))
    assert frame.index.tolist() == [(pd.Timestamp("2026-03-01"), label, "A")]


def test_two_spellings_of_a_channel_in_one_day_are_added_up():
    messages = {"apple_push": [entry("A", sent=1)], "ios_push": [entry("A", sent=2)]}
    assert only(both(response(day(messages=messages))))["sent"] == 3


def test_the_shape_without_names_and_the_shape_with_names_read_alike():
    single = both(email(entry(api_id=ID, sent=3), conversions=1))
    named = both(email(entry("A", ID, sent=3, conversions=1), conversions=1))
    assert only(single) == only(named)


def test_a_control_row_has_no_channel_stats_and_they_stay_missing():
    control = entry("Control Group", OTHER_ID, enrolled=0, conversions=2)
    frame = both(email(entry("A", ID, sent=5, conversions=3), control))
    rows = {place[-1]: row for place, row in cells(frame)}
    assert rows["Control Group"] == {
        "variation_api_id": OTHER_ID,
        "enrolled": 0,
        "conversions": 2,
    }
    assert rows["A"] == {"variation_api_id": ID, "sent": 5, "conversions": 3}


def test_zero_is_zero_and_null_is_missing():
    frame = both(email(entry("A", sent=0, opens=None), entry("B", sent=1, opens=0)))
    assert [row for _, row in cells(frame)] == [{"sent": 0}, {"sent": 1, "opens": 0}]


def test_a_stat_that_is_null_everywhere_makes_no_column():
    frames = both_grains(email(entry("A", sent=1, opens=None, winks=None), day_x=None))
    assert list(frames.variations.columns) == ["variation_api_id", "sent"]
    assert list(frames.campaigns.columns) == []


def both_grains(decoded):
    """All three grains, decoded and from bytes."""
    frames = bf.read_braze_series(decoded, grain="all")
    again = bf.read_braze_series(io.BytesIO(as_bytes(decoded)), grain="all")
    for one, other in zip(frames, again, strict=True):
        pd.testing.assert_frame_equal(one, other)
    return frames


def test_a_stat_object_without_stats_is_a_row_without_values():
    frame = both(email({}))
    assert frame.index.tolist() == [
        (pd.Timestamp("2026-03-01"), "email", "<unnamed-1>")
    ]
    assert only(frame) == {}


@pytest.mark.parametrize("empty", [[], None])
def test_an_empty_channel_list_makes_no_row(empty):
    messages = {"sms": empty, "email": [entry("A", sent=1)]}
    frame = both(response(day(messages=messages)))
    assert frame.index.get_level_values("channel").tolist() == ["email"]


@pytest.mark.parametrize("found", [{"time": "2026-03-01"}, day(), day(messages=None)])
def test_a_day_without_messages_is_a_day_of_the_campaign_grain_only(found):
    with pytest.warns(bf.PayloadWarning, match="without a row: the campaign"):
        frames = both_grains(response({"messages": None, **found, "conversions": 4}))
    assert len(frames.variations) == len(frames.elements) == 0
    assert only(frames.campaigns) == {"conversions": 4}


@pytest.mark.parametrize(
    "time", ["2026-03-01", "2026-03-01T23:59:59-05:00", "2026-03-01 00:00:00.000Z"]
)
def test_the_day_is_the_first_ten_characters_of_time(time):
    frame = both(email(entry("A", sent=1), time=time))
    assert frame.index.get_level_values("date").tolist() == [pd.Timestamp("2026-03-01")]


def test_days_come_in_any_order_and_leave_sorted():
    times = ["2026-03-02", "2025-12-31", "2026-03-01", "1999-01-01", "2040-05-05"]
    days = [day(time, {"email": [entry("A", sent=1)]}) for time in times]
    frame = both(response(*days))
    assert frame.index.is_monotonic_increasing
    assert [str(t.date()) for t, _, _ in frame.index.tolist()] == sorted(times)


def test_the_order_of_keys_does_not_matter():
    one = {"sent": 1, "opens": 2, "variation_name": "A", "variation_api_id": ID}
    other = dict(reversed(one.items()))
    first = day("2026-03-01", {"email": [one]}, conversions=1, revenue=2.0)
    second = day("2026-03-02", {"email": [other]}, conversions=1, revenue=2.0)
    second = dict(reversed(second.items()))
    rows = [row for _, row in cells(both(response(first, second)))]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 5


def test_an_answer_needs_no_message():
    assert only(both({"data": email(entry("A", sent=1))["data"]})) == {"sent": 1}


def test_a_key_given_twice_in_one_object_counts_once():
    text = b'{"data": [{"conversions": 1, "time": "2026-03-01", "conversions": 1}]}'
    frame = bf.read_braze_series(io.BytesIO(text), grain="campaign")
    assert only(frame) == {"conversions": 1}


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, -(2**63) + 1, 0])
def test_counts_are_exact_over_the_whole_range(number):
    frames = both_grains(email(entry("A", sent=number, conversions=number)))
    assert only(frames.variations)["sent"] == number
    totals = both_grains(email(entry("A"), conversions=number)).campaigns
    assert only(totals) == {"conversions": number}


def test_large_counts_stay_exact_beside_holes():
    big = 2**53 + 1
    frame = both(email(entry("A", sent=big), entry("B", sent=None), entry("C")))
    assert [row.get("sent") for _, row in cells(frame)] == [big, None, None]


def test_a_whole_float_is_a_count():
    frames = both_grains(email(entry("A", sent=3.0), conversions=4.0))
    assert repr(frames.variations["sent"].tolist()) == "[3]"
    assert repr(frames.campaigns["conversions"].tolist()) == "[4]"


@pytest.mark.parametrize("amount", [0, 0.0, 12, 12.5])
def test_revenue_is_an_amount_whether_sent_as_integer_or_not(amount):
    frames = both_grains(
        email(entry("A", revenue=amount), entry("B", revenue=1.5), revenue=amount)
    )
    assert str(frames.variations["revenue"].dtype) == "Float64"
    assert frames.variations["revenue"].tolist() == [amount, 1.5]
    assert str(frames.campaigns["revenue"].dtype) == "Float64"
    assert frames.campaigns["revenue"].tolist() == [amount]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], "Int64"),
        ([-(2**63), 2**63 - 1], "Int64"),
        ([1, None], "Int64"),
        ([1, 2.5], "Float64"),
        ([1.5, None], "Float64"),
        ([1, 3.0], "Float64"),
        ([1, 2**63], "Float64"),
        ([2**63, 2**64], "Float64"),
        ([1, -(2**63) - 1], "Float64"),
    ],
)
def test_unknown_stats_have_the_type_of_their_numbers(values, dtype):
    days = [
        day(f"2026-03-0{n}", {"email": [entry("A", winks=value)]}, day_winks=value)
        for n, value in enumerate(values, start=1)
    ]
    frames = both_grains(response(*days))
    for frame, stat in ((frames.variations, "winks"), (frames.campaigns, "day_winks")):
        assert str(frame[stat].dtype) == dtype
        found = [None if v is pd.NA else v for v in frame[stat].tolist()]
        assert found == [
            v if v is None or dtype == "Int64" else float(v) for v in values
        ]


@pytest.mark.parametrize("value", ["text", "", True, False, [1], [], {"a": 1}, {}])
@pytest.mark.parametrize("first", [True, False])
def test_an_unknown_stat_that_is_no_number_is_left_out_with_one_warning(value, first):
    values = [value, 3] if first else [3, value]
    days = [
        day(f"2026-03-0{n}", {"email": [entry("A", sent=1, winks=v)]}, day_winks=v)
        for n, v in enumerate(values, start=1)
    ]
    for source in (response(*days), io.BytesIO(as_bytes(response(*days)))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            frames = bf.read_braze_series(source, grain="all")
        (warning,) = caught
        assert warning.category is bf.PayloadWarning
        assert "winks" in str(warning.message)
        assert "day_winks" in str(warning.message)
        assert warning.filename == __file__
        assert list(frames.variations.columns) == ["variation_api_id", "sent"]
        assert list(frames.campaigns.columns) == []


def test_unknown_stats_left_out_in_one_of_two_campaigns_are_left_out_of_both():
    sources = {"one": email(entry("A", winks=1)), "two": email(entry("A", winks="x"))}
    with pytest.warns(bf.PayloadWarning, match="winks") as caught:
        frame = bf.read_braze_series(sources)
    assert len(caught) == 1
    assert list(frame.columns) == ["variation_api_id"]
    assert len(frame) == 2


def test_unknown_stats_and_channels_are_kept():
    frame = both(response(day(messages={"hologram_x": [entry("A", winks=5)]})))
    assert frame.index.get_level_values("channel").tolist() == ["hologram_x"]
    assert only(frame) == {"winks": 5}


def test_columns_stand_in_the_order_of_the_stats_table_and_unknown_ones_by_name():
    given = ["zz", "revenue", "opens", "Zz", "sent", "conversions4", "enrolled", "é"]
    frame = both(email(entry("A", **dict.fromkeys(given, 1))))
    assert list(frame.columns) == [
        "variation_api_id",
        *("enrolled", "sent", "opens", "revenue"),
        *("Zz", "conversions4", "zz", "é"),
    ]


def test_errors_beside_good_data_are_reported_in_one_warning():
    answer = email(entry("A", sent=1)) | {"errors": ["half of it is late"]}
    for source in (answer, io.BytesIO(as_bytes(answer))):
        with pytest.warns(bf.PayloadWarning, match="half of it is late") as caught:
            frame = bf.read_braze_series(source)
        assert len(caught) == 1
        assert only(frame) == {"sent": 1}


@pytest.mark.parametrize("kind", ["carousel_slide", "notif_button"])
@pytest.mark.parametrize(
    ("number", "position"), [("0", 0), ("1", 1), ("01", 1), ("999999999", 999999999)]
)
@pytest.mark.parametrize("title", ["Öffnen", "Sale_2", "", "a\nb", "x_click", "1_y"])
def test_element_keys_make_rows_of_the_element_grain(kind, number, position, title):
    found = entry("A", ID, sent=1, **{f"{kind}_{number}_{title}_click": 12})
    frames = both_grains(response(day(messages={"ios_push": [found]})))
    assert list(frames.variations.columns) == ["variation_api_id", "sent"]
    place = (pd.Timestamp("2026-03-01"), "ios_push", "A", kind, position, title)
    assert cells(frames.elements) == [(place, {"clicks": 12})]
    assert str(frames.elements["clicks"].dtype) == "Int64"


@pytest.mark.parametrize(
    "key", ["carousel_slide_1_click", "notif_button_x_y_click", "carousel_slide_1_y"]
)
def test_keys_that_only_look_like_elements_are_unknown_stats(key):
    frames = both_grains(email(entry("A", **{key: 2})))
    assert only(frames.variations) == {key: 2}
    assert len(frames.elements) == 0


def test_element_clicks_of_one_element_are_added_up_and_nulls_make_no_row():
    key, same = "notif_button_1_Go_click", "notif_button_01_Go_click"
    other = "notif_button_2_Go_click"
    frames = both_grains(
        email(
            entry("A", ID, **{key: 1, same: 2, other: None}), entry("A", ID, **{key: 4})
        )
    )
    ((place, row),) = cells(frames.elements)
    assert place[3:] == ("notif_button", 1, "Go")
    assert row == {"clicks": 7}


def test_one_response_reads_alike_from_every_source(tmp_path):
    decoded = email(entry("Größe $50", ID, sent=1, revenue=2.5), conversions=3)
    text = as_bytes(decoded)
    files = {
        "one.json": text,
        "two.jsonl": text + b"\n",
        "three.ndjson": b"\n" + text + b"\n\n",
        "four.json.gz": gzip.compress(text),
        "five.jsonl.gz": gzip.compress(text),
        "six.json": json.dumps(decoded, indent=2).encode(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in files]
    sources = [decoded, [decoded], *paths, *map(str, paths), io.BytesIO(text)]
    expected = bf.read_braze_series(decoded)
    for source in sources:
        pd.testing.assert_frame_equal(bf.read_braze_series(source), expected)


def test_lines_of_a_file_are_the_windows_of_one_campaign(tmp_path):
    windows = [
        email(entry("A\u2028B\x85", ID, sent=n), time=f"2026-03-0{n}") for n in (1, 2)
    ]
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b"\r\n".join(map(as_bytes, windows)))
    frame = bf.read_braze_series(path)
    assert frame.index.names == ["date", "channel", "variation"]
    pd.testing.assert_frame_equal(frame, bf.read_braze_series(windows))


def rows_of(*answers, campaign_id=None):
    """Day rows as loaders leave them."""
    own = {} if campaign_id is None else {"campaign_id": campaign_id}
    return [{**found, **own} for answer in answers for found in answer["data"]]


def test_day_rows_without_campaign_read_like_their_response():
    answer = email(entry("A", ID, sent=1), conversions=2)
    frame = bf.read_braze_series(rows_of(answer))
    pd.testing.assert_frame_equal(frame, bf.read_braze_series(answer))


def test_day_rows_with_a_campaign_make_the_campaign_level_even_for_one():
    answer = email(entry("A", ID, sent=1), conversions=2)
    frame = bf.read_braze_series(rows_of(answer, campaign_id=OTHER_ID))
    expected = bf.read_braze_series({OTHER_ID: answer})
    pd.testing.assert_frame_equal(frame, expected)


def test_messages_of_loaders_rows_may_be_json_text():
    answer = email(entry("Größe", ID, sent=1), conversions=2)
    rows = rows_of(answer, campaign_id=OTHER_ID)
    texts = [row | {"messages": json.dumps(row["messages"])} for row in rows]
    frame, expected = bf.read_braze_series(texts), bf.read_braze_series(rows)
    pd.testing.assert_frame_equal(frame, expected)


def test_keys_that_loaders_add_are_ignored():
    rows = rows_of(email(entry("A", ID, sent=1), day_winks=2), campaign_id=OTHER_ID)
    loaded = [row | {"_loaded_at": "2026-03-05", "_n": 1} for row in rows]
    frame = bf.read_braze_series(loaded, grain="campaign")
    assert only(frame) == {"day_winks": 2}


@pytest.mark.parametrize("decoded", [True, False])
def test_unknown_nested_values_cost_nothing_but_a_warning(decoded):
    answer = email(entry("A", sent=1, notes={"a": [1, {"b": None}]}))
    source = answer if decoded else io.BytesIO(as_bytes(answer))
    with pytest.warns(bf.PayloadWarning, match="notes"):
        frame = bf.read_braze_series(source)
    assert only(frame) == {"sent": 1}


TITLES = ["Yes", "No", "Later", "Buy_now", "a\nb", "x_click", "Öffnen"]


@pytest.mark.parametrize("kinds", [1, 2, 7, 40])
def test_buttons_read_alike_packed_and_value_by_value(kinds):
    rng = random.Random(kinds)
    clicks = [
        {
            f"notif_button_{n}_{title}_click": rng.choice([0, 5, 2.0, None, 2**40])
            for n, title in enumerate(rng.sample(TITLES, rng.randint(0, 3)), start=1)
        }
        for _ in range(kinds)
    ]
    days = []
    for n in range(28):
        found = [
            entry(f"V{k}", f"{ID}{k}", sent=n, opens=k, **rng.choice(clicks))
            for k in range(7)
        ]
        if n % 5 == 1:
            del found[n % 7]["opens"]
        days.append(day(f"2026-02-{n + 1:02}", {"ios_push": found}))
    frames = both_grains(response(*days))
    assert list(frames.variations.columns) == ["variation_api_id", "sent", "opens"]
    expected = flatten({None: [response(*days)]})
    assert_equals(frames.elements, expected.element)
    assert_equals(frames.variations, expected.variation)


@pytest.mark.parametrize("share", [1, 3, 12])
def test_rows_of_many_shapes_read_alike_packed_and_value_by_value(share):
    rng = random.Random(share)
    odd = ["winks", "nods", "blinks", "sent", "opens", "revenue"]
    days = []
    for n in range(28):
        found = []
        for k in range(7):
            keys = rng.sample(odd, rng.randint(1, 6)) if (n + k) % share == 0 else odd
            numbers = {key: rng.choice([1, 7, 2**40, None]) for key in keys}
            numbers |= {"blinks": 0.5} if k == 3 else {}
            found.append(entry(f"V{k}" if k else None, None, **numbers))
        days.append(day(f"2026-02-{n + 1:02}", {"email": found}, day_winks=n / 4))
    frames = both_grains(response(*days))
    expected = flatten({None: [response(*days)]})
    assert_equals(frames.variations, expected.variation)
    assert_equals(frames.campaigns, expected.campaign)


@pytest.mark.parametrize("odd", [0, 0.5, 3.0, None])
def test_rows_that_each_lack_other_stats_read_alike_packed_and_value_by_value(odd):
    rng = random.Random(0)
    stats = [*CHANNEL_STATS["email"], "revenue", "notif_button_1_Buy_click"]
    days = []
    for n in range(28):
        found = []
        for k in range(7):
            kept = [stat for stat in stats if rng.random() < 0.6]
            numbers = dict.fromkeys(kept, 2**40 + n)
            numbers |= {"revenue": -0.0 if k else odd} if rng.random() < 0.1 else {}
            numbers |= {"sent": odd} if odd != 0.5 and rng.random() < 0.1 else {}
            found.append(entry(f"V{k}", None, **numbers))
        days.append(day(f"2026-02-{n + 1:02}", {"email": found}))
    frames = both_grains(response(*days))
    expected = flatten({None: [response(*days)]})
    assert_equals(frames.variations, expected.variation)
    assert_equals(frames.elements, expected.element)


def test_the_lowest_number_stands_for_no_blank():
    days = []
    for n in range(28):
        found = [entry(f"V{k}", None, sent=k, **{f"opens{k}": 1}) for k in range(7)]
        days.append(day(f"2026-02-{n + 1:02}", {"email": found}))
    days[9]["messages"]["email"][3]["unique_opens"] = -(2**63)
    with pytest.raises(
        bf.PayloadError, match=f"02-10, email, unique_opens.*{-(2**63)}"
    ):
        bf.read_braze_series(io.BytesIO(as_bytes(response(*days))))


@pytest.mark.filterwarnings("ignore:left out")
@pytest.mark.parametrize(
    "values",
    [
        *([1, 2], [1, 2.5], [None, 2.5, 3.0], [2**70, 1], [-(2**63), 4, 0.5]),
        *(["text", 1], [True, 2], [[1], {"a": 1}, None]),
    ],
)
def test_unknown_stats_of_many_rows_read_alike_packed_and_value_by_value(values):
    rng = random.Random(len(values))
    days = []
    for n in range(28):
        found = [
            entry(f"V{k}", f"{ID}{k}", sent=rng.choice([n, float(n)]), opens=k)
            | rng.choice([{}, {"winks": rng.choice(values)}, {f"nods{n}": k}])
            for k in range(7)
        ]
        days.append(day(f"2026-02-{n + 1:02}", {"email": found}))
    expected = flatten({None: [response(*days)]})
    for source in (response(*days), io.BytesIO(as_bytes(response(*days)))):
        assert_equals(bf.read_braze_series(source), expected.variation)


@pytest.mark.parametrize("word", ["true", "false"])
@pytest.mark.parametrize("before", range(4))
def test_a_boolean_is_found_wherever_it_stands(word, before):
    days = f'[{{"time": "2026-03-01", "conversions": {word}}}]'
    for label in ("", "rules, emails: total_dismissals"):
        body = f'{" " * before}{{"message": "{label}", "data": {days}}}'.encode()
        with pytest.raises(bf.PayloadError, match="conversions"):
            bf.read_braze_series(io.BytesIO(body))


@pytest.mark.parametrize("word", ["true", "false"])
@pytest.mark.parametrize("place", range(2**20 - 5, 2**20 + 2))
def test_a_boolean_is_found_across_the_parts_that_a_long_text_is_read_in(word, place):
    start = '{"data": [{"time": "2026-03-01", "conversions": '
    body = f"{' ' * (place - len(start))}{start}{word}}}]}}".encode()
    assert body.index(word.encode()) == place
    with pytest.raises(bf.PayloadError, match="conversions"):
        bf.read_braze_series(io.BytesIO(body))


def test_a_read_leaves_nothing_for_the_garbage_collector():
    bodies = [as_bytes(email(entry("A", ID, sent=1), conversions=3))] * 2
    bf.read_braze_series(io.BytesIO(bodies[0]))
    answer = json.loads(bodies[0])
    gc.collect()
    gc.disable()
    try:
        parse_answer(answer, "made up", check_each_value=False)
        assert gc.collect() == 0
    finally:
        gc.enable()
