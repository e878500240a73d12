"""A campaign in a store: writers that meet, writers that are killed, damage."""

import warnings
from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf
from braze_frames.cache.campaign import CampaignFiles, Update
from braze_frames.core.arrays import Column
from braze_frames.errors import gathered, warn
from braze_frames.payload.batch import Batch, EntryKey, elements_of
from braze_frames.payload.columns import Stats
from braze_frames.storage.coverage import moment_of
from braze_frames.storage.layout import EVERYTHING, SCHEMAS
from braze_frames.storage.objects import ObjectStorage
from braze_frames.storage.parquet import PendingFile
from braze_frames.storage.storage import side_by_side
from braze_frames.storage.store import Store

from ..payloads import ID

obstore = pytest.importorskip(
    "obstore.store", reason="obstore is missing: pip install 'braze-frames[cloud]'"
)
MOMENT = moment_of(pd.Timestamp("2026-06-30 12:00Z").to_pydatetime())
FIRST = 20_000
DAY_1, DAY_2 = (datetime(1970, 1, 1) + timedelta(days=FIRST + n) for n in (1, 2))


def column(value, size):
    """Return a column of one number."""
    return Column(np.full(size, value), np.zeros(size, dtype=bool))


def batch(value, first=FIRST, days=3, extra=""):
    """Return days with one number everywhere; ``extra`` names an unknown stat."""
    sent = {"sent": column(value, days)} | (
        {extra: column(value, days)} if extra else {}
    )
    numbers = np.arange(first, first + days)
    return Batch(
        *("made up", numbers, numbers, Stats({"conversions": column(value, days)})),
        *(Stats(sent), np.arange(days), np.zeros(days, dtype=np.int64)),
        *([EntryKey("email", "a", "A", 0)], elements_of([]), []),
    )


def write(files, value, **days):
    """Store days with one number everywhere."""
    files.write(Update([batch(value, **days)], MOMENT + value, "UTC"))


def days_of(files):
    """Return the days that a campaign holds, counted from the first."""
    return (files.coverage().coverage.days - FIRST).tolist()


def as_pending(loaded):
    """Return what was loaded as files to write."""
    return [
        PendingFile(grain, loaded.tables[grain], about)
        for grain, about in loaded.abouts.items()
    ]


class Killed(BaseException):
    """The process has ended."""


class Deadly(Store):
    """A store whose user is killed before one of its writes."""

    lives = 99

    def put(self, key, body, tag):
        if not self.lives:
            raise Killed
        self.lives -= not key.startswith("host/.")
        return super().put(key, body, tag)


def files_in(objects, kind=Store, **options):
    """Return the files of a campaign, as another process would see them."""
    storage = ObjectStorage(kind(objects, "memory://"), "host", **options)
    return CampaignFiles(storage, ID)


@pytest.fixture
def objects():
    """Return an empty store."""
    return obstore.MemoryStore()


@pytest.fixture
def files(objects):
    """Return the files of a campaign in an empty store, for whom nobody waits."""
    return files_in(objects, sleep=lambda seconds: None)


def test_a_campaign_has_all_grains_from_its_first_write(files):
    write(files, 1)
    assert files.storage.marks([ID])[ID].keys() == {*EVERYTHING}
    assert files.storage.campaigns() == [ID]


def test_a_write_that_comes_too_late_does_nothing_and_starts_again(files):
    write(files, 1)
    old = files.storage.load(ID, {one: SCHEMAS[one].names for one in SCHEMAS})
    first = files.storage.marks([ID])[ID]
    write(files, 2, first=FIRST + 3)
    assert not files.storage.replace(ID, as_pending(old), old.version)
    second = files.storage.marks([ID])[ID]
    assert not {*first.values()} & {*second.values()}
    assert days_of(files) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("extra", ["", "winks"])
