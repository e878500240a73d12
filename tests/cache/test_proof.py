"""Files that prove themselves: damage is found before a number of it is believed."""

import os
import random
import shutil
import sys
import warnings
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import braze_frames as bf
from braze_frames.storage.layout import SCHEMAS
from braze_frames.storage.local import LocalStorage
from braze_frames.storage.parquet import (
    PendingFile,
    UnreadableFile,
    read_file,
    write_file,
)

from ..payloads import ID, OTHER_ID, day, entry
from ..worlds import World, inhabited
from .test_faults import forked, result_of

pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
    pytest.mark.skipif(
        not hasattr(os, "fork"), reason="no os.fork here; run on Linux or macOS"
    ),
]
SPAN = {"start": "2026-06-20", "end": "2026-06-29"}
GRAINS = ("variation", "campaign", "element", "extra")
# Written by version 1 of the layout, of two days of which one was restated.
OLD = Path(__file__).parent / "layout_1"
equal = pd.testing.assert_frame_equal


def said(number, opens):
    """Return a day with a number in each grain."""
    slides = {"carousel_slide_1_Hat_click": 3}
    a = entry("A", "a", sent=10 * number, direct_opens=opens, winks=2, **slides)
    b = entry("B", "b", sent=9 * number, direct_opens=1)
    messages = {"ios_push": [a, b]}
    return day(messages=messages, conversions=number, day_waves=7)


@pytest.fixture
def account():
    """Serve one campaign with all grains."""
    world = World("2026-06-30")
    for id_ in (ID, OTHER_ID):
        world.days[id_] = {f"2026-06-{n}": said(n, n) for n in range(20, 30)}
    with inhabited(world) as client:
        yield world, client


def flipped(body, place, bit):
    """Return bytes with one bit turned over."""
    damaged = bytearray(body)
    damaged[place] ^= 1 << bit
    return bytes(damaged)


def footer_of(body):
    """Return where the footer of a Parquet file begins."""
    return len(body) - 8 - int.from_bytes(body[-8:-4], "little")


@pytest.mark.parametrize(("grain", "share"), [("variation", 0.1), ("element", 1)])
def test_a_bit_flipped_anywhere_in_a_footer_is_found_before_the_file_is_opened(
    account, tmp_path, grain, share
):
    _, client = account
    bf.read_braze_series(ID, client=client, cache=tmp_path, grain="all", **SPAN)
    (root,) = tmp_path.iterdir()
    path = LocalStorage(root).path(ID, grain)
    body, rng = path.read_bytes(), random.Random(0)
    footer = range(footer_of(body), len(body))
    pages = rng.sample(range(4, footer[0]), 200)
    some = rng.sample(footer, int(share * len(footer)))

    def flip():
        copy = tmp_path / "copy"
        _, expected = read_file(path, grain, SCHEMAS[grain].names, None)
        for place in (*some, *pages):
            copy.write_bytes(flipped(body, place, rng.randrange(8)))
            try:
                _, found = read_file(copy, grain, SCHEMAS[grain].names, None)
            except UnreadableFile:
                continue
            assert place in pages
            assert found.equals(expected)

    assert result_of(forked(flip)) == 0


def test_after_a_flipped_bit_a_read_is_equal_or_the_file_is_fetched_again(
    account, tmp_path
):
    world, client = account
    options = {"client": client, "cache": tmp_path / "cache", "grain": "all", **SPAN}
    expected = bf.read_braze_series(ID, **options)
    (root,) = (tmp_path / "cache").iterdir()
    paths = [LocalStorage(root).path(ID, grain) for grain in GRAINS]
    rng, bodies = random.Random(1), {path: path.read_bytes() for path in paths}

    def flip():
        with inhabited(world) as other, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            other.account = client.account
            for path, body in bodies.items():
                marks = [body.rfind(mark) for mark in (b'"version":', b"footer_crc=")]
                places = [*marks, marks[0] + 10, *rng.sample(range(len(body)), 4)]
                for place in places:
                    caught.clear()
                    path.write_bytes(flipped(body, place, rng.randrange(8)))
                    found = bf.read_braze_series(ID, **options | {"client": other})
                    for one, same in zip(found, expected, strict=True):
                        equal(one, same)
                    assert {one.category for one in caught} <= {bf.CacheWarning}
                    for one, whole in bodies.items():
                        one.write_bytes(whole)

    assert result_of(forked(flip)) == 0


