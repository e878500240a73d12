"""A cache in an S3 on loopback: reads, writers in other processes, what goes wrong."""

import copy
import logging
import os
import pickle
import re
from datetime import timedelta
from io import BytesIO
from threading import Event

import pandas as pd
import pyarrow.dataset as ds
import pytest
from pyarrow import fs

import braze_frames as bf
from braze_frames.storage.layout import folder_of
from braze_frames.storage.parquet import seal_footer

from ..cache.test_faults import forked, result_of
from ..payloads import ID, OTHER_ID, day, entry
from ..stores import (
    ACCESS,
    BUCKET,
    DROPPED,
    SECRET,
    free_port,
    odd_store,
    options_of,
    s3,
    shown,
)
from ..worlds import World, inhabited
from .writers import run

pytest.importorskip(
    "obstore", reason="obstore is missing: pip install 'braze-frames[cloud]'"
)
SPAN = {"start": "2026-06-20", "end": "2026-06-29"}
equal = pd.testing.assert_frame_equal


@pytest.fixture(scope="session")
def address():
    """Serve an S3; all tests of this file use its bucket, each a folder of it."""
    pytest.importorskip(
        "moto.server", reason="moto is missing: pip install 'moto[server]'"
    )
    with s3() as served:
        yield served


@pytest.fixture
def opened(address, request):
    """Return a function that opens the test's own cache, as each process would."""
    folder = f"{request.node.name}".replace("[", "-").replace("]", "")

    def open_cache(**more):
        return bf.Cache(
            f"s3://{BUCKET}/{folder}",
            storage_options=options_of(address, **more),
        )

    return open_cache


@pytest.fixture
def account():
    """Serve two campaigns of ten days with all grains."""
    world = World("2026-06-30")
    slides = {"carousel_slide_1_Hat_click": 3}
    for id_ in (ID, OTHER_ID):
        world.days[id_] = {
            f"2026-06-{n}": day(
                messages={
                    "ios_push": [
                        entry("A", "a", sent=9 * n, direct_opens=n, winks=2, **slides),
                        entry("B", "b", sent=8 * n, direct_opens=1),
                    ]
                },
                conversions=n,
            )
            for n in range(20, 30)
        }
    with inhabited(world) as client:
        yield world, client


def test_reads_are_those_without_a_cache_and_ask_once(account, opened):
    world, client = account
    ids = {"one": ID, "two": OTHER_ID}
    options = {"client": client, "grain": "all", **SPAN}
    expected = bf.read_braze_series(ids, **options)
    for cache in (opened(), opened()):
        for frame, other in zip(
            bf.read_braze_series(ids, cache=cache, **options), expected, strict=True
        ):
            equal(frame, other)
    asked = len(world.asked)
    for frame, other in zip(
        bf.read_braze_series(opened(), grain="all"), expected, strict=True
    ):
        equal(frame, other)
    assert len(world.asked) == asked


def test_restated_days_can_be_read_as_they_stood_listed_and_cleared(account, opened):
    world, client = account
    before = bf.read_braze_series(ID, client=client, cache=opened(), **SPAN)
    noon = world.now
    world.move_to("2026-07-02")
    world.days[ID]["2026-06-29"]["messages"]["ios_push"][0]["sent"] = 1000
    after = bf.read_braze_series(ID, client=client, cache=opened(), **SPAN)
    options = {"client": client, "cache": opened(), **SPAN}
    equal(bf.read_braze_series(ID, as_of=noon + timedelta(hours=1), **options), before)
    (revised,) = opened().revisions().to_dict("records")
    assert (revised["stat"], revised["old"], revised["new"]) == ("sent", 261, 1000)
    (told,) = opened().info().to_dict("records")
    assert (told["days"], told["rows"]) == (10, len(after))
    cleared = opened().clear(before="2026-06-25")
    assert cleared["days"].tolist() == [5]
    equal(bf.read_braze_series(opened()).droplevel(0), after.loc["2026-06-25":])
    assert opened().clear()["days"].tolist() == [5]
    assert opened().info().empty
    assert opened().storages() == []


def test_max_age_decides_what_is_asked_again(account, opened):
    world, client = account
    for hours, more in ((0, 1), (0.5, 0), (1, 1)):
        asked, world.now = len(world.asked), world.now + timedelta(hours=hours)
        bf.read_braze_series(ID, client=client, cache=opened(), **SPAN)
        assert len(world.asked) - asked == more


def test_the_address_alone_takes_the_environments_credentials(
    account, address, monkeypatch
):
    _, client = account
    for name, value in options_of(address).items():
        monkeypatch.setenv("AWS_" + name.upper().removeprefix("AWS_"), value)
    where = f"s3://{BUCKET}/by-name/"
    frame = bf.read_braze_series(ID, client=client, cache=where, **SPAN)
    assert bf.Cache(where).path == f"s3://{BUCKET}/by-name"
    equal(bf.read_braze_series(bf.Cache(where)).droplevel(0), frame)


