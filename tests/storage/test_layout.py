"""How the cache lies on disk, and that other engines read it as it lies."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import braze_frames as bf
from braze_frames.schema.channels import DAY_TOTALS, STAT
from braze_frames.storage.layout import SCHEMAS, VERSION

from ..payloads import ID, OTHER_ID, day, entry
from ..worlds import World, inhabited

NAMES = (
    "Basket Reminder: Subject Test",
    "Weekend Deals: Push Story",
    "Order Updates",
    "Welcome Email",
)
STATS = ["sent", "opens", "total_opens", "read", "conversions", "revenue"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Store campaigns with different stats; return the folder and their frames."""
    path = tmp_path_factory.mktemp("cache")
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        ids = {name: sandbox.campaigns[name] for name in NAMES}
        options = {"start": "2026-04-01", "client": client, "cache": path}
        for today in ("2026-06-29", "2026-06-30"):
            sandbox.today = today
            frames = bf.read_braze_series(ids, grain="all", **options)
    return path / "sandbox-seed-0-UTC", ids, frames


def folder_sums(sums):
    """Return what an engine summed, in one order and type."""
    sums = sums[STATS].astype("Float64").rename_axis(["campaign_id", "channel"])
    return sums.sort_index()


@pytest.fixture(scope="module")
def expected(stored):
    """Sum the frame, without the day totals that it takes over from the days."""
    _, ids, frames = stored
    frame = frames.variations.reset_index()
    frame["campaign_id"] = frame["campaign"].map(ids)
    single = frame["campaign_id"].isin([ids["Welcome Email"], ids[NAMES[1]]])
    frame.loc[single, ["conversions", "revenue"]] = pd.NA
    sums = frame.groupby(["campaign_id", "channel"])[STATS].sum(min_count=1)
    return folder_sums(sums)


def assert_sums(found, expected):
    """Compare sums; engines disagree about what a sum of nothing is."""
    found = folder_sums(found).mask(expected.isna())
    pd.testing.assert_frame_equal(found, expected, check_index_type=False)


def test_pandas_reads_the_folder_as_it_lies(stored, expected):
    table = pd.read_parquet(stored[0] / "variation")
    table["campaign_id"] = table["campaign_id"].astype("str")
    groups = table.groupby(["campaign_id", "channel"])
    assert_sums(groups[STATS].sum(min_count=1), expected)


def test_pyarrow_reads_the_folder_as_it_lies(stored, expected):
    table = ds.dataset(stored[0] / "variation", partitioning="hive").to_table()
    sums = table.group_by(["campaign_id", "channel"]).aggregate(
        [(stat, "sum") for stat in STATS]
    )
    frame = sums.to_pandas().set_index(["campaign_id", "channel"])
    assert_sums(frame.rename(columns=lambda name: name.removesuffix("_sum")), expected)


def test_polars_reads_the_folder_as_it_lies(stored, expected):
    pl = pytest.importorskip("polars", reason="pip install polars")
    table = pl.scan_parquet(stored[0] / "variation")
    sums = table.group_by("campaign_id", "channel").agg(pl.col(STATS).sum()).collect()
    frame = pd.DataFrame(sums.to_dict(as_series=False))
    assert_sums(frame.set_index(["campaign_id", "channel"]), expected)


def test_duckdb_reads_the_folder_as_it_lies(stored, expected):
    duckdb = pytest.importorskip("duckdb", reason="pip install duckdb")
    sums = ", ".join(f"sum({stat}) AS {stat}" for stat in STATS)
    files = stored[0] / "variation" / "*" / "*.parquet"
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"SELECT campaign_id, channel, {sums} FROM '{files}' GROUP BY ALL"  # noqa: S608
        )
        frame = pd.DataFrame(rows.fetchall(), columns=rows.columns)
    frame["campaign_id"] = frame["campaign_id"].astype("str")
    assert_sums(frame.set_index(["campaign_id", "channel"]), expected)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # dask's own use of pandas
def test_dask_reads_the_folder_as_it_lies(stored, expected):
    dd = pytest.importorskip("dask.dataframe", reason='pip install "dask[dataframe]"')
    table = dd.read_parquet(str(stored[0] / "variation"))
    table["campaign_id"] = table["campaign_id"].astype("str")
    groups = table.groupby(["campaign_id", "channel"])
    assert_sums(groups[STATS].sum(min_count=1).compute(), expected)


