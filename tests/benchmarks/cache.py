"""What the cache costs, as ratios to bare reads of the same files, side by side.

Run ``python tests/benchmarks/cache.py``. Each ratio is the median of rounds in which the
bare work is timed before and after ours; the lower and upper ends stand behind it.
"""

import shutil
import statistics
import sys
import tempfile
import time
import uuid
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import requests_cache
import responses

import braze_frames as bf
from braze_frames.coverage import moment_of
from braze_frames.layout import SCHEMAS
from braze_frames.metrics import CHANNELS, STAT, STATS
from braze_frames.packing import Column, Packed
from braze_frames.payload import Batch, Key
from braze_frames.store import CampaignFiles, News

ROUNDS = 7
FIRST = (date(2023, 1, 1) - date(1970, 1, 1)).days
OF_USERS = tuple(stat.name for stat in STATS if stat.day_total)


def seconds(work):
    """Return the seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(work, bare, rounds=ROUNDS):
    """Return the ratio of ``work`` to ``bare`` as text."""
    work(), bare()
    ratios = []
    for _ in range(rounds):
        before, ours, after = seconds(bare), seconds(work), seconds(bare)
        ratios.append(2 * ours / (before + after))
    middle = statistics.median(ratios)
    return f"{middle:6.2f}   ({min(ratios):.2f} … {max(ratios):.2f})"


def campaign_id(number):
    """Return the id of a made-up campaign."""
    return str(uuid.UUID(int=number, version=4))


def batch(number, days, variations, channel=None):
    """Return a campaign's numbers: a test in one channel, every stat of it given."""
    rng = np.random.default_rng(number)
    channel = channel or CHANNELS[number % len(CHANNELS)]
    keys = [
        Key(channel.name, campaign_id(10**9 + number * 10**5 + n), f"Variant {n:04}", 0)
        for n in range(variations)
    ]
    all_days = np.arange(FIRST, FIRST + days)
    totals, entries = Packed(), Packed()
    totals.columns = columns(rng, OF_USERS, days)
    entries.columns = columns(rng, (*channel.stats, *OF_USERS), days * variations)
    entry_day = np.repeat(np.arange(days), variations)
    entry_key = np.tile(np.arange(variations), days)
    return Batch(
        *(str(number), all_days, all_days, totals, entries),
        *(entry_day, entry_key, keys, [], []),
    )


def columns(rng, stats, size):
    """Return random numbers, none missing."""
    return {
        stat: Column(
            rng.integers(0, 100_000, size)
            if STAT[stat].dtype == "Int64"
            else rng.integers(0, 900_000, size) / 100,
            np.zeros(size, dtype=bool),
        )
        for stat in stats
    }


def store(root, number, **shape):
    """Write one campaign as the cache does; return its file of variations."""
    moment = moment_of(pd.Timestamp("2026-06-30 12:00Z").to_pydatetime())
    files = CampaignFiles(root, campaign_id(number))
    files.write(News([batch(number, **shape)], moment, "UTC", f"Campaign {number:05}"))
    return files.path("variation")


def bare(path):
    """Read one file the plain way."""
    return pq.read_table(path).to_pandas()


def one_large_file(folder):
    """2 M rows in one file: into our frame, against pyarrow and pandas alone."""
    path = store(folder / "host", 1, days=1000, variations=2000)
    cache = bf.Cache(folder)
    return ratio(lambda: bf.read_braze_series(cache), lambda: bare(path))


def many_files(folder):
    """2 M rows in 1,000 files: into our frame, against a bare dataset."""
    for number in range(1000):
        store(folder / "host", number, days=500, variations=4)
    variations, cache = folder / "host" / "variation", bf.Cache(folder)
    return ratio(
        lambda: bf.read_braze_series(cache), lambda: ds.dataset(variations).to_table()
    )


if __name__ == "__main__":
    for work in (one_large_file, many_files):
        with tempfile.TemporaryDirectory() as folder:
            print(work.__doc__, work(Path(folder)), flush=True)
