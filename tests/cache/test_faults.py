"""Faults that must lose nothing: each is really done to real files and processes."""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import statistics
import tempfile
import time
import traceback
from pathlib import Path
from threading import Event
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import braze_frames as bf
from braze_frames.cache.campaign import CampaignFiles, Update
from braze_frames.core.arrays import Column
from braze_frames.payload.batch import Batch, EntryKey, elements_of
from braze_frames.payload.columns import Stats
from braze_frames.storage.coverage import moment_of
from braze_frames.storage.layout import ALWAYS
from braze_frames.storage.local import LocalStorage, locked

from ..payloads import ID, OTHER_ID, day, entry
from ..worlds import World, inhabited

pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
    pytest.mark.skipif(
        not hasattr(os, "fork"), reason="no os.fork here; run on Linux or macOS"
    ),
]
MOMENT = moment_of(pd.Timestamp("2026-06-30 12:00Z").to_pydatetime())
FIRST = 20_000
KILLS = 40  # a third of a second each, spread over all instants of a write
WRITERS, CAMPAIGNS, DAYS_OF_EACH = 8, 20, 5
SPAN = {"start": "2026-03-01", "end": "2026-05-30"}
equal = pd.testing.assert_frame_equal


def forked(work):
    """Run ``work`` in a child; return its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(code)


def result_of(child):
    """Wait for a child; return its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def batch(value, first=FIRST, days=60):
    """Return days on which both variations and the day have the same number."""
    keys = [EntryKey("email", name, name.upper(), 0) for name in ("a", "b")]
    entries = Stats({"sent": column(value, 2 * days)})
    totals = Stats({"conversions": column(value, days)})
    numbers = np.arange(first, first + days)
    place = np.arange(2 * days)
    return Batch(
        *("made up", numbers, numbers, totals, entries),
        *(place // 2, place % 2, keys, elements_of([]), []),
    )


def column(value, size):
    """Return a column of one number."""
    return Column(np.full(size, value), np.zeros(size, dtype=bool))


def write(files, value, **days):
    """Store the days with one number everywhere."""
    files.write(Update([batch(value, **days)], MOMENT + value, "UTC"))


def stored(files, days=60):
    """Return the numbers in each file, after a check that every day is there."""
    found = {}
    for grain, stat in (("campaign", "conversions"), ("variation", "sent")):
        table = pq.read_table(files.storage.path(files.id, grain)).to_pandas()
        rows = 2 if grain == "variation" else 1
        assert table["date"].value_counts().tolist() == [rows] * days
        (found[grain],) = set(table[stat].tolist())
    return found


def seconds_of_a_write(files):
    """Return how long a forked child takes to write."""
    began = time.perf_counter()
    assert result_of(forked(lambda: write(files, 1))) == 0
    return time.perf_counter() - began


def unfinished(files):
    """Return what writers have left in their workshop."""
    return list((files.storage.root / ".writing").iterdir())


def test_a_kill_at_any_instant_leaves_the_old_or_the_new_file(tmp_path):
    files, rng = CampaignFiles(LocalStorage(tmp_path), ID), random.Random(0)
    write(files, 0)
    latest = statistics.median(seconds_of_a_write(files) for _ in range(5))
    before, value, killed = stored(files), 2, 0
    while killed < KILLS:
        child = forked(lambda value=value: write(files, value))
        time.sleep(rng.uniform(0, latest))
        os.kill(child, signal.SIGKILL)
        came_in_time = result_of(child) == -signal.SIGKILL
        killed += came_in_time
        # A busy machine is slow now and quick a moment later: follow it.
        latest *= 1.1 if came_in_time else 0.8
        after = stored(files)
        for grain in ALWAYS:
            assert after[grain] in (before[grain], value)
        before, value = after, value + 1
    write(files, value)
    assert set(stored(files).values()) == {value}
    assert unfinished(files) == []
    days = files.coverage(ALWAYS).coverage.days
    assert days.tolist() == list(range(FIRST, FIRST + 60))


def campaign(number):
    """Return the id of one of many campaigns."""
    return str(UUID(int=number, version=4))


def write_many(root, writer):
    """Store this writer's days of all campaigns."""
    order = random.Random(writer).sample(range(CAMPAIGNS), CAMPAIGNS)
    for number in order:
        first = FIRST + writer * DAYS_OF_EACH
        files = CampaignFiles(LocalStorage(root), campaign(number))
        write(files, number, first=first, days=DAYS_OF_EACH)


def read_many(root, done, pipe):
    """Read until the writers are done; tell how often, and what was wrong."""
    reads, cache = 0, bf.Cache(root.parent)
    try:
        while not done.is_set() or not reads:
            frames = bf.read_braze_series(cache, grain="all")
            days = frames.variations["sent"].groupby(["campaign", "date"])
            assert (days.count() == 2).all()
            assert frames.variations["sent"].notna().all()
            table = ds.dataset(root / "variation").to_table().to_pandas()
            assert table["sent"].notna().all()
            reads += 1
        pipe.send(("read", reads))
    except BaseException as error:  # noqa: BLE001
        pipe.send((repr(error), reads))


def test_many_processes_update_the_same_campaigns_while_others_read(tmp_path):
    root, fork = tmp_path / "host", multiprocessing.get_context("fork")
    write_many(root, WRITERS)
    done, pipes, readers = fork.Event(), [], []
    for _ in range(2):
        here, there = fork.Pipe()
        pipes.append(here)
        readers.append(fork.Process(target=read_many, args=(root, done, there)))
    writers = [
        fork.Process(target=write_many, args=(root, writer))
        for writer in range(WRITERS)
    ]
    for process in (*readers, *writers):
        process.start()
    for process in writers:
        process.join()
        assert process.exitcode == 0
    done.set()
    for pipe, process in zip(pipes, readers, strict=True):
        said, reads = pipe.recv()
        process.join()
        assert said == "read"
        assert reads
    info = bf.Cache(tmp_path).info()
    assert info["days"].tolist() == [(WRITERS + 1) * DAYS_OF_EACH] * CAMPAIGNS


def test_a_full_disk_leaves_what_was_stored(tmp_path):
    files = CampaignFiles(LocalStorage(tmp_path), ID)
    write(files, 1)

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        with pytest.raises(bf.CacheError, match="still there; free space"):
            write(files, 2)

    assert result_of(forked(fill)) == 0
    assert set(stored(files).values()) == {1}
    assert unfinished(files) == []
    write(files, 3)
    assert set(stored(files).values()) == {3}


def cut(path):
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path):
    """Fill a file with zeros."""
    path.write_bytes(bytes(path.stat().st_size))


