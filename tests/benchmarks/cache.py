"""What the cache costs, as ratios to bare reads of the same files, side by side.

Run ``python tests/benchmarks/cache.py``, with names of functions to choose some. Each
ratio is of CPU, the median of rounds in which the bare work is timed before and after
ours; the lowest and highest stand behind it, and the ratio by the clock: Arrow reads
files on all cores, which counts there and not in CPU. The work of a round is done
several times if short. The goal stands in brackets; a ratio that moves by less than a
tenth has not moved.
"""

import shutil
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import requests_cache
import responses

import braze_frames as bf
from braze_frames.cache.campaign import CampaignFiles, Update
from braze_frames.core.arrays import Column
from braze_frames.payload.batch import Batch, EntryKey, elements_of
from braze_frames.payload.columns import Stats
from braze_frames.schema.channels import CHANNELS, STAT, STATS
from braze_frames.storage.coverage import moment_of
from braze_frames.storage.layout import ALWAYS
from braze_frames.storage.local import LocalStorage

ROUNDS = 7
FIRST = (date(2023, 1, 1) - date(1970, 1, 1)).days
OF_USERS = tuple(stat.name for stat in STATS if stat.day_total)


def seconds(work, repeat=1):
    """Return the seconds of CPU and by the clock that calls take."""
    start = time.process_time(), time.perf_counter()
    for _ in range(repeat):
        work()
    return np.array([time.process_time() - start[0], time.perf_counter() - start[1]])


def ratio(work, bare, repeat=1):
    """Return the ratio of ``work`` to ``bare`` as text."""
    work(), bare()
    ratios = []
    for _ in range(ROUNDS):
        before, ours, after = (seconds(one, repeat) for one in (bare, work, bare))
        ratios.append(2 * ours / (before + after))
    cpu, clock = np.transpose(ratios)
    found = f"{statistics.median(cpu):6.2f}   ({min(cpu):.2f} … {max(cpu):.2f})"
    return f"{found}, by the clock {statistics.median(clock):.2f}"


def campaign_id(number):
    """Return the id of a made-up campaign."""
    return str(uuid.UUID(int=number, version=4))


