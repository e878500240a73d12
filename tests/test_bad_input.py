"""Input that cannot be trusted is refused with its cause, its place and a remedy."""

import collections
import copy
import gzip
import io
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import braze_frames as bf

from .payloads import ID, OTHER_ID, as_bytes, campaigns, day, email, entry, response
from .reference import WrongError, flatten

GRAINS = ("variation", "campaign", "element", "all")
NO_COUNTS = ["12", "", True, False, 1.5, [1], {"a": 1}, 2**63, -(2**63), 2.0**63, 1e300]


def message(error, source, **options):
    """Read, and return what the error says."""
    with pytest.raises(error) as caught:
        bf.read_braze_series(source, **options)
    return str(caught.value)


def ways(decoded):
    """A response decoded and as bytes."""
    return [decoded, io.BytesIO(as_bytes(decoded))]


def says(text, *parts):
    """Whether all of these stand in an error's text."""
    missing = [part for part in parts if part.lower() not in text.lower()]
    assert not missing, f"{missing} not in: {text}"


@pytest.mark.parametrize("value", NO_COUNTS)
@pytest.mark.parametrize("grain", GRAINS)
def test_a_known_count_that_is_none_names_day_channel_and_key(value, grain):
    good = day("2026-03-01", {"email": [entry("A", ID, sent=1)]})
    found = [entry("A", ID, sent=1), entry("B", OTHER_ID, opens=2, sent=value)]
    answer = response(good, day("2026-03-02", {"email": found}))
    for source in ways(answer):
        text = message(bf.PayloadError, source, grain=grain)
        says(text, "2026-03-02", "email", "sent")


@pytest.mark.parametrize("value", NO_COUNTS)
@pytest.mark.parametrize("grain", GRAINS)
def test_a_day_total_that_is_no_count_is_refused_in_every_grain(value, grain):
    days = [day("2026-03-01", conversions=1), day("2026-03-02", conversions=value)]
    for source in ways(response(*days)):
        text = message(bf.PayloadError, source, grain=grain)
        says(text, "2026-03-02", "conversions")


@pytest.mark.parametrize("value", ["12.50", True, [1.5], {"usd": 1}])
def test_revenue_that_is_no_number_is_refused(value):
    for answer in (email(entry("A", ID, revenue=value)), email(revenue=value)):
        for source in ways(answer):
            says(message(bf.PayloadError, source), "2026-03-01", "revenue")


@pytest.mark.parametrize("value", ["2", True, 1.5, [1], {"a": 1}, 2**63])
@pytest.mark.parametrize("grain", ["element", "all"])
def test_element_clicks_that_are_no_count_are_refused(value, grain):
    found = entry("A", ID, notif_button_1_Go_click=value)
    for source in ways(response(day(messages={"ios_push": [found]}))):
        text = message(bf.PayloadError, source, grain=grain)
        says(text, "2026-03-01", "ios_push", "notif_button_1_Go_click")


@pytest.mark.parametrize(
    "name", ["campaign.json", "campaign.jsonl", "campaign.json.gz"]
)
def test_a_bad_count_in_a_file_names_the_file(tmp_path, name):
    answer = email(entry("A", ID, sent="12"), time="2026-03-02")
    content = as_bytes(answer)
    path = tmp_path / name
    path.write_bytes(
        gzip.compress(content, mtime=0) if name.endswith("gz") else content
    )
    text = message(bf.PayloadError, path)
    says(text, name, "2026-03-02", "email", "sent", "12")


def test_a_bad_count_in_one_of_many_names_the_campaign():
    bad = email(entry("A", ID, sent="12"))
    good = email(entry("A", ID, sent=12), conversions=4)
    with pytest.raises(bf.PullError, match="Spring") as caught:
        bf.read_braze_series({"Spring": bad, "Autumn": good}, grain="all")
    (label, error), *others = caught.value.failed.items()
    assert (label, others) == ("Spring", [])
    assert isinstance(error, bf.PayloadError)
    says(str(error), "Spring", "2026-03-01", "email", "sent")
    frames = caught.value.frame
    assert frames.variations["sent"].tolist() == [12]
    assert frames.variations.index.get_level_values("campaign").tolist() == ["Autumn"]