def noise(path):
    """Fill a file with noise."""
    path.write_bytes(random.Random(0).randbytes(path.stat().st_size))


def noise_inside(path):
    """Spoil the numbers of a file and leave its footer whole."""
    body = bytearray(path.read_bytes())
    rng = random.Random(0)
    for column_number in range(pq.read_metadata(path).num_columns):
        place = pq.read_metadata(path).row_group(0).column(column_number)
        end = place.data_page_offset + place.total_compressed_size
        body[end - 8 : end] = rng.randbytes(8)
    path.write_bytes(body)


def empty(path):
    """Leave nothing of a file but its name."""
    path.write_bytes(b"")


def foreign(path):
    """Put somebody else's Parquet file there."""
    pd.DataFrame({"x": [1]}).to_parquet(path)


def folder(path):
    """Put a folder there, with something in it."""
    path.unlink()
    path.mkdir()
    (path / "x").write_bytes(b"x")


def missing(path):
    """Remove a file."""
    path.unlink()


@pytest.fixture
def account():
    """Serve two campaigns with all grains."""
    world = World("2026-06-30")
    for number, id_ in enumerate((ID, OTHER_ID)):
        slides = {"carousel_slide_1_Hat_click": 3 + number}
        some = entry("A", "a", sent=5 + number, winks=2, **slides)
        world.days[id_] = {
            str(date.date()): day(messages={"ios_push": [some]}, conversions=number)
            for date in pd.date_range("2026-03-01", "2026-06-29")
        }
    with inhabited(world) as client:
        yield world, client


