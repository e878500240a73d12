"""Responses for the tests: tiny builders, random ones, and how to compare a frame."""

import json
import math
from typing import Any

import pandas as pd
from hypothesis import strategies as st

import braze_frames as bf

from .reference import Table

ID = "3bbc4555-8a0a-4d2b-9a26-000000000001"
OTHER_ID = "7f00d2aa-8a0a-4d2b-9a26-000000000002"


def entry(name: str | None = None, api_id: str | None = None, **stats: Any) -> Any:
    """One stat object; a name or id of None is not there at all."""
    given = {"variation_name": name, "variation_api_id": api_id}
    return {key: value for key, value in given.items() if value is not None} | stats


def day(time: str = "2026-03-01", messages: Any = None, **totals: Any) -> Any:
    """One day of a response."""
    return {"time": time, "messages": messages or {}, **totals}


def response(*days: Any, **more: Any) -> Any:
    """One answer of the endpoint."""
    return {"message": "success", "data": list(days), **more}


def email(*entries: Any, time: str = "2026-03-01", **totals: Any) -> Any:
    """One answer with one day of one channel."""
    return response(day(time, {"email": list(entries)}, **totals))


def two_days(first: Any, second: Any, **totals: Any) -> Any:
    """One channel with a list of entries on each of two days."""
    days = zip(("2026-03-01", "2026-03-02"), (first, second), strict=True)
    return response(*(day(time, {"email": found}, **totals) for time, found in days))


def labels(source: Any, **span: Any) -> list[str]:
    """The variation of each row that a read gives."""
    frame = bf.read_braze_series(source, **span)
    return frame.index.get_level_values("variation").tolist()


def as_bytes(decoded: Any) -> bytes:
    """The JSON of a response, as a server would send it."""
    return json.dumps(decoded, ensure_ascii=False).encode()


def cells(frame: pd.DataFrame) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """A frame as (place, given values), without hashing or casting anything."""
    places = [p if isinstance(p, tuple) else (p,) for p in frame.index.tolist()]
    rows: list[dict[str, Any]] = [{} for _ in places]
    for name in frame.columns:
        for row, value in zip(rows, frame[name].tolist(), strict=True):
            if value is not pd.NA:
                row[name] = value
    return list(zip(places, rows, strict=True))


def dtype_names(frame: pd.DataFrame) -> dict[str, str]:
    """Column → dtype; the nullable string only under its own name."""
    names = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    strings = [n for n, t in frame.dtypes.items() if isinstance(t, pd.StringDtype)]
    return names | {n: "string" for n in strings if frame[n].dtype.na_value is pd.NA}


def assert_equals(frame: pd.DataFrame, expected: Table) -> None:
    """Compare index, dtypes, values and holes with the reference."""
    assert list(frame.index.names) == expected.levels
    assert list(frame.columns) == list(expected.columns)
    assert dtype_names(frame) == expected.columns
    assert_levels(frame.index)
    found = [
        (tuple(p.date() if isinstance(p, pd.Timestamp) else p for p in place), row)
        for place, row in cells(frame)
    ]
    assert [place for place, _ in found] == list(expected.rows)
    for place, row in found:
        assert_row(row, expected.rows[place])