def test_on_error_warn_gives_what_came_and_warns_of_the_rest():
    sources = {
        "Spring": email(entry("A", sent="x")),
        "Autumn": email(entry("A", sent=1)),
    }
    with pytest.warns(bf.BrazeWarning, match="Spring"):
        frame = bf.read_braze_series(sources, on_error="warn")
    assert frame.index.get_level_values("campaign").tolist() == ["Autumn"]


def test_a_sum_that_is_too_large_names_its_place():
    found = [entry("A", ID, sent=2**62)] * 2
    for source in ways(email(*found)):
        says(message(bf.PayloadError, source), "2026-03-01", "email", "sent")


def test_a_sum_that_is_too_large_fails_its_own_campaign_only():
    bad = email(*[entry("A", ID, sent=2**62)] * 2)
    with pytest.raises(bf.PullError, match="Spring") as caught:
        bf.read_braze_series({"Spring": bad, "Autumn": email(entry("A", sent=1))})
    assert list(caught.value.failed) == ["Spring"]
    assert caught.value.frame["sent"].tolist() == [1]


def test_windows_that_disagree_fail_their_own_campaign_only():
    bad = response(*[day(conversions=n) for n in (1, 2)])
    with pytest.raises(bf.PullError, match="Spring") as caught:
        bf.read_braze_series({"Spring": bad, "Autumn": email(entry("A", sent=1))})
    assert list(caught.value.failed) == ["Spring"]
    assert caught.value.frame["sent"].tolist() == [1]


CUT = as_bytes(email(entry("A", ID, sent=1)))[:-20]
NOT_JSON = {
    "cut off": CUT,
    "empty": b"",
    "blank": b" \n ",
    "html": b"<!DOCTYPE html>\n<html><body>Sign in</body></html>",
    "nan": b'{"data": [{"time": "2026-03-01", "revenue": NaN}]}',
    "infinity": b'{"data": [{"time": "2026-03-01", "revenue": Infinity}]}',
    "minus infinity": b'{"data": [{"time": "2026-03-01", "x": -Infinity}]}',
    "no utf-8": b'{"data": [{"time": "2026-03-01", "x\xff": 1}]}',
    "surrogate": b'{"data": [{"time": "2026-03-01", "x\\ud800": 1}]}',
    "deep": b'{"data": [{"time": "2026-03-01", "x": '
    + b"[" * 10_000
    + b"]" * 10_000
    + b"}]}",
    "two values": b'{"data": []} {"data": []}',
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_is_refused(tmp_path, content):
    message(bf.PayloadError, io.BytesIO(content))
    for name, stored in (
        ("a.json", content),
        ("a.json.gz", gzip.compress(content, mtime=0)),
    ):
        path = tmp_path / name
        path.write_bytes(stored)
        says(message(bf.PayloadError, path), name)


def test_cut_off_json_says_where_it_ends(tmp_path):
    path = tmp_path / "cut.json"
    path.write_bytes(b'{"message": "success",\n "data": [{"time": "2026-0')
    says(message(bf.PayloadError, path), "cut.json", "line 2", "column")


def test_a_bad_line_of_a_file_is_named(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(as_bytes(response()) + b"\n" + CUT)
    says(message(bf.PayloadError, path), "lines.jsonl", "line 2")


def test_html_instead_of_json_is_called_html(tmp_path):
    path = tmp_path / "login.json"
    path.write_bytes(NOT_JSON["html"])
    says(message(bf.PayloadError, path), "login.json", "html")


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b broken", gzip.compress(CUT, mtime=0)[:30], CUT]
)
def test_a_compressed_file_that_is_none_or_cut_off_is_refused(tmp_path, content):
    path = tmp_path / "a.json.gz"
    path.write_bytes(content)
    says(message(bf.PayloadError, path), "a.json.gz")


def test_an_empty_file_of_lines_is_no_empty_frame(tmp_path):
    for name in ("a.jsonl", "a.ndjson"):
        path = tmp_path / name
        path.write_bytes(b"\n\n")
        says(message(bf.BrazeError, path), name)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"message": "Invalid Campaign ID"}, ["Invalid Campaign ID", "data"]),
        ({"message": "queued"}, ["queued", "data"]),
        ({"message": "success"}, ["data"]),
        ({"errors": ["no such campaign"]}, ["no such campaign", "data"]),
        ({"message": "success", "data": None}, ["data"]),
        ({"message": "success", "data": {}}, ["data"]),
        ({"message": "success", "data": "text"}, ["data"]),
        ({"message": "success", "data": 3}, ["data"]),
    ],
)
def test_an_answer_without_a_list_of_days_is_refused_with_its_own_words(answer, words):
    for source in (*ways(answer), [response(), answer]):
        says(message(bf.PayloadError, source), *words)