@pytest.mark.parametrize("meets", range(5))
def test_two_writers_that_meet_at_any_object_are_both_stored(objects, meets, extra):
    """The other writes before the ``meets``-th object is put; both restate a day."""
    other = files_in(objects)
    write(other, 1)

    class Meeting(Store):
        left = meets

        def put(self, key, body, tag):
            self.left -= not key.startswith("host/.")
            if self.left == -1:
                write(other, 2, first=FIRST + 1, days=2)
            return super().put(key, body, tag)

    write(files_in(objects, Meeting), 3, first=FIRST + 2, days=3, extra=extra)
    files = files_in(objects)
    assert days_of(files) == [0, 1, 2, 3, 4]
    now = dict.fromkeys(product(("sent", "conversions"), (DAY_1, DAY_2)), 1)
    for row in files.revisions().to_pylist():
        cell = row["stat"], row["date"]
        assert row["old"] == now.get(cell, row["old"])
        now[cell] = row["new"]
    assert {now["sent", DAY_1], now["conversions", DAY_1]} == {2}
    assert {now["sent", DAY_2], now["conversions", DAY_2]} == {3}


@pytest.mark.parametrize("lives", range(6))
def test_a_kill_before_any_object_loses_no_day_and_stops_no_writer(objects, lives):
    write(files_in(objects), 1, extra="winks")
    deadly = files_in(objects, Deadly)
    deadly.storage.store.lives = lives
    with pytest.raises(Killed) if lives < 5 else warnings.catch_warnings():
        # a day that is restated, and one more: all four grains and a history
        write(deadly, 2, first=FIRST + 2, days=2, extra="winks")
    files = files_in(objects, sleep=lambda seconds: None)
    assert days_of(files)[:3] == [0, 1, 2]
    write(files, 3, first=FIRST + 4, days=1)
    assert {0, 1, 2, 4} <= {*days_of(files)}
    history = files.revisions()
    assert (history is not None and len(history) > 0) == (lives > 2)


def test_a_writer_that_always_comes_too_late_gives_up_with_a_reason(objects):
    write(files_in(objects), 1)
    waits = []

    class Busy(Store):
        def put(self, key, body, tag):
            return key.startswith("host/.") and super().put(key, body, tag)

    files = files_in(objects, Busy, sleep=waits.append)
    with pytest.raises(bf.CacheError, match="other processes write") as caught:
        write(files, 2)
    assert len(waits) == ObjectStorage.tries
    assert sum(waits) < 60
    assert "memory://" in str(caught.value)


@pytest.mark.parametrize("grain", EVERYTHING)
def test_a_damaged_object_is_copied_aside_and_replaced_by_the_next_write(
    objects, grain
):
    write(files_in(objects), 1, extra="winks")
    key = f"host/{grain}/campaign_id={ID}/data.parquet"
    body = bytes(obstore.ObjectStoreMethods.get(objects, key).bytes())
    objects.put(key, body[: len(body) // 2])
    files = files_in(objects)
    with pytest.warns(bf.CacheWarning, match=r"A copy is 'memory:///?/?host/\.aside"):
        assert days_of(files) == []
    assert days_of(files) == []  # without another warning
    (copy,) = files.storage.store.listed("host/.aside")
    (found,) = files.storage.store.get([copy.key])
    assert found.body == body[: len(body) // 2]
    write(files, 2)
    assert days_of(files_in(objects)) == [0, 1, 2]
    files.remove()
    assert files.storage.store.listed("") == []


def test_a_folder_beside_the_campaigns_is_replaced_as_a_whole(files):
    storage = files.storage
    with storage.replacing(".compact") as put:
        put("a", b"1")
        put("b", b"2")
    with storage.replacing(".compact") as put:
        put("b", b"3")
    assert storage.open_object(".compact/b").read() == b"3"
    with pytest.raises(FileNotFoundError):
        storage.open_object(".compact/a")


def test_what_is_said_of_several_at_once_is_heard_once_where_they_are_asked():
    def work(number):
        warn(f"number {number % 2}", bf.CacheWarning)
        return number

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert side_by_side(work, range(4), 4) == [0, 1, 2, 3]
    assert [str(one.message) for one in shown] == ["number 0", "number 1"]
    assert {one.filename for one in shown} == {__file__}
    with gathered() as said:
        side_by_side(work, range(4), 4)
    assert said == [("CacheWarning", "number 0"), ("CacheWarning", "number 1")]