def assert_row(row: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare exactly, amounts up to the order of their sum."""
    wanted = {name: value for name, value in expected.items() if value is not None}
    assert row.keys() == wanted.keys()
    for name, value in wanted.items():
        assert type(row[name]) is type(value)
        if isinstance(value, float):
            assert math.isclose(row[name], value, rel_tol=1e-12)
        else:
            assert row[name] == value


def assert_levels(index: pd.Index) -> None:
    """Days in microseconds, whole positions, all else pandas' default strings."""
    text = pd.Index(["a"]).dtype
    dtypes = {"date": "datetime64[us]", "position": "int64"}
    for name in index.names:
        level = index.get_level_values(name)
        assert level.dtype == dtypes.get(name, text), name
        assert not level.isna().any()


TEXT = st.text(max_size=6)  # any Unicode scalar value
LABELS = TEXT.filter(lambda text: text not in ("data", "message", "errors"))
IDS = st.one_of(
    st.sampled_from([None, "", "11111111-a", "11111111-b", "22222222-c", ID]), TEXT
)
NAMES = st.one_of(
    st.sampled_from([None, "", "Variant 1", "Variant 2", "Control Group"]), TEXT
)
CHANNELS = st.one_of(
    st.sampled_from(["email", "ios_push", "apple_push", "whatsapp", "hologram_x"]),
    TEXT,
)
WHOLE = st.one_of(
    st.integers(0, 9),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.integers(0, 2**20).map(float),
    st.none(),
)
AMOUNT = st.one_of(
    st.none(), st.integers(0, 10**6), st.integers(0, 10**6).map(lambda n: n / 4)
)
SMALL = st.one_of(st.none(), st.integers(-(2**40), 2**40))
LARGE = st.one_of(
    st.integers(0, 9), st.just(2**60 + 1), st.integers(2**63, 2**70), st.just(0.5)
)
BLOB = st.one_of(
    st.integers(0, 9),
    st.booleans(),
    TEXT,
    st.lists(st.integers(0, 9), max_size=2),
    st.dictionaries(TEXT, st.none(), max_size=1),
)
TITLES = st.one_of(st.sampled_from(["", "Sale_2", "a\nb", "x_click"]), TEXT)
KNOWN = ("sent", "opens", "enrolled", "unique_recipients", "conversions", "help")
VALUES = {
    **dict.fromkeys(KNOWN, WHOLE),
    "conversions1_by_send_time": WHOLE,
    "conversions4": SMALL,
    "revenue": AMOUNT,
    "winks": SMALL,
    "nods": st.one_of(SMALL, AMOUNT),
    "waves": LARGE,
    "notes": BLOB,
}
TOTALS = ("unique_recipients", "conversions", "conversions4", "revenue")
DAY_VALUES = {
    **{stat: VALUES[stat] for stat in TOTALS},
    "day_winks": SMALL,
    "day_waves": LARGE,
    "day_notes": BLOB,
}


@st.composite
def pairs(draw: st.DrawFn, values: dict[str, Any], names: list[str]) -> Any:
    """Some of the named keys with a value each."""
    return [(name, draw(values[name])) for name in names if draw(st.integers(0, 9))]


@st.composite
def entries(draw: st.DrawFn, stats: list[str]) -> Any:
    """One stat object that mostly has the given stats, in any order."""
    found = draw(pairs(VALUES, stats))
    ids = {"variation_name": NAMES, "variation_api_id": IDS}
    found += draw(pairs(ids, list(ids)))
    if draw(st.integers(0, 3)) == 0:
        kind = draw(st.sampled_from(["carousel_slide", "notif_button"]))
        number = draw(st.sampled_from(["0", "1", "01", "123456789", "1234567890"]))
        found += [(f"{kind}_{number}_{draw(TITLES)}_click", draw(SMALL))]
    if draw(st.integers(0, 5)) == 0:
        found += [("?" + draw(TEXT), draw(SMALL))]
    return dict(draw(st.permutations(found)))


@st.composite
def days(draw: st.DrawFn, time: str, shapes: dict[str, list[str]]) -> Any:
    """One day with some of the channels, its keys in any order."""
    messages: Any = {}
    for channel in draw(st.permutations(list(shapes))):
        some = st.lists(entries(shapes[channel]), max_size=3)
        messages[channel] = draw(st.one_of(some, some, some, st.none()))
    found = draw(pairs(DAY_VALUES, list(DAY_VALUES)))
    found += [("time", time + draw(st.sampled_from(["", "T00:00:00Z", " 23:59"])))]
    # Days with neither messages nor a campaign's totals are another endpoint's.
    told = any(key in ("unique_recipients", "conversions") for key, _ in found)
    if draw(st.integers(0, 9)) or not told:
        found += [("messages", messages)]
    return dict(draw(st.permutations(found)))


@st.composite
def campaigns(draw: st.DrawFn) -> Any:
    """The windows of one campaign; days may come twice, in any order."""
    channels = draw(st.lists(CHANNELS, max_size=3, unique=True))
    some = st.lists(st.sampled_from(list(VALUES)), max_size=5, unique=True)
    shapes = {channel: draw(some) for channel in channels}
    count = draw(st.integers(0, 4))
    found = [draw(days(f"2026-02-{27 + n:02}", shapes)) for n in range(min(count, 2))]
    found += [draw(days(f"2026-03-{n:02}", shapes)) for n in range(1, count - 1)]
    if found and draw(st.booleans()):
        found += [again(draw(st.sampled_from(found)))]
    found = draw(st.permutations(found))
    cut = draw(st.integers(0, len(found)))
    return [response(*found[:cut]), {"data": list(found[cut:])}]


def again(decoded: Any) -> Any:
    """The same day once more, as another object."""
    return json.loads(json.dumps(decoded))