@pytest.mark.parametrize("content", [b"[1, 2]", b"3", b'"text"', b"null", b"true"])
def test_json_that_is_no_response_is_refused(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    says(message(bf.BrazeError, path), "other.json")


@pytest.mark.parametrize("found", [None, 3, "2026-03-01", [], True])
def test_a_day_that_is_no_object_is_refused(found):
    for source in ways({"data": [found]}):
        message(bf.PayloadError, source)


@pytest.mark.parametrize(
    "time",
    [
        *("", "yesterday", "2026-02-30", "2026-13-01", "2026-00-10", "0000-01-01"),
        *("20260301T000", "2026-3-1", "01.03.2026", "26-03-01", " 2026-03-01"),
        *(
            "\uff12\uff10\uff12\uff16-03-01",
            "2026/03/01",
            "+026-03-01",
            "2026-03-0\x00",
        ),
        *(None, 20260301, 1.5, True, [], {}),
    ],
)
def test_a_time_that_is_no_day_is_refused_with_its_value(time):
    good = day("2026-03-01", {"email": [entry("A", ID, sent=1)]})
    for grain in GRAINS:
        for source in ways(response(good, day(time))):
            says(message(bf.PayloadError, source, grain=grain), "time")


def test_a_time_that_is_no_day_is_shown():
    for source in ways(response(day("2026-02-30"))):
        says(message(bf.PayloadError, source), "2026-02-30")


def test_a_day_without_time_is_refused():
    for source in ways({"data": [{"messages": {}}]}):
        says(message(bf.PayloadError, source), "time")


@pytest.mark.parametrize("found", [[], [1], "text", 3, True])
def test_messages_that_are_no_object_are_refused(found):
    for source in ways({"data": [{"time": "2026-03-01", "messages": found}]}):
        says(message(bf.PayloadError, source), "2026-03-01", "messages")


@pytest.mark.parametrize("found", [{}, {"sent": 1}, "text", 3, True])
def test_a_channel_that_is_no_list_is_refused(found):
    for source in ways(response(day(messages={"email": found}))):
        says(message(bf.PayloadError, source), "2026-03-01", "email")


@pytest.mark.parametrize("found", [None, "text", 3, True, [], [1]])
def test_a_stat_object_that_is_none_is_refused(found):
    for source in ways(email(entry("A", ID, sent=1), found)):
        says(message(bf.PayloadError, source), "2026-03-01", "email")


@pytest.mark.parametrize("key", ["variation_name", "variation_api_id"])
@pytest.mark.parametrize("value", [3, 1.5, True, ["A"], {"a": 1}])
def test_a_name_or_id_that_is_no_text_is_refused(key, value):
    for source in ways(email({"sent": 1, key: value})):
        says(message(bf.PayloadError, source), "2026-03-01", "email", key)


@pytest.mark.parametrize(
    "answer",
    [
        email(entry("A\ud800", ID, sent=1)),
        email(entry("A", "\udfff", sent=1)),
        email(entry("A", ID, **{"wi\ud83dnks": 1})),
        email(entry("A", ID, **{"notif_button_1_\ud800_click": 1})),
        response(day(messages={"e\udc00mail": [entry("A", ID, sent=1)]})),
    ],
)
def test_half_a_character_is_refused(answer):
    escaped = as_bytes_escaped(answer)
    for source in (answer, io.BytesIO(escaped)):
        message(bf.PayloadError, source, grain="all")


def as_bytes_escaped(decoded):
    """The JSON of a response in ASCII, where a lone surrogate can be written."""
    return json.dumps(decoded).encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("stat", ["sent", "revenue"])
def test_decoded_values_that_json_does_not_know_are_refused(value, stat):
    inner, outer = email(entry("A", **{stat: value})), email(conversions=value)
    says(message(bf.PayloadError, inner), "2026-03-01", "email", stat)
    says(message(bf.PayloadError, outer), "2026-03-01", "conversions")


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (email(entry("A", ID, sent=1)), email(entry("A", ID, sent=2)), ["sent"]),
        (email(conversions=1), email(conversions=2), ["conversions"]),
        (email(entry("A", ID, revenue=1)), email(entry("A", ID, revenue=1.5)), []),
        (email(entry("A", ID, sent=1)), email(entry("A", OTHER_ID, sent=1)), []),
        (email(entry("A", ID, winks=1)), email(entry("A", ID, winks=2)), ["winks"]),
    ],
)
def test_two_windows_that_disagree_about_a_day_are_refused(tmp_path, one, other, words):
    paths = tmp_path / "windows.jsonl"
    paths.write_bytes(as_bytes(one) + b"\n" + as_bytes(other))
    same = response(*one["data"], *other["data"])
    for source in ([one, other], paths, same, io.BytesIO(as_bytes(same))):
        says(message(bf.PayloadError, source), "2026-03-01")