def test_files_that_say_different_things_of_one_write_are_fetched_again(
    account, tmp_path
):
    world, client = account
    options = {"client": client, "cache": tmp_path, "grain": "all", **SPAN}
    expected = bf.read_braze_series({"Name": ID}, **options)
    (root,) = tmp_path.iterdir()
    path = LocalStorage(root).path(ID, "campaign")
    about, table = read_file(path, "campaign", SCHEMAS["campaign"].names, None)
    write_file(PendingFile("campaign", table, about._replace(name="Nome")), path)
    world.asked.clear()
    with pytest.warns(bf.CacheWarning, match="files of one write differ"):
        found = bf.read_braze_series({"Name": ID}, **options)
    for one, same in zip(found, expected, strict=True):
        equal(one, same)
    assert world.asked


def test_a_name_that_looks_like_a_checksum_is_a_name(tmp_path):
    world, name = World("2026-06-30"), '"seal":"footer_crc=00000000"'
    world.days[ID] = {"2026-06-29": day(messages={"sms": [entry(name, sent=1)]})}
    options = {"start": "2026-06-29", "cache": tmp_path}
    with inhabited(world) as client, warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            frame = bf.read_braze_series({name: ID}, client=client, **options)
            assert frame.braze.variations == [name]
        assert bf.Cache(tmp_path).info()["name"].tolist() == [name]


@pytest.fixture
def old_cache(tmp_path):
    """Return a copy of a folder that was written with layout 1."""
    return bf.Cache(shutil.copytree(OLD, tmp_path / "cache"))


def test_a_folder_of_layout_1_is_read(old_cache):
    found = bf.read_braze_series(old_cache, grain="all")
    pushes = found.variations.loc["Old"].xs("A", level="variation")
    assert pushes["sent"].tolist() == [0, 10, 20, 30, 40]
    assert pushes["direct_opens"].tolist() == [0, 1, 2, 5, 4]
    assert pushes["winks"].tolist() == [2] * 5
    assert found.campaigns["conversions"].tolist() == [0, 1, 2, 3, 4]
    assert found.campaigns["day_waves"].tolist() == [7] * 5
    assert found.elements["clicks"].tolist() == [3] * 5
    before = bf.read_braze_series(old_cache, as_of="2026-06-28")
    opens = before.loc["Old"].xs("A", level="variation")["direct_opens"]
    assert opens.tolist() == [0, 1, 2, 3]
    (row,) = old_cache.revisions().to_dict("records")
    assert (row["stat"], row["old"], row["new"]) == ("direct_opens", 3, 5)
    info = old_cache.info()
    assert info[["name", "days", "rows"]].values.tolist() == [["Old", 5, 10]]


def test_a_folder_of_layout_1_is_upgraded_when_it_is_written(old_cache):
    world = World("2026-06-30")
    world.days[ID] = {f"2026-06-{25 + n}": said(n, n) for n in range(6)}
    was = bf.read_braze_series(old_cache, as_of="2026-06-29")
    with inhabited(world) as client:
        client.account = "rest.iad-01.braze.com"
        options = {"start": "2026-06-25", "client": client}
        found = bf.read_braze_series({"Old": ID}, cache=old_cache, **options)
        equal(found, bf.read_braze_series({"Old": ID}, **options))
    for path in old_cache.path.rglob("*.parquet"):
        told = pq.read_metadata(path).metadata[b"braze_frames"]
        assert b'"version":2' in told
        assert b'"footer_crc=' in told
    equal(bf.read_braze_series(old_cache, as_of="2026-06-29"), was)
    cells = old_cache.revisions()[["stat", "old", "new"]]
    assert cells.values.tolist() == [["direct_opens", 3, 5], ["direct_opens", 5, 3]]