def batch(number, days, variations, channel=None):
    """Return a campaign's numbers: a test in one channel, every stat of it given."""
    rng = np.random.default_rng(number)
    channel = channel or CHANNELS[number % len(CHANNELS)]
    keys = [
        EntryKey(
            channel.name, campaign_id(10**9 + number * 10**5 + n), f"Variant {n:04}", 0
        )
        for n in range(variations)
    ]
    all_days = np.arange(FIRST, FIRST + days)
    totals = Stats(columns(rng, OF_USERS, days))
    entries = Stats(columns(rng, (*channel.stats, *OF_USERS), days * variations))
    entry_day = np.repeat(np.arange(days), variations)
    entry_key = np.tile(np.arange(variations), days)
    return Batch(
        *(str(number), all_days, all_days, totals, entries),
        *(entry_day, entry_key, keys, elements_of([]), []),
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
    files = CampaignFiles(LocalStorage(root), campaign_id(number))
    files.write(
        Update([batch(number, **shape)], moment, "UTC", f"Campaign {number:05}")
    )
    return files.storage.path(files.id, "variation")


def bare(path):
    """Read one file the plain way."""
    return pq.read_table(path).to_pandas()


def one_large_file(folder):
    """2 M rows in one file, into our frame / read_table().to_pandas()  [<= 1.4]."""
    path = store(folder / "host", 1, days=1000, variations=2000)
    cache = bf.Cache(folder)
    yield ratio(lambda: bf.read_braze_series(cache), lambda: bare(path))


def many_files(folder):
    """2 M rows in 1,000 files / dataset().to_table(): 3 columns, all  [<= 1.3, 1]."""
    for number in range(1000):
        store(folder / "host", number, days=500, variations=4)
    variations, cache = folder / "host" / "variation", bf.Cache(folder)
    stats = ["sent", "conversions", "unique_recipients"]
    texts = ["date", "channel", "variation_api_id", "variation_name"]
    for copied in ("as they lie", "with a copy"):
        for columns, bare_columns in ((stats, texts + stats), (None, None)):
            found = ratio(
                lambda some=columns: bf.read_braze_series(cache, columns=some),
                lambda some=bare_columns: ds.dataset(variations).to_table(columns=some),
            )
            yield f"{found}, {'all' if columns is None else 3} columns, {copied}"
        cache.compact()


def copies(folder):
    """400,000 rows of 200 campaigns from a copy / as they lie  [<= 0.8]."""
    lying, copied = bf.Cache(folder / "lying"), bf.Cache(folder / "copied")
    for cache in (lying, copied):
        for number in range(200):
            store(cache.path / "host", number, days=500, variations=4)
    copied.compact()
    for columns in (["sent", "conversions", "unique_recipients"], None):
        found = ratio(
            lambda some=columns: bf.read_braze_series(copied, columns=some),
            lambda some=columns: bf.read_braze_series(lying, columns=some),
        )
        yield f"{found}, {'all' if columns is None else 3} columns"


def threads(folder):
    """200 campaigns on a local disk, by two threads / by one; more than 1: no help."""
    for number in range(200):
        store(folder / "host", number, days=500, variations=4)

    def read(at_once):
        LocalStorage.at_once = at_once
        bf.read_braze_series(bf.Cache(folder))

    yield ratio(lambda: read(2), lambda: read(1))
    LocalStorage.at_once = 1


def one_of_many(folder):
    """One campaign of 10,000 / filtered read of one big file  [<= 0.2]."""
    sandbox = bf.Sandbox()
    client = sandbox.connect()
    root = folder / client.account
    paths = [store(root, n, days=30, variations=4) for n in range(100)]
    tables = [pq.read_table(path) for path in paths]
    ids = [campaign_id(n) for n in range(10_000)]
    named = (
        tables[n % 100].append_column("campaign_id", pa.array([id_] * 120))
        for n, id_ in enumerate(ids)
    )
    big = folder / "big.parquet"
    pq.write_table(pa.concat_tables(named), big, compression="zstd")
    wanted = ids[57]
    read = {"start": "2023-01-01", "end": "2023-01-30", "client": client}
    yield ratio(
        lambda: bf.read_braze_series(wanted, cache=folder, **read),
        lambda: pd.read_parquet(big, filters=[("campaign_id", "==", wanted)]),
        repeat=3,
    )
    sandbox.stop()


def updates(folder):
    """Update one campaign among 10,000 / among 1,000  [<= 1.5]."""
    roots = []
    for count in (1000, 10_000):
        root = folder / str(count)
        store(root, 1, days=500, variations=4)
        copy_campaign(CampaignFiles(LocalStorage(root), campaign_id(1)), count)
        roots.append(root)
    few, many = roots
    yield ratio(
        lambda: store(many, 57, days=30, variations=4),
        lambda: store(few, 57, days=30, variations=4),
        repeat=10,
    )


def warm_reads(folder):
    """A campaign's 120 days, all stored / read_table(file).to_pandas()  [<= 8].

    The second ratio is to the least that pyarrow and pandas need for the same frame,
    by ``least``: what is above 1 is our fixed cost, whatever the columns.
    """
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        id_ = sandbox.campaigns["Basket Reminder: Subject Test"]
        options = {"length": 120, "client": client, "cache": folder}
        bf.read_braze_series(id_, **options)
        path = LocalStorage(folder / client.account).path(id_, "variation")
        sandbox.requests.clear()
        yield ratio(
            lambda: bf.read_braze_series(id_, **options), lambda: bare(path), repeat=20
        )
        frame = bf.read_braze_series(id_, **options)
        found = ratio(
            lambda: bf.read_braze_series(id_, **options), least(path, frame), repeat=20
        )
        yield f"{found}, / least"
        yield f"{len(sandbox.requests):6}   requests meanwhile"


def least(path, frame):
    """Return what reads a frame's columns, and makes one of parts that are ready."""
    names = ["date", "channel", "variation_api_id", "variation_name"]
    stored = [*names, *frame.columns[1:]]
    days, texts = frame.index.levels[0].to_numpy(), frame.index.levels[1:]
    texts, text = [level.tolist() for level in texts], texts[0].dtype
    codes = [np.asarray(one, dtype="int64") for one in frame.index.codes]
    columns = {name: frame[name].array for name in frame}

    def work():
        pq.ParquetFile(path).read(columns=stored, use_threads=False)
        levels = [pd.DatetimeIndex(days), *(pd.Index(one, dtype=text) for one in texts)]
        index = pd.MultiIndex(
            levels, codes, names=frame.index.names, verify_integrity=False
        )
        return pd.DataFrame(columns, index=index, copy=False)

    return work


def looks(folder):
    """info(), revisions(): ms of CPU a campaign, 40 numbers revised  [<= 1, <= 0.3].

    Linear if 10,000 campaigns take as long each as 1,000. Without revisions nothing but
    the name of a missing file is looked at; with them, to open the file of a campaign
    and read seven columns takes Arrow alone .5 ms.
    """
    moment = moment_of(pd.Timestamp("2026-07-01 12:00Z").to_pydatetime())
    for count, is_revised in ((1000, False), (1000, True), (10_000, True)):
        cache = bf.Cache(folder / f"{count} {is_revised}")
        root = cache.path / "host"
        store(root, 1, days=30, variations=4)
        files = CampaignFiles(LocalStorage(root), campaign_id(1))
        if is_revised:
            news = batch(1, 30, 4)
            news.entries.columns["sent"].values[:40] += 1
            files.write(Update([news], moment, "UTC", "Campaign"))
        copy_campaign(files, count)
        for work in (cache.info, cache.revisions):
            rounds = [seconds(work)[0] for _ in range(3 if count > 1000 else ROUNDS)]
            took = statistics.median(rounds) / count * 1000
            told = "revised" if is_revised else "never revised"
            yield f"{took:6.3f}   {work.__name__} of {count} {told}"


def copy_campaign(files, count):
    """Let so many campaigns have the files of one, whose id is that of number 1."""
    for number in range(2, count + 1):
        for grain in (*ALWAYS, "revision"):
            path = files.storage.path(files.id, grain)
            if path.exists():
                copy = files.storage.path(campaign_id(number), grain)
                copy.parent.mkdir(parents=True)
                shutil.copy(path, copy)


def peers(folder):
    """requests-cache (SQLite) and from_records / a cache hit of ours  [>= 8]."""
    session = requests_cache.CachedSession(str(folder / "peer"), backend="sqlite")
    ids = {f"Campaign {n}": campaign_id(n) for n in range(10)}
    ends = [LAST_END - timedelta(days=100 * n) for n in range(5)]
    asked = {"start": ends[-1] - timedelta(days=99), "end": LAST_END}
    with served() as (url, requests), bf.BrazeClient(url, "key") as client:

        def plain(ids):
            rows = [
                {"campaign": name, **row}
                for name, id_ in ids.items()
                for end in ends
                for row in records(session, url, id_, end)
            ]
            return typed(pd.DataFrame.from_records(rows))

        def ours(ids):
            return bf.read_braze_series(ids, client=client, cache=folder, **asked)

        for count in (1, len(ids)):
            some = dict([*ids.items()][:count])
            frame = ours(some)
            pd.testing.assert_frame_equal(
                frame, plain(some)[[*frame]], check_index_type=False
            )
            requests.clear()
            found = ratio(lambda some=some: plain(some), lambda some=some: ours(some))
            yield f"{found}, {count} campaigns of 500 days, {len(requests)} requests"


LAST_END = date(2026, 4, 10)


class Handler(BaseHTTPRequestHandler):
    """Answers with the responses of the parser's benchmark."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append(self.path)
        query = parse_qs(urlsplit(self.path).query)
        number = int(query["campaign_id"][0][-2:], 16)
        last = date.fromisoformat(query["ending_at"][0][:10])
        body = responses.response(number, start=last - timedelta(days=99))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Stay silent."""


@contextmanager
def served():
    """Serve made-up campaigns; yields the address and the requests so far."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", server.requests
    server.shutdown()
    server.server_close()


def typed(frame):
    """Return records as the frame that ours is."""
    frame = frame.rename(columns={"variation_name": "variation"})
    frame["date"] = pd.to_datetime(frame["date"]).astype("datetime64[us]")
    types = {stat: STAT[stat].dtype for stat in frame if stat in STAT}
    frame = frame.astype({**types, "variation_api_id": "string"})
    levels = ["campaign", "date", "channel", "variation"]
    return frame.set_index(levels).sort_index()


def records(session, url, id_, end):
    """Return the entries of one cached answer as records."""
    answer = session.get(
        f"{url}/campaigns/data_series",
        params={"campaign_id": id_, "length": 100, "ending_at": f"{end}T23:59:59Z"},
    )
    return [
        {"date": day["time"], "channel": channel, **row}
        for day in orjson.loads(answer.content)["data"]
        for channel, rows in day["messages"].items()
        for row in rows
    ]


MEASURED = (
    *(one_large_file, many_files, copies, threads),
    *(one_of_many, updates, warm_reads, looks, peers),
)


def main():
    """Print the measurements that the command line names, or all."""
    for work in MEASURED:
        if sys.argv[1:] and work.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for value in work(Path(folder)):
                print(f"{work.__doc__.splitlines()[0]:<80} {value}", flush=True)


if __name__ == "__main__":
    main()