@pytest.mark.parametrize("grain", ["variation", "campaign", "element", "extra"])
@pytest.mark.parametrize(
    "harm", [cut, zero, noise, noise_inside, empty, foreign, folder]
)
def test_a_damaged_file_is_set_aside_and_fetched_again(account, tmp_path, harm, grain):
    world, client = account
    options = {"grain": "all", "client": client, "cache": tmp_path, **SPAN}
    expected = bf.read_braze_series([ID, OTHER_ID], **options)
    (root,) = tmp_path.iterdir()
    harm(LocalStorage(root).path(ID, grain))
    world.asked.clear()
    with pytest.warns(bf.CacheWarning, match="fetched again") as caught:
        found = bf.read_braze_series([ID, OTHER_ID], **options)
    for one, other in zip(found, expected, strict=True):
        equal(one, other)
    assert len(caught) == 1
    assert {id_ for id_, _, _ in world.asked} == {ID}
    assert len(list((root / ".aside").iterdir())) == 1
    world.asked.clear()
    bf.read_braze_series([ID, OTHER_ID], **options)
    assert world.asked == []


@pytest.mark.parametrize("grain", ["variation", "campaign", "element", "extra"])
def test_a_file_that_was_removed_is_fetched_again(account, tmp_path, grain):
    _, client = account
    options = {"grain": "all", "client": client, "cache": tmp_path, **SPAN}
    expected = bf.read_braze_series(ID, **options)
    (root,) = tmp_path.iterdir()
    missing(LocalStorage(root).path(ID, grain))
    for one, other in zip(bf.read_braze_series(ID, **options), expected, strict=True):
        equal(one, other)


def test_days_before_those_asked_survive_the_damage_of_another_grain(account, tmp_path):
    _, client = account
    options = {"client": client, "cache": tmp_path}
    bf.read_braze_series(ID, **options, **SPAN)
    (root,) = tmp_path.iterdir()
    files = CampaignFiles(LocalStorage(root), ID)
    noise(files.storage.path(files.id, "campaign"))
    with pytest.warns(bf.CacheWarning):
        bf.read_braze_series(ID, start="2026-05-01", end="2026-05-30", **options)
    rows = pq.read_table(files.storage.path(files.id, "variation")).num_rows
    assert rows == 91


def test_without_a_server_a_damaged_file_is_an_error_that_names_the_days(tmp_path):
    with bf.Sandbox() as sandbox, sandbox.connect(retries=0) as client:
        id_ = sandbox.campaigns["Welcome Email"]
        options = {"client": client, "cache": tmp_path, **SPAN}
        bf.read_braze_series(id_, **options)
        (root,) = tmp_path.iterdir()
        noise(LocalStorage(root).path(id_, "variation"))
        sandbox.stop()
        with pytest.warns(bf.CacheWarning):
            with pytest.raises(bf.RequestError, match="2026-03-01 … 2026-05-30"):
                bf.read_braze_series(id_, **options)


def as_somebody(work):
    """Run ``work`` as a user who may not write what root has written."""

    def unprivileged():
        if os.getuid() == 0:
            os.setuid(65_534)
        work()

    return result_of(forked(unprivileged))


