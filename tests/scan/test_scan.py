"""The verbs by parts of whole campaigns, against the same of the one frame."""

import contextlib
import json
import shutil
import subprocess
import sys
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import braze_frames as bf

from ..frame.test_sums import campaigns, frame_of

dask = pytest.importorskip(
    "dask", reason="parts run on dask: pip install 'braze-frames[scale]'"
)
dd = pytest.importorskip(
    "dask.dataframe", reason="parts run on dask: pip install 'braze-frames[scale]'"
)

METRIC = "conversion_rate_by_send_time"
# dask's own use of pandas and of sockets may warn, as pandas and Python move on.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword", "ignore::ResourceWarning"
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Store 40 days of half of the sandbox's campaigns."""
    cache = bf.Cache(tmp_path_factory.mktemp("numbers"))
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        some = client.campaigns()[::2]
        bf.read_braze_series(
            some, length=40, client=client, cache=cache, progress=False
        )
    return cache


@pytest.fixture(scope="module")
def whole(cache):
    """Read them into one frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.PayloadWarning)
        return bf.read_braze_series(cache)


@pytest.fixture(scope="module", params=[1, 5])
def parts(request, cache):
    """Read the parts once; each has one or five campaigns."""
    return bf.scan_braze_series(cache, part_size=request.param).persist()


@pytest.fixture(scope="module")
def rows(whole):
    """Cut the rows wherever it happens, as other tools do."""
    return dd.from_pandas(whole.reset_index(), npartitions=5, sort=False)


@pytest.fixture(scope="module")
def cluster():
    """Run two worker processes of this machine."""
    distributed = pytest.importorskip(
        "distributed", reason="processes need pip install 'braze-frames[scale]'"
    )
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as workers,
        distributed.Client(workers, set_as_default=False) as client,
    ):
        yield client


def told(ask):
    """Return an answer, what it warns of and in which file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = ask()
    ours = [one for one in caught if issubclass(one.category, bf.BrazeWarning)]
    return answer, [(str(one.message), one.category, one.filename) for one in ours]


def assert_alike(ask, ddf, whole, **options):
    """Ask a frame in parts and the whole; compare all that they say."""
    found, said = told(lambda: ask(ddf).compute(**{"scheduler": "sync"} | options))
    expected, wanted = told(lambda: ask(whole))
    compare = pd.testing.assert_series_equal
    if isinstance(expected, pd.DataFrame):
        compare = pd.testing.assert_frame_equal
    compare(found, expected, rtol=1e-12)
    assert found.attrs == expected.attrs
    assert said == wanted