def killed_after(moves, work):
    """Run ``work`` in a child that ends at once when it wants to move once more."""

    def count_down():
        left = [moves]

        def hook(event, _):
            if event == "os.rename":
                if not left[0]:
                    os.kill(os.getpid(), 9)
                left[0] -= 1

        sys.addaudithook(hook)
        work()

    return result_of(forked(count_down))


@pytest.mark.parametrize("moves", range(6))
def test_after_a_kill_between_two_moves_history_and_numbers_agree(
    account, tmp_path, moves
):
    world, client = account
    cache = bf.Cache(tmp_path)
    options = {"cache": cache, "grain": "all", **SPAN}
    bf.read_braze_series(ID, client=client, **options)
    world.move_to("2026-07-01")
    world.days[ID]["2026-06-25"] = said(99, 77)

    def refresh():
        with inhabited(world) as other:
            other.account = client.account
            bf.read_braze_series(ID, client=other, refresh=True, **options)

    assert killed_after(moves, refresh) == (0 if moves == 5 else -9)
    agree(cache)
    world.days[ID]["2026-06-26"] = said(88, 66)
    world.move_to("2026-07-02")
    for later in range(2):
        killed_after(later, refresh)
        agree(cache)
    refresh()
    agree(cache)
    found = bf.read_braze_series(cache, grain="all")
    for one, same in zip(found, read_plain(world), strict=True):
        equal(one.droplevel("campaign"), same)
    changed = cache.revisions().dropna(subset=["old", "new"])
    assert set(changed["date"].dt.day) == {25, 26}
    assert (changed["old"] != changed["new"]).all()
    twice = changed.fillna({"channel": "", "variation": ""})
    assert not twice.duplicated(["date", "channel", "variation", "stat"]).any()


@pytest.mark.parametrize("moves", range(4))
def test_a_kill_before_a_grain_that_comes_anew_loses_no_stored_day(
    account, tmp_path, moves
):
    world, client = account
    usual = day(messages={"ios_push": [entry("A", "a", sent=9)]}, conversions=1)
    world.days[ID] = {f"2026-06-{n}": usual for n in range(20, 29)}
    options = {"cache": tmp_path, "start": "2026-06-20", "end": "2026-06-28"}
    bf.read_braze_series(ID, client=client, **options)
    offline = {"source": bf.Cache(tmp_path), "end": "2026-06-28", "grain": "all"}
    stored = bf.read_braze_series(**offline)
    world.days[ID]["2026-06-29"] = said(29, 29)

    def read_on():
        with inhabited(world) as other:
            other.account = client.account
            bf.read_braze_series(ID, client=other, cache=tmp_path, **SPAN)

    assert killed_after(moves, read_on) == -9
    found = bf.read_braze_series(**offline)
    equal(found.variations, stored.variations)
    equal(found.campaigns, stored.campaigns)


def read_plain(world):
    """Read the campaign without a cache."""
    with inhabited(world) as client:
        return bf.read_braze_series(ID, client=client, grain="all", **SPAN)


def agree(cache):
    """Compare what a cache reads with its history: then, now, and cell by cell."""
    now = bf.read_braze_series(cache, grain="all")
    then = bf.read_braze_series(cache, grain="all", as_of="2026-07-09")
    for one, same in zip(now, then, strict=True):
        equal(one, same)
    for row in cache.revisions().to_dict("records"):
        assert row["new"] == cell(now, row)


def cell(frames, row):
    """Return the number that a row of the history is about, as it is read."""
    date, stat = row["date"], row["stat"]
    if pd.isna(row["channel"]):
        return frames.campaigns.xs(date, level="date")[stat].iloc[0]
    place = (date, row["channel"], row["variation"])
    if stat.startswith("carousel"):
        return frames.elements.droplevel("campaign").loc[place]["clicks"].iloc[0]
    return frames.variations.droplevel("campaign").loc[place, stat]