def test_writers_that_are_killed_lose_no_day_that_they_said_was_stored(address):
    said, kills, lost = run(
        f"s3://{BUCKET}/writers", address, writers=3, writes=5, share=0.25
    )
    assert kills > 0
    assert len(said) == 15 - kills
    assert lost == set()


def test_engines_read_the_folder_as_it_lies(account, opened, address):
    _, client = account
    cache = opened()
    bf.read_braze_series([ID, OTHER_ID], client=client, cache=cache, **SPAN)
    store = fs.S3FileSystem(
        access_key=ACCESS,
        secret_key=SECRET,
        region="us-east-1",
        endpoint_override=address.removeprefix("http://"),
        scheme="http",
    )
    root = f"{str(cache.path).removeprefix('s3://')}/{folder_of(client.account)}"
    found = ds.dataset(f"{root}/variation", filesystem=store, partitioning="hive")
    table = found.to_table(columns=["campaign_id", "sent"]).to_pandas()
    assert set(table["campaign_id"].astype(str)) == {ID, OTHER_ID}
    assert table["sent"].sum() == 2 * 17 * sum(range(20, 30))


def test_a_compacted_copy_is_made_and_read(account, opened):
    _, client = account
    ids = [ID, OTHER_ID]
    bf.read_braze_series(ids, client=client, cache=opened(), **SPAN)
    before = bf.read_braze_series(opened())
    copied = opened().compact()
    assert copied["rows"].sum() > 0
    equal(bf.read_braze_series(opened()), before)


def test_a_sandboxs_numbers_lie_in_a_folder_of_their_own(opened):
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        id_ = sandbox.campaigns["Welcome Email"]
        frame = bf.read_braze_series(id_, length=9, client=client, cache=opened())
    assert [one.name for one in opened().storages()] == ["sandbox-seed-0-UTC"]
    assert bf.read_braze_series(opened()).shape == frame.shape


def failing(where, **options):
    """Return the error of a cached read, after a look that it shows no credentials."""
    with inhabited(World("2026-06-30")) as client:
        cache = bf.Cache(where, storage_options=options)
        with pytest.raises(bf.CacheError) as caught:
            bf.read_braze_series([ID, OTHER_ID], client=client, cache=cache, **SPAN)
    text = shown(caught.value)
    assert SECRET not in text
    assert ACCESS not in text
    return caught.value


ECHO = f"<AWSAccessKeyId>{ACCESS}</AWSAccessKeyId><StringToSign>{SECRET}"


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (403, "SignatureDoesNotMatch", "credentials are not accepted"),
        (403, "InvalidAccessKeyId", "credentials are not accepted"),
        (401, "Nothing", "credentials are not accepted"),
        (403, "AccessDenied", "may not do this"),
        (404, "NoSuchBucket", "no such bucket"),
        (400, "BadThing", "answers 400 BadThing"),
    ],
)
def test_a_store_that_refuses_ends_the_read_with_one_reason(status, code, cause):
    body = f"<Error><Code>{code}</Code>{ECHO}</Error>".encode()
    with odd_store(lambda method, key: (status, body)) as (_, address):
        error = failing("s3://team/braze", **options_of(address))
    assert str(error).startswith("s3://team/braze: ")
    assert cause in str(error)


def test_a_bucket_that_is_not_there_is_named(address):
    error = failing("s3://nobodys-bucket/braze", **options_of(address))
    assert "s3://nobodys-bucket/braze: there is no such bucket" in str(error)
    cache = bf.Cache("s3://nobodys-bucket", storage_options=options_of(address))
    for look in (cache.info, cache.clear, cache.revisions, cache.compact):
        with pytest.raises(bf.CacheError, match="no such bucket"):
            look()


def test_a_store_that_is_down_is_given_up_after_some_tries():
    address = f"http://127.0.0.1:{free_port()}"
    error = failing("s3://team/braze", **options_of(address, connect_timeout=1))
    assert "does not answer" in str(error)


def test_who_may_only_read_reads_and_is_told_before_anything_is_asked(account):
    world, client = account
    denied = (403, b"<Error><Code>AccessDenied</Code></Error>")
    rights = {"PUT": None}
    with odd_store(lambda method, key: rights.get(method)) as (_, address):
        cache = bf.Cache("s3://team/braze", storage_options=options_of(address))
        options = {"client": client, "end": "2026-06-25", "cache": cache}
        frame = bf.read_braze_series(ID, start="2026-06-20", **options)
        rights["PUT"] = denied
        options["cache"] = bf.Cache(
            "s3://team/braze", storage_options=options_of(address)
        )
        equal(bf.read_braze_series(ID, start="2026-06-20", **options), frame)
        asked = len(world.asked)
        with pytest.raises(bf.CacheError, match="may not do this"):
            bf.read_braze_series(ID, start="2026-06-10", **options)
    assert len(world.asked) == asked


