"""Tables are read as rows: frames, Arrow, CSV and Parquet, with whatever cells have."""

import datetime as dt
import gzip
import io
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import braze_frames as bf

from ..payloads import ID, OTHER_ID, as_bytes, entry

SENT = {ID: 12, OTHER_ID: 700}


def row(id_, sent, time="2026-05-01", **more):
    """A day row of a campaign."""
    messages = {"email": [entry("A", "v-a", sent=sent, opens=1)]}
    return {"campaign_id": id_, "time": time, "messages": messages, **more}


ROWS = [
    row(ID, 5, unique_recipients=5, revenue=1.5),
    row(ID, 7, "2026-05-02", unique_recipients=7, revenue=2.5),
    row(OTHER_ID, 700, unique_recipients=700, revenue=0.0),
]


def as_text(rows, **changes):
    """The rows with their messages as JSON text."""
    return [one | {"messages": json.dumps(one["messages"])} | changes for one in rows]


def check(source, **options):
    """Whether a source gives the numbers of ROWS; returns the frame."""
    frame = bf.read_braze_series(source, **options)
    assert frame["sent"].groupby(level="campaign").sum().to_dict() == SENT
    assert frame["sent"].dtype == "Int64"
    dates = frame.index.get_level_values("date").unique()
    assert dates.strftime("%Y-%m-%d").tolist() == ["2026-05-01", "2026-05-02"]
    assert frame["revenue"].sum() == 4.0
    return frame


def test_frames_and_arrow_tables_are_rows():
    for rows in (ROWS, as_text(ROWS)):
        check(pd.DataFrame(rows))
        check(pa.Table.from_pylist(rows))
        check(pd.DataFrame(rows).set_index(["campaign_id", "time"]))
        check(pd.DataFrame(rows).rename(columns=str.upper))
        check(pd.DataFrame(rows).convert_dtypes())


def test_parquet_files_and_folders_are_rows(tmp_path):
    table = pa.Table.from_pylist(ROWS)
    pq.write_table(table, tmp_path / "rows.parquet")
    pq.write_to_dataset(table, tmp_path / "parts", partition_cols=["campaign_id"])
    check(tmp_path / "rows.parquet")
    check(str(tmp_path / "rows.parquet"))
    check(tmp_path / "parts")
    check(str(tmp_path / "*.parquet"))
    check(pd.read_parquet(tmp_path / "rows.parquet"))
    check(io.BytesIO((tmp_path / "rows.parquet").read_bytes()))


def test_files_of_a_glob_are_one_table(tmp_path):
    for number, one in enumerate(ROWS):
        pd.DataFrame(as_text([one])).to_csv(tmp_path / f"{number}.csv", index=False)
        pq.write_table(pa.Table.from_pylist([one]), tmp_path / f"{number}.parquet")
    check(str(tmp_path / "*.csv"))
    check(str(tmp_path / "*.parquet"))
    check(sorted(tmp_path.glob("*.csv")))


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_is_rows(tmp_path, sep, encoding):
    path = tmp_path / "rows.csv"
    pd.DataFrame(as_text(ROWS)).to_csv(path, index=False, sep=sep, encoding=encoding)
    check(path)
    check(io.BytesIO(path.read_bytes()))
    packed = tmp_path / "rows.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    check(packed)