def test_every_grain_is_a_table_of_its_own(stored):
    path, ids, frames = stored
    days = pd.read_parquet(path / "campaign")
    assert len(days) == len(frames.campaigns)
    assert days["revenue"].sum() == pytest.approx(frames.campaigns["revenue"].sum())
    elements = pd.read_parquet(path / "element")
    assert elements["clicks"].sum() == frames.elements["clicks"].sum()
    assert list(elements["campaign_id"].unique()) == [ids[NAMES[1]]]
    revisions = pd.read_parquet(path / "revision")
    assert (revisions["seen_at"] == pd.Timestamp("2026-06-30 12:00", tz="UTC")).all()


def test_unknown_stats_lie_in_a_long_table(tmp_path):
    world = World("2026-06-30")
    world.days[ID] = {
        "2026-06-01": day(
            messages={"email": [entry("A", "a", sent=1, waves=2**60 + 1, mood=0.5)]},
            day_waves=7,
        )
    }
    world.days[OTHER_ID] = {"2026-06-01": day(messages={"sms": [entry("B", nods=3)]})}
    with inhabited(world) as client:
        for id_ in (ID, OTHER_ID):
            bf.read_braze_series(id_, start="2026-06-01", client=client, cache=tmp_path)
        path = tmp_path / client.account.replace(":", "_3A")
    extra = pd.read_parquet(path / "extra").set_index("stat")
    assert extra.loc["waves", "whole"] == 2**60 + 1
    assert extra.loc["mood", "value"] == 0.5
    assert pd.isna(extra.loc["mood", "whole"])
    assert pd.isna(extra.loc["day_waves", "channel"])
    assert extra.loc["nods", "variation"] == "B"
    wide = pd.read_parquet(path / "variation")
    assert not {"waves", "mood", "nods"} & {*wide.columns}


def test_every_file_of_a_grain_has_the_same_schema(stored):
    path = stored[0]
    for grain, schema in SCHEMAS.items():
        for file in (path / grain).rglob("*.parquet"):
            assert pq.read_schema(file).equals(schema)
    assert set(STAT) <= set(SCHEMAS["variation"].names)
    assert set(DAY_TOTALS) <= set(SCHEMAS["campaign"].names)
    assert "campaign_id" not in SCHEMAS["variation"].names


def test_the_layout_changes_only_with_its_version():
    text = "\n".join(
        f"{grain} {field.name} {field.type}"
        for grain, schema in SCHEMAS.items()
        for field in schema
    )
    known = {1: "fe18f197ec2d77da", 2: "fbe6f0b88ac8d5b2"}
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == known[VERSION]


def test_numbers_are_delta_packed_and_texts_dictionary_encoded(stored):
    for file in (stored[0] / "variation").rglob("*.parquet"):
        columns = pq.read_metadata(file).row_group(0)
        for place in range(columns.num_columns):
            column = columns.column(place)
            assert column.compression == "ZSTD"
            if column.path_in_schema in ("sent", "date", "conversions"):
                assert "DELTA_BINARY_PACKED" in column.encodings
            if column.path_in_schema in ("channel", "variation"):
                assert "RLE_DICTIONARY" in column.encodings


def test_rows_are_sorted(stored):
    for file in (stored[0] / "variation").rglob("*.parquet"):
        table = pq.read_table(file).to_pandas()
        order = table.sort_values(["date", "channel", "variation"], kind="stable")
        assert np.array_equal(order.index, table.index)


def test_the_metadata_names_version_coverage_and_name(stored):
    path, ids, _ = stored
    for name, id_ in ids.items():
        for grain in ("variation", "campaign"):
            file = path / grain / f"campaign_id={id_}" / "data.parquet"
            told = pq.read_metadata(file).metadata[b"braze_frames"]
            about = pd.io.json.ujson_loads(told)
            assert about["version"] == VERSION
            assert about["name"] == name
            assert sum(days for _, days, _, _ in about["coverage"]) == 91
            assert len(about["coverage"]) == 3, "settled, asked again, new"


def test_one_campaign_is_a_file_a_grain_and_nothing_else_lies_beside_it(stored):
    path = stored[0]
    for grain in SCHEMAS:
        for folder in (path / grain).glob("*"):
            assert [file.name for file in folder.iterdir()] == ["data.parquet"]
    assert {one.name for one in path.iterdir() if one.name[0] != "."} == {
        *("variation", "campaign", "element", "revision")
    }