RATES = ["delivery_rate", "unique_click_rate", "conversion_rate", "total_click_rate"]
QUESTIONS = {
    **{
        f"sums by {by}, {freq}": lambda df, by=by, freq=freq: df.braze.totals(by, freq)
        for by in (None, [], "channel")
        for freq in (None, "W", "10D")
    },
    "weekdays": lambda df: df.braze.totals(["weekday", "variation"]),
    "whole months": lambda df: df.braze.totals([], "MS", whole=True),
    "rates": lambda df: df.braze.rates(None, "channel"),
    "rates in weeks": lambda df: df.braze.rates(RATES, [], "W", ci=0.9),
    "one rate": lambda df: df.braze.rates("conversion_rate", []),
    "a rate of one's own": lambda df: df.braze.rates({"own": ("clicks", "sent")}, []),
    "lift": lambda df: df.braze.lift(METRIC),
    "lifts": lambda df: df.braze.lift([METRIC, "unique_open_rate"], pairs=True),
    "winner": lambda df: df.braze.winner(),
    "srm": lambda df: df.braze.srm(),
    "srm of new people": lambda df: df.braze.srm(people="new"),
    "check": lambda df: df.braze.check(),
    "tests": lambda df: df.braze.tests(),
    "all days": lambda df: df.braze.tests("unique_open_rate", settled=False),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_of_parts_is_that_of_the_whole(parts, whole, question):
    assert_alike(QUESTIONS[question], parts, whole)


@pytest.mark.parametrize(
    "options",
    [{"cumulative": True}, {"prior": (2, 98)}, {"margin": 0.1}, {"sequential": True}],
)
def test_lift_takes_its_options_by_parts(cache, whole, options):
    tested, _ = told(lambda: whole.braze.lift(METRIC))
    two = [*dict.fromkeys(tested.index.get_level_values("campaign"))][:2]
    some = whole[whole.index.get_level_values("campaign").isin(two)]
    ddf = bf.scan_braze_series(cache, part_size=1)
    chosen = ddf[ddf["campaign"].isin(two)]
    assert_alike(lambda df: df.braze.lift(METRIC, **options), chosen, some)


def test_the_campaign_that_a_refusal_names_is_the_first(cache, whole):
    ask = lambda df: df.braze.check(planned="equal")  # noqa: E731
    with pytest.raises(ValueError, match="planned= names") as expected:
        ask(whole)
    for size in (1, 5):
        with pytest.raises(ValueError, match="planned= names") as found:
            ask(bf.scan_braze_series(cache, part_size=size)).compute(scheduler="sync")
        assert str(found.value) == str(expected.value)


def test_a_filtered_frame_is_asked_as_the_filtered_whole(parts, whole):
    email = whole.xs("email", level="channel", drop_level=False)
    for question in ("lift", "check", "sums by None, None", "rates"):
        ask = QUESTIONS[question]
        assert_alike(ask, parts[parts["channel"] == "email"], email)


def test_settled_rows_are_a_frame_in_parts_that_can_be_asked(parts, whole):
    settled = parts.braze.settled()
    assert len(settled) == len(whole.braze.settled())
    assert_alike(QUESTIONS["winner"], settled, whole.braze.settled())
    assert len(parts.braze.settled(until="2026-05-31")) == len(
        whole.braze.settled(until="2026-05-31")
    )


def test_columns_of_ones_own_are_there_to_group_by(parts, whole):
    owned = parts.assign(owner=parts["campaign"].str[:1])
    names = whole.index.get_level_values("campaign").str[:1]
    assert_alike(lambda df: df.braze.totals("owner"), owned, whole.assign(owner=names))
    with pytest.raises(ValueError, match=r"put it into a column, ddf = ddf\.assign"):
        parts.braze.totals(by=whole["sent"])


@pytest.mark.parametrize("convert", [True, False])
def test_dask_s_own_text_changes_nothing(cache, whole, convert):
    with dask.config.set({"dataframe.convert-string": convert}):
        names = ["conversions_by_send_time", "unique_recipients", "enrolled", "sent"]
        ddf = bf.scan_braze_series(cache, columns=names, part_size=5)
        other = dd.from_pandas(whole[names].reset_index(), npartitions=1)
        for frame in (ddf, other):
            assert_alike(lambda df: df.braze.totals("channel"), frame, whole[names])
            assert_alike(lambda df: df.braze.lift(METRIC), frame, whole[names])


def test_threads_and_processes_answer_and_warn_as_pandas_does(cache, whole, cluster):
    ddf = bf.scan_braze_series(cache, part_size=5)
    for question in ("sums by [], None", "lift", "check", "tests"):
        assert_alike(QUESTIONS[question], ddf, whole, scheduler="threads")
        assert_alike(QUESTIONS[question], ddf, whole, scheduler=cluster)


@settings(max_examples=12)
@given(campaigns, st.sampled_from([[], None, ["channel"]]), st.integers(1, 3))
def test_parts_of_any_payload_make_the_whole(rows, by, size):
    whole = bf.read_braze_series({name: frame_of(own) for name, own in rows.items()})
    names = sorted(whole.braze.campaigns)
    flat = whole.reset_index()
    pieces = [
        flat[flat["campaign"].isin(names[start : start + size])]
        for start in range(0, len(names), size)
    ]
    ddf = dd.from_map(lambda number: pieces[number], range(len(pieces)), meta=flat[:0])
    ddf = _registered(ddf)
    assert_alike(lambda df: df.braze.totals(by, "W"), ddf, whole)
    assert_alike(lambda df: df.braze.rates(None, by, ci=0.9), ddf, whole)
    assert_alike(lambda df: df.braze.check(), ddf, whole)


def _registered(ddf):
    """Return a frame of dask's own; the first scan of a process puts braze on it."""
    from braze_frames.scan.ondask import _register

    _register()
    return ddf


# --- campaigns in several partitions ---


@pytest.mark.parametrize(
    "question", ["sums by [], None", "sums by channel, W", "rates", "rates in weeks"]
)
def test_sums_of_campaigns_that_are_cut_are_right(parts, rows, whole, question):
    assert_alike(QUESTIONS[question], rows, whole)


@pytest.mark.parametrize("question", ["lift", "winner", "srm", "check", "tests"])
def test_a_campaign_in_two_partitions_is_named(parts, rows, question):
    told = r"the campaign '.*' stands in 2 partitions.*ddf\.shuffle\(\"campaign\"\)"
    with pytest.raises(bf.FrameError, match=told):
        QUESTIONS[question](rows).compute(scheduler="sync")


def test_people_that_parts_count_differently_are_refused():
    entries = [{"variation_name": "Control Group", "enrolled": 90, "conversions": 3}]
    also = [entries[0] | {"unique_recipients": 80}]
    days = [
        {"time": f"2026-03-0{day}", "messages": {"email": found}}
        for day, found in enumerate((entries, also), 1)
    ]
    whole = bf.read_braze_series({"Spring": {"data": days}})
    ddf = _registered(dd.from_pandas(whole.reset_index(), npartitions=2, sort=False))
    with pytest.raises(bf.FrameError, match="Spring, email, Control Group"):
        ddf.braze.rates("conversion_rate").compute(scheduler="sync")


def test_rows_put_together_as_the_error_says_are_answered(rows, whole):
    lift = QUESTIONS["lift"]
    expected, _ = told(lambda: lift(whole))
    for sorted_ in (rows.shuffle("campaign"), rows.sort_values("campaign")):
        found, _ = told(lambda: lift(sorted_).compute(scheduler="sync"))  # noqa: B023
        pd.testing.assert_frame_equal(found, expected)


def test_rows_that_dask_puts_together_keep_what_attrs_say(cache, whole):
    ddf = bf.scan_braze_series(cache, part_size=5)
    one = ddf.compute()
    assert one.attrs["braze"] == whole.attrs["braze"]
    assert len(one.braze.settled()) == len(whole.braze.settled())
    for found in (
        ddf.shuffle("campaign"),
        ddf.shuffle("campaign", shuffle_method="tasks").persist(),
        ddf.sort_values("campaign"),
        ddf.repartition(npartitions=1),
    ):
        for question in ("lift", "tests", "sums by channel, None", "rates"):
            expected, _ = told(lambda: QUESTIONS[question](whole))  # noqa: B023
            asked = QUESTIONS[question](found)
            answer, _ = told(lambda: asked.compute(scheduler="sync"))  # noqa: B023
            pd.testing.assert_frame_equal(answer, expected, rtol=1e-12)
            assert answer.attrs == expected.attrs


def test_columns_that_no_row_has_are_in_no_answer(cache, whole):
    ddf = bf.scan_braze_series(cache, part_size=5)
    owners = pd.DataFrame({"campaign": whole.braze.campaigns, "owner": "Ann"})
    levels = whole.index.names
    flat = whole.reset_index().merge(owners, on="campaign").set_index(levels)
    merged, _ = told(lambda: ddf.merge(owners, on="campaign"))  # dask's own text
    found, _ = told(lambda: merged.braze.totals("owner").compute())
    expected, _ = told(lambda: flat.braze.totals("owner"))
    pd.testing.assert_frame_equal(found, expected)
    none = whole[whole.index.get_level_values("channel") == "nowhere"]
    assert_alike(
        QUESTIONS["sums by channel, None"], ddf[ddf.channel == "nowhere"], none
    )


def test_a_kept_answer_warns_where_it_is_computed(parts, whole):
    ask = QUESTIONS["sums by [], None"]
    expected, wanted = told(lambda: ask(whole))
    kept, early = told(lambda: ask(parts).persist(scheduler="sync"))
    found, late = told(lambda: kept.compute(scheduler="sync"))
    assert (early, late) == ([], wanted)
    pd.testing.assert_frame_equal(found, expected)
    together, _ = told(lambda: dask.compute(ask(parts), kept, scheduler="sync"))
    for found in together:
        pd.testing.assert_frame_equal(found, expected)


# --- what goes wrong ---


@pytest.fixture
def half(cache, tmp_path):
    """Return a small cache that may be damaged."""
    shutil.copytree(cache.path, tmp_path / "half")
    return bf.Cache(tmp_path / "half")


def test_campaigns_that_fail_are_named_and_the_others_answered(half, whole):
    ddf = bf.scan_braze_series(half, part_size=5)
    lost = half.info()["campaign"].iloc[3]
    name = half.info()["name"].iloc[3]
    for path in half.path.rglob(f"campaign_id={lost}"):
        path.rename(path.with_name("gone"))
    with pytest.raises(
        bf.PullError, match="1 of .* campaigns could not be read"
    ) as hit:
        ddf.braze.totals("campaign").compute(scheduler="sync")
    assert [*hit.value.failed] == [name]
    left = whole.drop(name, level="campaign")
    pd.testing.assert_frame_equal(
        hit.value.frame.dropna(axis=1, how="all"),
        left.braze.totals("campaign").dropna(axis=1, how="all"),
    )
    with pytest.raises(bf.PullError, match="scan again"):
        ddf.compute(scheduler="sync")


def test_a_damaged_file_is_told_of_once_where_one_waits(half):
    ddf = bf.scan_braze_series(half, part_size=5)
    path = next(half.path.rglob("variation/campaign_id=*/data.parquet"))
    path.write_bytes(path.read_bytes()[:-100])

    def ask():
        with contextlib.suppress(bf.PullError):
            ddf.braze.totals().compute(scheduler="threads")

    _, said = told(ask)
    (damage,) = [one for one in said if one[1] is bf.CacheWarning]
    assert damage[2] == __file__


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda df: df.braze.lift("nonsense"), bf.FrameError, "is no metric"),
        (lambda df: df.braze.totals("owner"), ValueError, "is no level"),
        (lambda df: df.braze.lift(METRIC, {"Nobody": "A"}), bf.FrameError, "Nobody"),
        (lambda df: df.braze.rates({"a": ("nix", "sent")}), ValueError, "no stat of"),
        (lambda df: df.braze.srm(counts={"A": 1}), ValueError, "belong to one test"),
    ],
)
def test_refusals_are_those_of_pandas(parts, whole, ask, error, words):
    with pytest.raises(error, match=words) as found:
        ask(parts).compute(scheduler="sync")
    with pytest.raises(error) as expected:
        ask(whole)
    assert str(found.value) == str(expected.value)