def test_counts_of_a_csv_are_exact_and_ids_stay_text(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(
        f"campaign_id,time,conversions\n007,2026-05-01,{2**53 + 1}\n007,2026-05-02,\n"
    )
    frame = bf.read_braze_series(path, grain="campaign")
    assert frame["conversions"].tolist() == [2**53 + 1, pd.NA]
    assert frame.index.get_level_values("campaign").tolist() == ["007", "007"]


@pytest.mark.parametrize(
    "time",
    [
        *(dt.date(2026, 5, 1), dt.datetime(2026, 5, 1), pd.Timestamp("2026-05-01")),
        *(np.datetime64("2026-05-01"), np.datetime64("2026-05-01T00:00", "ns")),
        *("2026-05-01T00:00:00Z", pd.Timestamp("2026-05-01", tz="Asia/Seoul")),
    ],
)
def test_days_come_as_text_dates_and_timestamps(time):
    rows = [row(ID, 5, time)]
    for source in (rows, pd.DataFrame(rows)):
        frame = bf.read_braze_series(source)
        days = frame.index.get_level_values("date")
        assert days.tolist() == [pd.Timestamp("2026-05-01")]


def test_numbers_come_as_decimals_and_numpy():
    stats = {"sent": Decimal(5), "revenue": Decimal("1.25"), "opens": np.int32(3)}
    found = np.array([entry("A", **stats)], dtype=object)
    rows = [{"time": "2026-05-01", "messages": {"email": found}}]
    rows[0] |= {"revenue": Decimal("1.25"), "unique_recipients": np.float64(5.0)}
    answer = {"data": rows}
    for source in (rows, pd.DataFrame(rows), answer, [answer]):
        frame = bf.read_braze_series(source)
        assert frame[["sent", "opens", "revenue"]].iloc[0].tolist() == [5, 3, 1.25]
        assert frame["unique_recipients"].tolist() == [5]


@pytest.mark.parametrize("value", [Decimal("1.5"), Decimal("1e50"), Decimal("-1e30")])
def test_decimals_that_are_no_counts_are_refused(value):
    rows = [{"time": "2026-05-01", "messages": {"email": [entry("A", sent=value)]}}]
    with pytest.raises(bf.PayloadError, match="sent"):
        bf.read_braze_series(rows)


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "object", "category"])
def test_counts_of_a_frame_with_gaps_are_exact_in_every_dtype(dtype):
    table = pd.DataFrame({"time": ["2026-05-01", "2026-05-02"], "messages": None})
    table["conversions"] = pd.Series([2**60 + 1, None], dtype="object").astype(dtype)
    frame = bf.read_braze_series(table, grain="campaign")
    assert frame["conversions"].tolist() == [2**60 + 1, pd.NA]


def test_an_arrow_map_of_channels_is_read():
    stats = pa.struct([("variation_name", pa.string()), ("sent", pa.int64())])
    kind = pa.map_(pa.string(), pa.list_(stats))
    found = [[("email", [{"variation_name": "A", "sent": 3}])]]
    table = pa.table({"time": ["2026-05-01"], "messages": pa.array(found, kind)})
    assert bf.read_braze_series(table)["sent"].tolist() == [3]


def test_moments_with_a_zone_are_days_of_the_companys():
    times = ["2026-04-30 15:00+00:00", "2026-05-01T15:00:00Z"]
    rows = [row(ID, n, time) for n, time in enumerate(times, 1)]
    stamps = [one | {"time": pd.Timestamp(one["time"])} for one in rows]
    for source in (rows, stamps, pd.DataFrame(stamps), pd.DataFrame(rows)):
        frame = bf.read_braze_series(source, tz="Asia/Seoul")
        days = frame.index.get_level_values("date").strftime("%Y-%m-%d")
        assert days.tolist() == ["2026-05-01", "2026-05-02"]
        with pytest.warns(bf.WindowWarning, match="tz=") as caught:
            frame = bf.read_braze_series(source)
        assert len(caught) == 1
        days = frame.index.get_level_values("date").strftime("%Y-%m-%d")
        assert days.tolist() == ["2026-04-30", "2026-05-01"]


def test_a_table_that_is_none_says_what_it_lacks(frame):
    for source in (pd.DataFrame({"a": [1]}), pa.table({"a": [1]}), frame):
        with pytest.raises(bf.PayloadError, match="`time` and `messages`"):
            bf.read_braze_series(source)


def test_messages_as_pythons_text_say_what_to_write(tmp_path):
    path = tmp_path / "rows.csv"
    pd.DataFrame(ROWS).to_csv(path, index=False)
    with pytest.raises(bf.PullError, match=r"json\.dumps"):
        bf.read_braze_series(path)


def test_a_damaged_parquet_is_named(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 no table")
    with pytest.raises(bf.PayloadError, match=r"rows\.parquet"):
        bf.read_braze_series(path)


def test_two_columns_of_one_name_are_refused():
    table = pd.DataFrame([[1, 2]], columns=["time", "time"])
    with pytest.raises(bf.PayloadError, match="two columns are called 'time'"):
        bf.read_braze_series(table)
    with pytest.raises(bf.PayloadError, match="'time' stands twice"):
        bf.read_braze_series([row(ID, 1) | {"TIME": "2026-05-01"}])


def test_rows_of_an_answer_as_text_are_read():
    source = as_bytes(ROWS)
    check(source)
    check(source.decode())
    check(f"\n {source.decode()}")
