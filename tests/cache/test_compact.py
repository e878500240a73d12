"""A compacted copy makes reads faster and never other, whatever becomes of it."""

import os
import random
import shutil
import signal
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import braze_frames as bf
from braze_frames.cache.campaign import CampaignFiles
from braze_frames.cache.compact import compact
from braze_frames.cache.many import load_many, with_copies
from braze_frames.payload.batch import EVERY_DAY
from braze_frames.storage.layout import part_of
from braze_frames.storage.objects import ObjectStorage
from braze_frames.storage.store import Store

from ..payloads import day, entry
from ..worlds import World, inhabited
from .test_faults import as_somebody, campaign, forked, open_folder, result_of, write

__all__ = ["open_folder"]
pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
    pytest.mark.skipif(
        not hasattr(os, "fork"), reason="no os.fork here; run on Linux or macOS"
    ),
]
IDS = [campaign(n) for n in range(7)]
SPAN = {"start": "2026-06-20", "end": "2026-06-29"}
GRAINS = ("variation", "campaign", "extra", "element")
KILLS = 12
READS = (
    {"grain": "all"},
    {"columns": ["sent", "conversions"]},
    {"columns": "winks", "grain": "all"},
    {"start": "2026-06-25", "grain": "all"},
    {"length": 3},
    {"grain": "element", "end": "2026-06-22"},
    {"as_of": "2026-06-30T12:00", "grain": "all"},
)


def said(number, n):
    """Return a day of a campaign: each has another channel, or stats of its own."""
    channel = ("ios_push", "email", "sms")[number % 3]
    told = {"ios_push": "direct_opens", "email": "opens", "sms": "delivered"}[channel]
    a = entry("A", "a", sent=10 * number + n, **{told: n})
    if number % 2:
        a |= {"winks": n, "carousel_slide_1_Hat_click": n}
    b = [entry("B", "b", sent=9 * number)] if number % 4 else []
    totals = {"conversions": number + n, "revenue": n / 4}
    return day(messages={channel: [a, *b]}, **totals)


@pytest.fixture
def account():
    """Serve seven campaigns, of one and of two variations, with all grains."""
    world = World("2026-06-30")
    for number, id_ in enumerate(IDS):
        world.days[id_] = {f"2026-06-{n}": said(number, n) for n in range(20, 30)}
    with inhabited(world) as client:
        yield world, client


@pytest.fixture
def cache(account, tmp_path):
    """Fill a cache, with a campaign that a second fetch has changed."""
    world, client = account
    found = bf.Cache(tmp_path / "cache")
    bf.read_braze_series(IDS, client=client, cache=found, **SPAN)
    world.days[IDS[1]]["2026-06-28"] = said(1, 90)
    world.move_to("2026-07-01")
    bf.read_braze_series(IDS[1], client=client, cache=found, refresh=True, **SPAN)
    return found


def frames(cache, **options):
    """Return what a read of all that is stored gives, as a list of frames."""
    found = bf.read_braze_series(cache, **options)
    return [*found] if isinstance(found, tuple) else [found]


def reads(cache):
    """Return all kinds of reads, and what the cache says of itself."""
    found = [frame for options in READS for frame in frames(cache, **options)]
    return [*found, cache.info(), cache.revisions()]


def assert_equal(found, expected):
    """Compare frames and what their attrs say."""
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)
        assert one.attrs == other.attrs


def copy_of(cache):
    """Return the folder of the copy."""
    (root,) = [path for path in cache.path.iterdir() if path.is_dir()]
    return root / ".compact"


def contents(folder):
    """Return the bytes of all files below a folder."""
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def spoil(path):
    """Damage a file that keeps its size and its time."""
    told, body = path.stat(), path.read_bytes()
    path.write_bytes(b"\0" * len(body))
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