def test_what_is_not_answered_by_parts_says_so(parts, cache):
    with pytest.raises(AttributeError, match=r"ddf\.compute\(\)\.braze\.change"):
        parts.braze.change("conversion_rate")
    with pytest.raises(AttributeError, match="lacks date, channel, variation"):
        parts[["sent"]].braze  # noqa: B018
    with pytest.raises(ValueError, match="no stat is called 'opnes'; .*opens"):
        bf.scan_braze_series(cache, columns="opnes").braze.totals().compute()
    with pytest.raises(ValueError, match="part_size=0"):
        bf.scan_braze_series(cache, part_size=0)
    with pytest.raises(bf.SourceError, match=r"is no bf\.Cache and no path of Parquet"):
        bf.scan_braze_series(["an id"])
    with pytest.raises(bf.CacheError, match="holds no days"):
        bf.scan_braze_series(cache, end="2020-01-01")


def test_without_dask_the_error_names_the_extra(cache):
    code = (
        "import sys; sys.modules['dask'] = None\n"
        "import braze_frames as bf\n"
        "try: bf.scan_braze_series('rows.parquet')\n"
        "except bf.ConfigError as error: print(error)\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "pip install 'braze-frames[scale]'" in done.stdout


# --- loader rows ---


def loader_rows():
    """Return day rows of five campaigns, as loaders leave them."""
    entries = [{"variation_name": name, "sent": 9, "opens": 3} for name in "AB"]
    return pd.DataFrame(
        [
            {
                "campaign_id": f"3bbc4555-8a0a-4d2b-9a26-00000000000{campaign}",
                "campaign_name": "Twice" if campaign < 2 else f"Spring {campaign}",
                "time": f"2026-03-{day:02}",
                "messages": json.dumps({"email": entries[: 1 + campaign % 2]}),
                "conversions": campaign,
            }
            for campaign in range(5)
            for day in range(1, 8)
        ]
    )


@pytest.mark.parametrize("size", [1, 2, 9])
def test_loader_rows_in_parquet_are_scanned_as_they_are_read(tmp_path, size):
    rows = loader_rows()
    rows[:17].to_parquet(tmp_path / "a.parquet", row_group_size=4)
    rows[17:].to_parquet(tmp_path / "b.parquet", row_group_size=50)
    ddf = bf.scan_braze_series(tmp_path, part_size=size, start="2026-03-02")
    whole = bf.read_braze_series(tmp_path, start="2026-03-02")
    assert ddf.npartitions == -(-5 // size)
    assert_alike(lambda df: df.braze.totals(), ddf, whole)
    assert_alike(lambda df: df.braze.check(), ddf, whole)
    assert whole.braze.campaigns[-1].startswith("Twice [3bbc4555")


def test_rows_that_are_not_sorted_by_campaign_are_refused(tmp_path):
    loader_rows().sort_values("time").to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(bf.SourceError, match="not sorted by campaign.*ORDER BY"):
        bf.scan_braze_series(tmp_path / "rows.parquet")
    loader_rows()[["time", "messages"]].to_parquet(tmp_path / "anonymous.parquet")
    with pytest.raises(bf.SourceError, match="`time` and `campaign_id`"):
        bf.scan_braze_series(tmp_path / "anonymous.parquet")


def test_damaged_and_empty_files_are_told_of_as_reads_tell(tmp_path):
    loader_rows()[:0].to_parquet(tmp_path / "a.parquet")
    for read in (bf.scan_braze_series, bf.read_braze_series):
        with pytest.raises(bf.PayloadError, match="empty"):
            read(tmp_path)
    loader_rows().to_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"junk")
    for read in (bf.scan_braze_series, bf.read_braze_series):
        with pytest.raises(bf.PayloadError, match="is no Parquet that can be read"):
            read(tmp_path)


def test_a_row_that_is_no_day_is_told_among_those_of_its_part(tmp_path):
    rows = loader_rows()
    rows.loc[15, "messages"] = "{broken"
    rows.to_parquet(tmp_path / "rows.parquet")
    ddf = bf.scan_braze_series(tmp_path / "rows.parquet", part_size=1)
    told = r"rows\.parquet, among the rows of 3bbc4555-8a0a-.*2, item 2, messages"
    with pytest.raises(bf.PullError, match=told):
        ddf.braze.totals().compute()