@pytest.mark.parametrize("kind", ["takes every write", "501"])
def test_a_store_without_conditional_writes_is_refused_unwritten(account, kind):
    world, client = account

    def answer(method, key):
        return (501, b"") if method == "PUT" and kind == "501" else None

    with odd_store(answer, conditional=False) as (bodies, address):
        cache = bf.Cache("s3://team/braze", storage_options=options_of(address))
        with pytest.raises(bf.CacheError, match="has no conditional writes"):
            bf.read_braze_series(ID, client=client, cache=cache, **SPAN)
        assert not [key for key in bodies if "campaign_id" in key]
    assert world.asked == []


def test_a_store_that_is_slow_drops_and_collides_stores_all_the_same(account):
    _, client = account
    trouble = {
        "GET": [DROPPED, None, (503, b""), None, (500, b"")],
        "PUT": [DROPPED, (503, b""), None, (409, b""), (412, b""), None, DROPPED],
    }

    def answer(method, key):
        waiting = trouble[method] if "campaign_id" in key else ()
        return waiting.pop(0) if waiting else None

    with odd_store(answer) as (_, address):
        options = options_of(address, timeout=5)
        cache = bf.Cache("s3://team/braze", storage_options=options)
        frame = bf.read_braze_series(ID, client=client, cache=cache, **SPAN)
        assert trouble == {"GET": [], "PUT": []}
        equal(frame, bf.read_braze_series(ID, client=client, **SPAN))
        trouble["PUT"] = [(404, b"")]  # somebody has just cleared the cache
        options = {"client": client, "cache": cache, "refresh": True, **SPAN}
        equal(bf.read_braze_series(ID, **options), frame)
        assert trouble["PUT"] == []


def test_a_cache_of_a_newer_version_is_left_alone(account, opened):
    _, client = account
    cache = opened()
    bf.read_braze_series(ID, client=client, cache=cache, **SPAN)
    (storage,) = cache.storages()
    key = f"{storage.name}/variation/campaign_id={ID}/data.parquet"
    (found,) = storage.store.get([key])
    storage.store.overwrite(key, newer(found.body))
    for look in (cache.info, cache.clear, cache.compact):
        with pytest.raises(bf.CacheError, match="newer braze_frames"):
            look()
    with pytest.raises(bf.CacheError, match="newer braze_frames"):
        bf.read_braze_series(ID, client=client, cache=cache, **SPAN)
    assert storage.store.get([key])[0].body == newer(found.body)


def newer(body):
    """Return a file as a version 3 of the layout would write it."""
    old = body.replace(b'"version":2', b'"version":3')
    assert old != body
    sink = BytesIO(re.sub(rb"footer_crc=[0-9a-f]{8}", b"footer_crc=00000000", old))
    seal_footer(sink)
    return sink.getvalue()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork here; run on Linux")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_is_told_to_be_spawned_and_does_not_wait_for_ever(opened):
    cache = opened()
    assert cache.info().empty

    def look():
        with pytest.raises(bf.CacheError, match="'spawn'"):
            cache.info()

    assert result_of(forked(look)) == 0


def test_a_write_that_no_answer_comes_to_is_sent_again(account):
    _, client = account
    seen, again = [], Event()

    def answer(method, key):
        if method == "PUT" and "campaign_id" in key:
            seen.append(key)
            if len(seen) > 1:
                again.set()
            elif not again.wait(30):
                return DROPPED
        return None

    with odd_store(answer) as (bodies, address):
        options = options_of(address, timeout=0.5)
        cache = bf.Cache("s3://team/braze", storage_options=options)
        frame = bf.read_braze_series(ID, client=client, cache=cache, **SPAN)
        equal(frame, bf.read_braze_series(ID, client=client, **SPAN))
    assert seen[0] == seen[1]
    assert len([key for key in bodies if "campaign_id" in key]) == 4


def test_objects_hold_and_show_no_credentials(account, opened, caplog):
    _, client = account
    caplog.set_level(logging.DEBUG)
    cache = opened()
    bf.read_braze_series(ID, client=client, cache=cache, **SPAN)
    seen = [repr(cache), str(cache), repr(vars(cache)), repr(cache.storages())]
    seen += [repr(vars(vars(cache)["_shelf"].store)), caplog.text]
    seen += [pickle.dumps(cache).decode("latin-1"), repr(vars(cache)["_shelf"].store)]
    for secret in (SECRET, ACCESS):
        assert secret not in "".join(seen)
    assert len(copy.deepcopy(cache).info()) == 1


def test_a_pickle_takes_the_address_and_finds_credentials_where_it_is_opened(
    account, opened, monkeypatch
):
    _, client = account
    cache = opened()
    bf.read_braze_series(ID, client=client, cache=cache, **SPAN)
    sent = pickle.dumps(cache)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    equal(pickle.loads(sent).info(), cache.info())  # noqa: S301