@pytest.mark.parametrize("per_file", [1, 3, 150])
def test_reads_from_a_copy_equal_those_without_it(cache, per_file):
    expected = reads(cache)
    copied = cache.compact(campaigns_per_file=per_file)
    assert [*copied] == ["grain", "files", "rows", "bytes"]
    variations = copied.set_index("grain").loc["variation"]
    assert variations["files"] == -(-len(IDS) // per_file)
    assert variations["rows"] == len(expected[0])
    assert_equal(reads(cache), expected)


def test_reads_of_many_take_the_copy_and_open_no_file_of_a_campaign(account, cache):
    world, client = account
    expected = frames(cache, grain="all")
    by_id = {"client": client, "cache": cache, "grain": "all", **SPAN}
    asked = [*bf.read_braze_series(IDS, **by_id)]
    cache.compact()
    for grain in GRAINS:
        for path in (copy_of(cache).parent / grain).rglob("*.parquet"):
            spoil(path)
    world.asked.clear()
    assert_equal(frames(cache, grain="all"), expected)
    assert_equal(bf.read_braze_series(IDS, **by_id), asked)
    assert world.asked == []


def test_files_of_the_copy_hold_ids_as_texts_and_rows_in_order(cache):
    cache.compact(campaigns_per_file=3)
    names = {f"part-0000{n}.parquet" for n in range(3)}
    assert {p.name for p in (copy_of(cache) / "variation").iterdir()} == names
    rows = ds.dataset(copy_of(cache) / "variation").to_table()
    assert str(rows.schema.field("campaign_id").type) == "string"
    places = rows.select(["campaign_id", "date"]).to_pandas()
    assert places.equals(places.sort_values(["campaign_id", "date"], kind="stable"))
    manifest = pq.read_table(copy_of(cache) / "manifest.parquet").to_pandas()
    told = {"campaign", "name", "written", "size", "mtime", "coverage", "part"}
    assert told <= {*manifest}
    assert {*manifest["campaign"]} == {*IDS}


def test_engines_that_read_a_grains_folder_see_nothing_twice(cache):
    root = copy_of(cache).parent
    before = {grain: ds.dataset(root / grain).count_rows() for grain in GRAINS}
    listed = [*cache.path.glob("*/variation/**/*.parquet")]
    cache.compact()
    after = {grain: ds.dataset(root / grain).count_rows() for grain in GRAINS}
    assert after == before
    assert [*cache.path.glob("*/variation/**/*.parquet")] == listed


def test_what_is_fetched_or_cleared_later_is_read_from_its_own_files(account, cache):
    world, client = account
    cache.compact()
    world.days[IDS[2]]["2026-06-27"] = said(2, 77)
    bf.read_braze_series(IDS[2], client=client, cache=cache, refresh=True, **SPAN)
    cache.clear(IDS[0])
    cache.clear(IDS[3], before="2026-06-26")
    found = reads(cache)
    shutil.rmtree(copy_of(cache))
    assert_equal(found, reads(cache))
    labels = found[0].index.get_level_values("campaign").unique()
    assert [*labels] == sorted({*IDS} - {IDS[0]})
    assert found[0].loc[IDS[2]]["delivered"].max() == 77


def test_clearing_everything_leaves_no_copy(cache):
    cache.compact()
    cache.clear()
    assert not copy_of(cache).exists()
    assert cache.compact()["rows"].sum() == 0
    assert len(cache.info()) == 0


def test_clearing_and_compacting_wait_for_no_other_compacting(cache):
    (storage,) = cache.storages()
    with storage.replacing(".compact") as put, ThreadPoolExecutor(1) as other:
        put("variation/part-00000.parquet", b"unfinished")
        copied = other.submit(cache.compact).result()
        assert copied["rows"].sum() > 0
        assert len(other.submit(cache.clear).result()) == len(IDS)
    assert not copy_of(cache).exists()  # what began before is cleared, too
    assert [*(copy_of(cache).parent / ".writing").iterdir()] == []


@pytest.mark.parametrize("where", ["", "manifest.parquet"])
def test_a_copy_that_is_no_folder_of_files_is_replaced(cache, where):
    cache.compact()
    expected = contents(copy_of(cache)).keys()
    path = copy_of(cache) / where
    if where:
        path.unlink()
        path.mkdir()
    else:
        shutil.rmtree(path)
        path.write_bytes(b"")
    before = reads(cache)
    cache.compact()
    assert contents(copy_of(cache)).keys() == expected
    assert [*(copy_of(cache).parent / ".writing").iterdir()] == []
    assert_equal(reads(cache), before)


def test_a_copy_of_which_parts_are_gone_or_damaged_changes_no_number(cache):
    expected = frames(cache, grain="all")
    cache.compact(campaigns_per_file=3)
    whole, rng = contents(copy_of(cache)), random.Random(0)

    def harm():
        warnings.simplefilter("error")
        for path, body in whole.items():
            path.unlink()
            assert_equal(frames(cache, grain="all"), expected)
            length = int.from_bytes(body[-8:-4], "little")
            footer = range(len(body) - 8 - length, len(body))
            for place in (*rng.sample(range(len(body)), 2), *rng.sample(footer, 2)):
                damaged = bytearray(body)
                damaged[place] ^= 1 << rng.randrange(8)
                path.write_bytes(damaged)
                assert_equal(frames(cache, grain="all"), expected)
            path.write_bytes(body[: len(body) // 2])
            assert_equal(frames(cache, grain="all"), expected)
            path.write_bytes(body)

    assert result_of(forked(harm)) == 0


def test_a_part_of_an_older_copy_is_not_taken_for_one_of_this(account, cache):
    world, client = account
    cache.compact(campaigns_per_file=3)
    part = copy_of(cache) / "variation" / "part-00000.parquet"
    older = part.read_bytes()
    world.days[IDS[0]]["2026-06-27"] = said(0, 77)
    bf.read_braze_series(IDS[0], client=client, cache=cache, refresh=True, **SPAN)
    expected = reads(cache)
    cache.compact(campaigns_per_file=3)
    part.write_bytes(older)
    assert_equal(reads(cache), expected)


def test_a_kill_at_any_instant_leaves_a_copy_or_none_and_reads_are_equal(cache):
    expected = frames(cache, grain="all")
    began = time.perf_counter()
    cache.compact(campaigns_per_file=1)
    pause, rows = time.perf_counter() - began, len(expected[0])
    for kill in range(KILLS):
        child = forked(lambda: cache.compact(campaigns_per_file=1))
        signal.sigtimedwait([signal.SIGCHLD], pause * kill / KILLS)
        os.kill(child, signal.SIGKILL)
        result_of(child)
        assert_equal(frames(cache, grain="all"), expected)
        lying = copy_of(cache) / "variation"
        assert not lying.exists() or ds.dataset(lying).count_rows() == rows
    # What a kill leaves while it is asked whether the folder may be written: an instant
    # that few kills hit.
    (copy_of(cache).parent / ".writing" / "probe-0").touch()
    cache.compact()
    assert_equal(frames(cache, grain="all"), expected)
    assert [*(copy_of(cache).parent / ".writing").iterdir()] == []


def test_writers_and_compacting_at_once_never_show_an_older_number(account, cache):
    world, client = account
    rounds = 6

    def write():
        with inhabited(world) as other:
            other.account = client.account
            for n in range(rounds):
                world.days[IDS[2]]["2026-06-29"] = said(2, 100 + n)
                options = {"client": other, "cache": cache, "refresh": True}
                bf.read_braze_series(IDS[2], start="2026-06-29", **options)

    writer = forked(write)
    other = forked(lambda: [cache.compact() for _ in range(rounds)])
    seen = []
    for _ in range(2 * rounds):
        cache.compact(campaigns_per_file=2)
        seen.append(frames(cache, grain="campaign")[0].loc[IDS[2]]["conversions"].max())
    assert result_of(writer) == result_of(other) == 0
    assert seen == sorted(seen)
    assert frames(cache)[0].loc[IDS[2]]["sent"].max() == 20 + 100 + rounds - 1


def test_a_cache_of_a_newer_version_is_not_compacted_and_stays_as_it_is(cache):
    cache.compact()
    path = next((copy_of(cache).parent / "variation").rglob("*.parquet"))
    table = pq.read_table(path, partitioning=None)
    newer = table.schema.metadata[b"braze_frames"].replace(
        b'"version":2', b'"version":3'
    )
    pq.write_table(table.replace_schema_metadata({b"braze_frames": newer}), path)
    before = contents(cache.path)
    with pytest.raises(bf.CacheError, match="layout 3.*newer"):
        cache.compact()
    assert contents(cache.path) == before


def test_a_copy_of_a_newer_version_is_passed_over_and_not_replaced(cache):
    expected = reads(cache)
    cache.compact()
    path = copy_of(cache) / "manifest.parquet"
    table = pq.read_table(path)
    newer = table.schema.metadata[b"braze_frames"].replace(
        b'"version":2', b'"version":3'
    )
    pq.write_table(table.replace_schema_metadata({b"braze_frames": newer}), path)
    body = path.read_bytes()
    assert_equal(reads(cache), expected)
    with pytest.raises(bf.CacheError, match="layout 3.*newer"):
        cache.compact()
    assert path.read_bytes() == body


def test_compacting_a_read_only_folder_is_one_clear_error(account, open_folder):
    _, client = account
    cache = bf.Cache(open_folder)
    bf.read_braze_series(IDS, client=client, cache=cache, **SPAN)
    for path in [*open_folder.rglob("*"), open_folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def refused():
        with pytest.raises(bf.CacheError, match=r"[Pp]ermission.*mend the permissions"):
            cache.compact()

    assert as_somebody(refused) == 0


class Counting(Store):
    """A store that notes what is asked of it."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asked = []

    def get(self, keys):
        """Read objects."""
        self.asked += keys
        return super().get(keys)


def sent(shelf):
    """Return what campaigns have sent, day by day."""
    found = load_many([*shelf.values()], part_of(["variation"], ["sent"]), EVERY_DAY)
    return [one.batches[0].entries.columns["sent"].values.tolist() for one in found]


def test_a_store_is_compacted_too():
    memory = pytest.importorskip(
        "obstore.store", reason="obstore is missing: pip install 'braze-frames[cloud]'"
    )
    store = Counting(memory.MemoryStore(), "memory://")
    storage = ObjectStorage(store, "host")
    shelf = {id_: CampaignFiles(storage, id_) for id_ in IDS}
    for number, files in enumerate(shelf.values()):
        write(files, number, days=3)
    assert [one.files for one in compact(storage, 3)] == [3, 3, 0, 0]
    store.asked.clear()
    assert sent(with_copies(shelf)) == [[number] * 6 for number in range(len(IDS))]
    assert all(".compact/" in key for key in store.asked)
    write(shelf[IDS[0]], 70, days=3)
    assert sent(with_copies(shelf))[:2] == [[70] * 6, [1] * 6]


@pytest.mark.parametrize("made", [False, True])
def test_an_empty_cache_is_compacted_to_nothing(tmp_path, made):
    path = Path(tmp_path / "cache")
    if made:
        path.mkdir()
    found = bf.Cache(path).compact()
    assert found.index.name == "endpoint"
    assert found.dtypes.astype(str).to_dict() == {
        "grain": str(pd.Index(["a"]).dtype),
        **dict.fromkeys(("files", "rows", "bytes"), "int64"),
    }
    assert len(found) == 0
    assert path.exists() == made


@pytest.mark.parametrize("number", [0, -1])
def test_a_file_of_the_copy_holds_at_least_one_campaign(cache, number):
    with pytest.raises(ValueError, match="campaigns_per_file"):
        cache.compact(campaigns_per_file=number)