@pytest.fixture
def open_folder():
    """Make a folder that every user may enter."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    for one in [path, *path.rglob("*")]:
        if one.is_dir():
            one.chmod(0o755)
    shutil.rmtree(path)


def test_a_read_only_folder_is_read_and_says_that_it_cannot_be_written(
    account, open_folder
):
    world, client = account
    bf.read_braze_series(ID, client=client, cache=open_folder, **SPAN)
    contents = {p: p.read_bytes() for p in open_folder.rglob("*") if p.is_file()}
    for path in [*open_folder.rglob("*"), open_folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    world.asked.clear()

    def look():
        with inhabited(world) as other:
            other.account = client.account
            options = {"client": other, "cache": open_folder}
            assert len(bf.read_braze_series(ID, **options, **SPAN)) == 91
            assert world.asked == []
            with pytest.raises(bf.CacheError, match="[Pp]ermission"):
                bf.read_braze_series(ID, start="2026-02-01", **options)

    assert as_somebody(look) == 0
    assert contents == {
        p: p.read_bytes() for p in open_folder.rglob("*") if p.is_file()
    }


def test_a_read_only_file_is_replaced(account, tmp_path):
    _, client = account
    options = {"client": client, "cache": tmp_path}
    bf.read_braze_series(ID, **options, **SPAN)
    for path in tmp_path.rglob("*.parquet"):
        path.chmod(0o444)
    bf.read_braze_series(ID, start="2026-02-01", end="2026-05-30", **options)
    assert bf.Cache(tmp_path).info()["days"].tolist() == [119]


def test_a_file_of_a_newer_version_is_refused_and_untouched(account, tmp_path):
    _, client = account
    options = {"client": client, "cache": tmp_path}
    bf.read_braze_series([ID, OTHER_ID], **options, **SPAN)
    (root,) = tmp_path.iterdir()
    path = LocalStorage(root).path(ID, "variation")
    table = pq.read_table(path)
    newer = table.schema.metadata[b"braze_frames"].replace(
        b'"version":2', b'"version":3'
    )
    pq.write_table(table.replace_schema_metadata({b"braze_frames": newer}), path)
    body, cache = path.read_bytes(), bf.Cache(tmp_path)
    for work in (
        lambda: bf.read_braze_series(ID, **options, **SPAN),
        lambda: bf.read_braze_series(ID, refresh=True, **options, **SPAN),
        cache.info,
        cache.clear,
        lambda: cache.clear(before="2026-04-01"),
    ):
        with pytest.raises(bf.CacheError, match="layout 3.*newer"):
            work()
        assert path.read_bytes() == body
    with pytest.raises(bf.PullError) as caught:
        bf.read_braze_series([ID, OTHER_ID], **options, **SPAN)
    assert list(caught.value.failed) == [ID]
    assert caught.value.frame.braze.campaigns == [OTHER_ID]


@pytest.mark.parametrize("grain", ["variation", "campaign"])
def test_files_of_different_writes_give_the_days_that_both_hold(
    account, tmp_path, grain
):
    world, client = account
    options = {"grain": "all", "client": client, "cache": tmp_path}
    bf.read_braze_series(ID, **options, **SPAN)
    (root,) = tmp_path.iterdir()
    path = LocalStorage(root).path(ID, grain)
    older = path.read_bytes()
    more = {"start": "2026-02-01", "end": "2026-05-30"}
    expected = bf.read_braze_series(ID, **options, **more)
    path.write_bytes(older)
    offline = bf.read_braze_series(
        bf.Cache(tmp_path), grain="campaign", start="2026-01-01"
    )
    assert len(offline) == (119 if grain == "variation" else 91)
    world.asked.clear()
    found = bf.read_braze_series(ID, **options, **more)
    for one, other in zip(found, expected, strict=True):
        equal(one, other)
    assert [(str(first), str(last)) for _, first, last in world.asked] == [
        ("2026-02-01", "2026-02-28")
    ]


def test_a_lock_left_by_a_dead_process_stops_nobody(tmp_path):
    files = CampaignFiles(LocalStorage(tmp_path), ID)
    fork = multiprocessing.get_context("fork")
    held = fork.Event()
    lock = tmp_path / ".locks" / f"{ID}.lock"

    def hold():
        with locked(lock):
            held.set()
            signal.pause()

    child = forked(hold)
    assert held.wait(30)
    os.kill(child, signal.SIGKILL)
    assert result_of(child) == -signal.SIGKILL
    assert lock.exists()
    write(files, 1)
    assert set(stored(files).values()) == {1}


class Stopping(World):
    """Stops answering after some requests until it is told to go on."""

    def __init__(self, today, after):
        super().__init__(today)
        self.after, self.reached, self.go_on = after, Event(), Event()

    def answer(self, id_, length, last):
        """Return an answer; wait before the last that is let through."""
        answer = super().answer(id_, length, last)
        if len(self.asked) >= self.after and not self.go_on.is_set():
            self.reached.set()
            self.go_on.wait(30)
        return answer


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_pull_that_is_ended_goes_on_where_it_was(tmp_path, end):
    world, ids = Stopping("2026-06-30", after=31), [campaign(n) for n in range(40)]
    with inhabited(world) as client:

        def pull():
            with bf.BrazeClient(
                client.url, "key", max_workers=1, clock=lambda: world.now
            ) as other:
                bf.read_braze_series(
                    ids, client=other, cache=tmp_path, progress=False, **SPAN
                )

        child = forked(pull)
        assert world.reached.wait(30)
        until = time.monotonic() + 30  # what came is stored while the next is awaited
        while len(bf.Cache(tmp_path).info()) < world.after - 2:
            assert time.monotonic() < until
        os.kill(child, end)
        assert result_of(child) != 0
        world.go_on.set()
        kept = len(bf.Cache(tmp_path).info())
        assert kept >= world.after - 2
        world.asked.clear()
        frame = bf.read_braze_series(
            ids, grain="campaign", client=client, cache=tmp_path, **SPAN
        )
        assert len(world.asked) == len(ids) - kept
        assert len(frame) == 91 * len(ids)