def test_elements_that_disagree_about_a_day_are_refused():
    one, other = (
        email(entry("A", ID, sent=1, notif_button_1_Go_click=n)) for n in (1, 2)
    )
    says(message(bf.PayloadError, [one, other], grain="element"), "2026-03-01")


@pytest.mark.parametrize("source", [[], (), {}])
def test_nothing_to_read_is_refused(source):
    message(bf.SourceError, source)


def test_an_empty_glob_is_named(tmp_path):
    pattern = str(tmp_path / "nothing_*.json")
    says(message(bf.SourceError, pattern), "nothing_*.json")


def test_a_folder_is_named_and_the_remedy_is_a_glob(tmp_path):
    for source in (tmp_path, str(tmp_path), [tmp_path]):
        says(message(bf.SourceError, source), tmp_path.name, "*.json")


def test_a_missing_file_is_named(tmp_path):
    for source in (tmp_path / "gone.json", str(tmp_path / "gone.json")):
        says(message(bf.SourceError, source), "gone.json")
    says(message(bf.BrazeError, [tmp_path / "gone.json"]), "gone.json")


def test_text_that_is_neither_id_nor_file_is_read_both_ways_in_the_error():
    says(message(bf.SourceError, "spring-campaign"), "spring-campaign", "id", "file")


def test_a_dashboard_id_is_told_apart():
    dashboard = "5f3a1b2c3d4e5f6a7b8c9d0e"
    for source in (dashboard, [dashboard], {"Spring": dashboard}):
        says(message(bf.SourceError, source), dashboard, "dashboard", "uuid")


@pytest.mark.parametrize("source", [f" {ID}", f"{ID}\n", f"\t{ID} "])
def test_an_id_with_blanks_around_it_is_refused(source):
    for found in (source, [source], {"Spring": source}):
        says(message(bf.SourceError, found), ID)


@pytest.mark.parametrize("source", [None, 3, 2.5, True, object(), [3], [None]])
def test_what_is_no_source_is_refused(source):
    with pytest.raises((bf.SourceError, TypeError)):
        bf.read_braze_series(source)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "export.csv"
    path.write_bytes(b"date,sent\n2026-03-01,3\n")
    says(message(bf.BrazeError, path), "export.csv")


