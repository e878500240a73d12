"""What thousands of campaigns cost: CPU as ratios side by side, and peaks of memory.

Run ``python tests/benchmarks/scale.py [campaigns] [days]``: 2,000 campaigns of 1,095
days by default, each of two or three variations with three stats; 10,000 take ten
minutes to make. Each measurement runs in a process of its own, so that its peak is its
own; ratios are medians of rounds in which the bare work runs before and after ours.
The goal stands in brackets.
"""

import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl

import braze_frames as bf
from braze_frames.cache.campaign import CampaignFiles, Update
from braze_frames.core.arrays import Column
from braze_frames.payload.batch import Batch, EntryKey, elements_of
from braze_frames.payload.columns import Stats
from braze_frames.storage.coverage import moment_of
from braze_frames.storage.local import LocalStorage

ROUNDS = 3
STATS = ("unique_recipients", "sent", "conversions_by_send_time")
LEVELS = ("campaign_id", "channel", "variation")
CHANNELS = ("email", "ios_push", "sms")
MOMENT = moment_of(pd.Timestamp("2026-06-30 12:00Z").to_pydatetime())
LAST = pd.Timestamp("2026-06-30").value // 86_400_000_000_000


def campaign_id(rng):
    """Return a random id: files lie in no order of their names."""
    digits = rng.bytes(16).hex()
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
    )


def batch(rng, number, days):
    """Return a test in one channel."""
    variations = 2 + number % 2
    channel = CHANNELS[number % len(CHANNELS)]
    names = ("Variant 1", "Control Group", "Variant 2")[:variations]
    keys = [EntryKey(channel, f"{number:08}-{n}", n, 0) for n in names]
    people = rng.integers(100, 5000, days * variations)
    columns = {
        stat: Column(counts, np.zeros(len(counts), dtype=bool))
        for stat, counts in zip(
            STATS, (people, people, rng.binomial(people, 0.03)), strict=True
        )
    }
    numbers = np.arange(LAST - days + 1, LAST + 1)
    return Batch(
        *(str(number), numbers, numbers, Stats(), Stats(columns)),
        *(np.repeat(np.arange(days), variations), np.tile(np.arange(variations), days)),
        *(keys, elements_of([]), []),
    )


def make(folder, campaigns, days):
    """Fill a cache."""
    storage, rng = LocalStorage(folder / "host"), np.random.default_rng(0)
    for number in range(campaigns):
        files = CampaignFiles(storage, campaign_id(rng))
        name = f"Campaign {number:05}"
        files.write(Update([batch(rng, number, days)], MOMENT, "UTC", name))


def cpu(work):
    """Return the CPU seconds of one call, all threads."""
    began = time.process_time()
    work()
    return time.process_time() - began


def ratio(work, bare):
    """Return the ratio of ``work`` to ``bare`` as text."""
    work(), bare()
    found = []
    for _ in range(ROUNDS):
        before, ours, after = cpu(bare), cpu(work), cpu(bare)
        found.append(2 * ours / (before + after))
    return f"{statistics.median(found):7.2f}   ({min(found):.2f} … {max(found):.2f})"


def alone(work, *args):
    """Run work in a process of its own; return what it yields, then its peak in GB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work, args))


def _measured(work, args):
    warnings.simplefilter("ignore", bf.StatisticsWarning)
    lines = [*work(*args)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return lines, peak


def copying(folder, campaigns):
    """compact(), ms of CPU a campaign  [<= 12]."""
    yield f"{cpu(bf.Cache(folder).compact) / campaigns * 1000:7.2f}"


def in_duckdb(files, levels=()):
    """Sum the stats of all rows of some files, or by levels."""
    rows = duckdb.read_parquet(str(files), hive_partitioning=True)
    sums = [*levels, *(f"sum({stat})" for stat in STATS)]
    return rows.aggregate(", ".join(sums)).fetchall()


def in_polars(files):
    """Do the same."""
    rows = pl.scan_parquet(files, hive_partitioning=True)
    return rows.select(pl.col(STATS).sum()).collect()


def engines(folder, _campaigns):
    """The copy over files as they lie, sums of three stats  [<= 0.4]."""
    lying = folder / "host" / "variation" / "*" / "data.parquet"
    copied = folder / "host" / ".compact" / "variation" / "*.parquet"
    for run in (in_duckdb, in_polars):
        found = ratio(lambda run=run: run(copied), lambda run=run: run(lying))
        yield f"{found}, {run.__name__}"


def totals_of_all(folder, _campaigns):
    """Totals from the copy, one frame, over the bare duckdb query there  [<= 8]."""
    cache = bf.Cache(folder)
    copied = folder / "host" / ".compact" / "variation" / "*.parquet"

    def ours():
        bf.read_braze_series(cache, columns=STATS).braze.totals()

    yield ratio(ours, lambda: in_duckdb(copied, LEVELS))


def looking(folder, campaigns):
    """info() and revisions(), ms of CPU a campaign  [<= 1, <= 0.3]."""
    cache = bf.Cache(folder)
    for work in (cache.info, cache.revisions):
        yield f"{cpu(work) / campaigns * 1000:7.2f}, {work.__name__}"


def by_parts(folder, _campaigns):
    """Totals by parts of 250 over those of one frame, one process  [<= 1.3]."""
    cache = bf.Cache(folder)
    parts = bf.scan_braze_series(cache, columns=STATS, part_size=250)

    def one_frame():
        bf.read_braze_series(cache, columns=STATS).braze.totals()

    yield ratio(
        lambda: parts.braze.totals().compute(scheduler="synchronous"), one_frame
    )


def sums_of_a_part(folder, _campaigns):
    """Totals of 250 campaigns  [<= 0.6 GB]."""
    parts = bf.scan_braze_series(bf.Cache(folder), columns=STATS, part_size=250)
    found = parts.partitions[0].braze.totals().compute(scheduler="synchronous")
    yield f"{len(found):7} rows"


def lift_of_a_part(folder, _campaigns):
    """Lift of 250 campaigns  [<= 1.0 GB]."""
    parts = bf.scan_braze_series(bf.Cache(folder), columns=STATS, part_size=250)
    lift = parts.partitions[0].braze.lift("conversion_rate_by_send_time")
    yield f"{len(lift.compute(scheduler='synchronous')):7} rows"


MEASURED = (looking, copying, engines, totals_of_all, by_parts)
MEASURED += (sums_of_a_part, lift_of_a_part)


def main():
    """Print the measurements."""
    campaigns, days = (*map(int, sys.argv[1:]), 2000, 1095)[:2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, campaigns, days)
        for work in MEASURED:  # in this order: all that follows has a copy
            lines, peak = alone(work, folder, campaigns)
            for line in lines:
                print(f"{work.__doc__:<80} {line}", flush=True)
            print(f"{'':80} {peak:7.2f}   GB at most", flush=True)


if __name__ == "__main__":
    main()