def test_rows_of_which_only_some_have_a_campaign_are_refused():
    rows = [{"time": "2026-03-01", "campaign_id": ID}, {"time": "2026-03-02"}]
    says(message((bf.SourceError, bf.PayloadError), rows), "campaign_id")


@pytest.mark.parametrize("campaign", [None, ""])
def test_rows_with_an_empty_campaign_are_refused(campaign):
    row = {"time": "2026-03-01", "campaign_id": campaign}
    row["messages"] = {"email": [entry("A", ID, sent=1)]}
    says(message((bf.SourceError, bf.PayloadError), [row]), "campaign_id")


@pytest.mark.parametrize("stat", ["sent", "winks", "revenue"])
def test_amounts_and_counts_beyond_all_bounds_are_refused(stat):
    text = as_bytes(email(entry("A", ID, **{stat: 7}))).replace(
        b"7}", b"9" * 400 + b"}"
    )
    message(bf.PayloadError, io.BytesIO(text))


def test_an_amount_whose_sum_has_no_end_is_refused():
    found = [entry("A", ID, revenue=1.7e308)] * 2
    for source in ways(email(*found)):
        says(message(bf.PayloadError, source), "revenue")


def test_rows_whose_messages_are_broken_json_text_are_refused():
    row = {"time": "2026-03-01", "campaign_id": ID, "messages": '{"email": ['}
    with pytest.raises((bf.PayloadError, bf.PullError), match="messages"):
        bf.read_braze_series([row])


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"start": "2026-03-02", "end": "2026-03-01"}, ["2026-03-02", "2026-03-01"]),
        ({"length": 0}, ["length", "0"]),
        ({"length": -3}, ["length", "-3"]),
        ({"start": "2026-03-01", "length": 3}, ["start", "length"]),
        ({"start": "no day"}, ["start", "no day"]),
        ({"end": "2026-02-30"}, ["end", "2026-02-30"]),
    ],
)
def test_days_that_make_no_range_are_wrong_arguments(span, words):
    for source in ways(email(entry("A", ID, sent=1))):
        text = message(ValueError, source, **span)
        says(text, *words)


@pytest.mark.parametrize("grain", ["variations", "day", "", None])
def test_an_unknown_grain_lists_the_right_ones(grain):
    text = message(ValueError, email(entry("A", sent=1)), grain=grain)
    says(text, "variation", "campaign", "element", "all")


def test_an_unknown_column_is_refused_with_the_nearest_names():
    answer = email(entry("A", ID, unique_opens=1))
    text = message(ValueError, answer, columns=["unique_openz"])
    says(text, "unique_openz", "unique_opens")


PLACES = st.tuples(st.sampled_from(["sent", "revenue"]), st.integers(0, 50))
BAD = st.sampled_from(["x", True, [1], {"a": 1}])


@settings(deadline=None)
@given(campaigns(), PLACES, BAD)
def test_a_bad_count_anywhere_is_found_and_named(windows, place, bad):
    assume(is_good(windows))
    stat, number = place
    broken = copy.deepcopy(windows)
    spots = list(all_entries(broken))
    assume(spots)
    time, channel, found = spots[number % len(spots)]
    found[stat] = bad
    one = {"data": [d for window in broken for d in window["data"]]}
    for source in (broken, *ways(one)):
        with pytest.raises(bf.PayloadError) as caught:
            bf.read_braze_series(source)
        says(str(caught.value), time[:10], stat)
        assert channel in str(caught.value) or repr(channel)[1:-1] in str(caught.value)


def is_good(windows):
    """Whether the reference reads it."""
    try:
        flatten({None: windows})
    except WrongError:
        return False
    return True


def all_entries(windows):
    """Each stat object with its day and channel."""
    for window in windows:
        for found in window["data"]:
            for channel, objects in (found.get("messages") or {}).items():
                for one in objects or []:
                    yield found["time"], channel, one


def nested(empty):
    """A list or an object three thousand levels deep."""
    for _ in range(3000):
        empty = [empty] if isinstance(empty, list) else {"a": empty}
    return empty


UNSHOWABLE = [nested([]), nested({}), 10**5000]


@pytest.mark.parametrize("value", UNSHOWABLE, ids=["lists", "objects", "digits"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda v: email(entry("A", sent=v)), ["2026-03-01", "email", "sent"]),
        (lambda v: email(entry("A", notif_button_1_x_click=v)), ["email", "notif_bu"]),
        (lambda v: email(revenue=v), ["2026-03-01", "revenue"]),
        (lambda v: email({"variation_name": v}), ["email", "variation_name"]),
        (lambda v: email(v if isinstance(v, list) else [v]), ["2026-03-01", "email"]),
        (lambda v: response(day(v)), ["time"]),
        (lambda v: {"message": v}, ["data"]),
        (lambda v: {"data": [v if isinstance(v, list) else [v]]}, ["time"]),
    ],
)
def test_values_too_large_to_show_are_refused_with_their_place(value, answer, words):
    says(message(bf.PayloadError, answer(value), grain="all"), *words)


@pytest.mark.parametrize("value", UNSHOWABLE, ids=["lists", "objects", "digits"])
def test_values_too_large_to_show_cost_an_unknown_stat_only(value):
    with pytest.warns(bf.PayloadWarning, match="winks"):
        frame = bf.read_braze_series(email(entry("A", sent=1, winks=value)))
    assert frame["sent"].tolist() == [1]


@pytest.mark.parametrize(
    "key", [5, None, True, 1.5, b"sent", (1, 2), 10**5000], ids="abcdefg"
)
def test_a_key_that_is_no_text_is_refused(key):
    for answer in (
        response(day() | {key: 1}),
        email({"sent": 1, key: 1}),
        response(day(messages={key: [entry("A", sent=1)]})),
        response(day(messages={key: "text"})),
    ):
        says(message(bf.PayloadError, answer, grain="all"), "2026-03-01")


def test_objects_of_other_kinds_are_read_and_left_as_they_were():
    found = collections.OrderedDict(variation_name="A", sent=1)
    grown = collections.defaultdict(list, time="2026-03-02")
    rows = [collections.defaultdict(list, sent=2)]
    answer = response(day(messages={"email": [found], "sms": rows}), grown)
    assert bf.read_braze_series(answer)["sent"].tolist() == [1, 2]
    assert [list(grown), list(rows[0])] == [["time"], ["sent"]]


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ("boom", "boom"),
        (5, "5"),
        (True, "True"),
        ({"code": 5}, "{'code': 5}"),
        ([3, "late"], "late"),
        ([10**5000], "too large"),
    ],
    ids="abcdef",
)
def test_errors_of_any_kind_beside_good_data_are_told_whole(errors, text):
    answer = email(entry("A", sent=1)) | {"errors": errors}
    with pytest.warns(bf.PayloadWarning) as caught:
        frame = bf.read_braze_series(answer)
    assert frame["sent"].tolist() == [1]
    says(str(caught[0].message), f"response: {text}" if errors == "boom" else text)


def test_control_characters_of_names_are_escaped_in_errors():
    answer = response(day(messages={"e\x1b[31mmail": [entry("A", sent="x")]}))
    text = message(bf.PayloadError, answer)
    assert text.isprintable()
    says(text, r"e\x1b[31mmail")


def test_a_file_in_a_deep_folder_is_told_by_its_name(tmp_path):
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    path = folder / "may.json"
    day = {"time": "2026-03-02", "messages": {"email": [{"sent": "12"}]}}
    path.write_bytes(as_bytes({"data": [day]}))
    says(message(bf.PayloadError, path), "may.json", "2026-03-02", "sent")
    says(message(bf.SourceError, folder / "gone.json"), "gone.json")
    says(message(bf.SourceError, str(folder / "june_*.json")), "june_*.json")
